"""The worker process, ``python -m videlicet.worker``: every kind of job there is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from videlicet.jobs.worker import run_worker

if TYPE_CHECKING:
    from videlicet.jobs.context import WorkerContext
    from videlicet.jobs.kinds import JobKind


def job_kinds(context: WorkerContext) -> Sequence[JobKind]:
    """One of each kind. Notifications look for them in this order."""
    from videlicet.analysis_jobs.kinds import AnalysisJobs
    from videlicet.ingest.context import IngestContext
    from videlicet.ingest.kinds import EmbeddingJobs, FileJobs, IndexingJobs
    from videlicet.saved_searches.evaluator import SavedSearchEvaluator
    from videlicet.saved_searches.kinds import SavedSearchJobs
    from videlicet.webhooks.kinds import DeliveryJobs

    saved_searches = SavedSearchEvaluator(context.store, context.settings, context.exclusive)
    ingest = IngestContext(context, saved_searches)
    return (
        IndexingJobs(ingest),
        FileJobs(ingest),
        EmbeddingJobs(ingest),
        AnalysisJobs(context),
        SavedSearchJobs(context, saved_searches),
        DeliveryJobs(context),
    )


if __name__ == "__main__":
    sys.exit(run_worker(job_kinds))
