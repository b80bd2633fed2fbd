"""The job kinds of one asset: indexing it, making its file ready, and computing embeddings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from videlicet.errors import NotFound, VidelicetError
from videlicet.ingest import file_jobs, gc
from videlicet.ingest.workflow import index_asset
from videlicet.jobs.instrumentation import resource_trace, task_span
from videlicet.jobs.kinds import SHORT_QUEUE, JobKind, JobQueue, PendingJob, ResourceJobKind
from videlicet.telemetry import traces
from videlicet.types import AssetStatus, Kind

if TYPE_CHECKING:
    from videlicet.ingest.context import IngestContext
    from videlicet.jobs.kinds import JobRun
    from videlicet.types import Asset


class IndexingJobs(JobKind):
    """Tasks: one workflow for each attempt to put an asset into an index."""

    name = "ingest"
    queue = JobQueue("ingest-by-tenant")

    def __init__(self, ingest: IngestContext) -> None:
        super().__init__(ingest.worker)
        self._ingest = ingest

    def run(self, job: JobRun, *args: str) -> str:
        (task_id,) = args
        with task_span("task", task_id, self._trace(task_id)) as outcome:
            outcome.status = index_asset(self._ingest, job, task_id)
            return outcome.status

    def pending(self) -> Iterable[PendingJob]:
        keys = self.context.store.catalog.task_keys(self.context.scope, status=gc.UNFINISHED)
        return [self._job(key.id, key.tenant, key.attempts) for key in keys]

    def refresh(self, job: PendingJob) -> PendingJob | None:
        try:
            task = self.context.store.catalog.task(self.context.scope, *job.args)
        except NotFound:
            return None
        now = self._job(task.id, task.tenant, task.attempts)
        return None if task.status.ended or now != job else now

    def restart(self, job: PendingJob) -> PendingJob:
        catalog, (id,) = self.context.store.catalog, job.args
        attempts = catalog.task(self.context.scope, id).attempts + 1
        catalog.update_task(self.context.scope, id, attempts=attempts)
        return self._job(id, job.tenant, attempts)

    def warm_up(self) -> None:
        catalog, scope = self.context.store.catalog, self.context.scope
        waiting = {
            task.index_id for one in gc.UNFINISHED for task in catalog.tasks(scope, status=one)
        }
        for index_id in sorted(waiting):
            try:
                self._ingest.models(catalog.index(scope, index_id).cards)
            except VidelicetError:
                continue  # the task that needs them will say so

    def recover(self) -> None:
        if self.context.lease is None:
            gc.sweep(self.context.scope, self.context.store, self.context.settings)
        else:
            self.sweep()

    def sweep(self) -> None:
        gc.sweep_unowned(self.context)

    def close(self) -> None:
        self._ingest.close()

    def _trace(self, task_id: str) -> str | None:
        """The trace of the request for a task."""
        if not traces.enabled():
            return None
        try:
            return self.context.store.catalog.task(self.context.scope, task_id).trace
        except NotFound:
            return None

    @staticmethod
    def _job(id: str, tenant: str, attempts: int) -> PendingJob:
        return PendingJob(f"{id}.{attempts}", tenant, (id,))


class FileJobs(JobKind):
    """Assets that are made ready once their bytes have been uploaded or named: one workflow
    each."""

    name = "prepare"
    queue = SHORT_QUEUE

    def __init__(self, ingest: IngestContext) -> None:
        super().__init__(ingest.worker)
        self._ingest = ingest

    def run(self, job: JobRun, *args: str) -> str:
        tenant, id = args
        with task_span("file", id, self._trace(tenant, id)) as outcome:
            outcome.status = job.single_step(
                "prepare",
                lambda: file_jobs.run_prepare(self._ingest, tenant, id),
                lambda error: file_jobs.give_up_asset(self._ingest, tenant, id, error),
            )
            return outcome.status

    def pending(self) -> Iterable[PendingJob]:
        keys = self.context.store.catalog.asset_keys(
            self.context.scope, status=[AssetStatus.PROCESSING]
        )
        return [
            PendingJob(f"{self.name}.{key.id}", key.tenant, (key.tenant, key.id)) for key in keys
        ]

    def refresh(self, job: PendingJob) -> PendingJob | None:
        asset = self._asset(*job.args)
        return job if asset is not None and asset.status is AssetStatus.PROCESSING else None

    def _asset(self, tenant: str, id: str) -> Asset | None:
        try:
            return self.context.store.catalog.asset(self.context.tenant_scope(tenant), id)
        except NotFound:
            return None

    def _trace(self, tenant: str, id: str) -> str | None:
        """The trace of the request that made an asset."""
        asset = self._asset(tenant, id) if traces.enabled() else None
        return None if asset is None else asset.trace


class EmbeddingJobs(ResourceJobKind):
    """Embeddings of assets that somebody asked for."""

    name = "embed"
    queue = SHORT_QUEUE
    resource = Kind.EMBEDDING

    def __init__(self, ingest: IngestContext) -> None:
        super().__init__(ingest.worker)
        self._ingest = ingest

    def run(self, job: JobRun, *args: str) -> str:
        tenant, id = args
        trace = resource_trace(self.context, Kind.EMBEDDING, tenant, id)
        with task_span("embedding", id, trace) as outcome:
            outcome.status = job.single_step(
                "embed",
                lambda: file_jobs.run_embedding(self._ingest, tenant, id),
                lambda error: file_jobs.give_up_embedding(self._ingest, tenant, id, error),
            )
            return outcome.status

    def recover(self) -> None:
        self.sweep()

    def sweep(self) -> None:
        self.context.store.catalog.delete_resources(
            self.context.scope, Kind.EMBEDDING, expired=datetime.now(UTC)
        )
