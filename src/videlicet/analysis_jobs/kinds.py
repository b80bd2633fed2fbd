"""The job kind that runs analyses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from videlicet.analysis_jobs import analyses
from videlicet.jobs.instrumentation import resource_trace, task_span
from videlicet.jobs.kinds import JobQueue, ResourceJobKind
from videlicet.types import Kind

if TYPE_CHECKING:
    from videlicet.jobs.kinds import JobRun, PendingJob


class AnalysisJobs(ResourceJobKind):
    """Analyses that somebody waits for by asking."""

    name = "analyze"
    #: Language models may be slow to answer.
    queue = JobQueue("analyses-by-tenant")
    resource = Kind.ANALYSIS
    live = (analyses.PENDING, analyses.PROCESSING)

    def run(self, job: JobRun, *args: str) -> str:
        tenant, id = args
        with task_span(
            "analysis", id, resource_trace(self.context, Kind.ANALYSIS, tenant, id)
        ) as outcome:
            outcome.status = job.single_step(
                "analyze",
                lambda: analyses.run_analysis_job(self.context, tenant, id),
                lambda error: analyses.fail_analysis(self.context, tenant, id, error),
            )
            return outcome.status

    def pending(self) -> Iterable[PendingJob]:
        analyses.queue_ready(self.context)
        return super().pending()

    def recover(self) -> None:
        self.sweep()

    def sweep(self) -> None:
        analyses.sweep(self.context.scope, self.context.store)
