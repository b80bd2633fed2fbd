"""The job kind that evaluates saved searches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.jobs.instrumentation import task_span
from videlicet.jobs.kinds import SHORT_QUEUE, ResourceJobKind
from videlicet.saved_searches.evaluator import due_in
from videlicet.types import Kind

if TYPE_CHECKING:
    from videlicet.jobs.context import WorkerContext
    from videlicet.jobs.kinds import JobRun
    from videlicet.saved_searches.evaluator import SavedSearchEvaluator
    from videlicet.types import Resource


class SavedSearchJobs(ResourceJobKind):
    """Runs of saved searches on existing assets, and those that failed when an asset became ready:
    one workflow for each attempt."""

    name = "try"
    queue = SHORT_QUEUE
    resource = Kind.SAVED_SEARCH_RUN
    retries = True

    def __init__(self, context: WorkerContext, evaluator: SavedSearchEvaluator) -> None:
        super().__init__(context)
        self._evaluator = evaluator

    def run(self, job: JobRun, *args: str) -> str:
        tenant, id = args
        with task_span("saved_search_run", id, None) as outcome:
            outcome.status = str(job.step("try", lambda: self._evaluate(tenant, id)))
            return outcome.status

    def due_in(self, row: Resource) -> float:
        return due_in(row)

    def _evaluate(self, tenant: str, id: str) -> str:
        try:
            return self._evaluator.run(self.context.tenant_scope(tenant), id)
        finally:
            self.context.work_available.set()  # there may be matches to send
