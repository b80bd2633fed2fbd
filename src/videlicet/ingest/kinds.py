"""The job kinds of one asset: indexing it, making its file ready, and computing embeddings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from videlicet.errors import NotFound, VidelicetError
from videlicet.ingest import file_jobs, gc, videos
from videlicet.ingest.workflow import index_asset
from videlicet.jobs.instrumentation import resource_trace, task_span
from videlicet.jobs.kinds import SHORT_QUEUE, JobKind, JobQueue, PendingJob, ResourceJobKind
from videlicet.telemetry import traces
from videlicet.types import Kind

if TYPE_CHECKING:
    from videlicet.ingest.context import IngestContext
    from videlicet.jobs.kinds import JobRun


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
        """The trace of the request for a task, which its video keeps."""
        if not traces.enabled():
            return None
        try:
            task = self.context.store.catalog.task(self.context.scope, task_id)
        except NotFound:
            return None
        video_id = videos.video_id_of(task.source)
        if video_id is None:
            return None
        return resource_trace(self.context, Kind.VIDEO, task.tenant, video_id)

    @staticmethod
    def _job(id: str, tenant: str, attempts: int) -> PendingJob:
        return PendingJob(f"{id}.{attempts}", tenant, (id,))


class FileJobs(ResourceJobKind):
    """Files that are made ready once their bytes have been uploaded or named."""

    name = "prepare"
    queue = SHORT_QUEUE
    resource = Kind.FILE

    def __init__(self, ingest: IngestContext) -> None:
        super().__init__(ingest.worker)
        self._ingest = ingest

    def run(self, job: JobRun, *args: str) -> str:
        tenant, id = args
        trace = resource_trace(self.context, Kind.FILE, tenant, id)
        with task_span("file", id, trace) as outcome:
            outcome.status = job.single_step(
                "prepare",
                lambda: file_jobs.run_prepare(self._ingest, tenant, id),
                lambda error: file_jobs.give_up_file(self._ingest, tenant, id, error),
            )
            return outcome.status


class EmbeddingJobs(ResourceJobKind):
    """Embeddings of files that somebody asked for."""

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
