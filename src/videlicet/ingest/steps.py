"""The steps of one task, each of which may be run again after any interruption."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.errors import Cancelled, NotFound, VidelicetError, from_json
from videlicet.ingest import files, videos
from videlicet.ingest.enrich import extract_enrichment
from videlicet.ingest.gc import UNFINISHED, asset_lock, remove_unfinished
from videlicet.ingest.passes.assemble import Findings, Incomplete, assemble
from videlicet.ingest.passes.journal import journal_of
from videlicet.ingest.passes.observe import observe
from videlicet.ingest.passes.task_group import TaskGroup
from videlicet.ingest.plan import IndexingPlan, require_unmodified, staging, stamp_of
from videlicet.ingest.progress import Progress
from videlicet.ingest.reporting import ProgressReporter, peak_memory, processor_seconds
from videlicet.ingest.sources import delete_source, name_of, open_source
from videlicet.media.probe import probe
from videlicet.media.process import open_media
from videlicet.media.sources import fetch_source, scheme_of
from videlicet.rights import LOCAL
from videlicet.store.catalog.schema import to_stored_time
from videlicet.store.files import path_of_file
from videlicet.store.home import translated_errors
from videlicet.types import (
    Asset,
    IndexedAsset,
    Kind,
    MetadataValue,
    Status,
    Task,
    derived_id,
)
from videlicet.webhooks import delivery

if TYPE_CHECKING:
    from videlicet.ingest.context import IngestContext
    from videlicet.settings import Settings
    from videlicet.store import Store

_READ = 4 * 1024 * 1024


class IndexingSteps:
    """The steps of the task ``task_id``. Plans go from step to step as JSON."""

    def __init__(self, context: IngestContext, task_id: str) -> None:
        self._context = context
        self._scope = context.scope
        self._store: Store = context.store
        self._settings: Settings = context.settings
        self._cancelled = context.cancellation.watch(task_id)
        self._stopped = self._cancelled.is_set
        self._task_id = task_id
        self._cpu: Mapping[str, float] = {}

    def close(self) -> None:
        """Say that the task has ended."""
        self._context.cancellation.unwatch(self._task_id, self._cancelled)

    @contextmanager
    def exclusive(self, row: Mapping[str, Any]) -> Iterator[None]:
        """Let no other task work on the same bytes meanwhile, whichever worker has it."""
        with self._context.worker.exclusive(asset_lock(row["asset_id"])):
            yield

    def identify(self) -> dict[str, Any]:
        """Read the whole file once for its hash, and its container for what it holds."""
        task = self._stage("identify", status=Status.RUNNING)
        if (video_id := videos.video_id_of(task.source)) is not None:
            return self._uploaded(task, video_id).to_json()
        path = self._brought(task) or Path(task.source)
        with open_media(path) as file:
            stamp = stamp_of(os.fstat(file.fileno()))
            digest = hashlib.sha256()
            while block := file.read(_READ):
                digest.update(block)
                self._check()
        media = probe(path, self._settings)
        require_unmodified(path, stamp)
        sha256 = digest.hexdigest()
        # The same bytes of two tenants are two assets.
        asset_id = derived_id(*([] if task.tenant == LOCAL else [task.tenant]), sha256)
        kept = scheme_of(task.source) is not None or self._store.blobs.remote
        return self._plan(
            task,
            asset_id=asset_id,
            sha256=sha256,
            name=name_of(task.source),
            blob=f"assets/{asset_id}/original" if kept else None,
            stamp=stamp,
            media=media,
        ).to_json()

    def _uploaded(self, task: Task, video_id: str) -> IndexingPlan:
        """The plan of an uploaded file, which is made ready first where it is not yet."""
        catalog = self._store.catalog
        videos.set_status(self._scope, self._store, video_id, videos.VALIDATING)
        video = catalog.resource(self._scope, Kind.VIDEO, video_id)
        with self._context.worker.exclusive(files.file_lock(video.body["file_id"])):
            file = files.prepare_file(
                self._scope, self._store, self._settings, video.body["file_id"], self._check
            )
        if file.body.get("error") is not None:
            raise from_json(file.body["error"])
        media = videos.observable_media(video, file)
        videos.set_status(
            self._scope, self._store, video_id, videos.INDEXING, **videos.media_facts(file)
        )
        return self._plan(
            task,
            asset_id=video_id,
            sha256=file.body["sha256"],
            name=file.name,
            blob=file.body.get("blob"),
            stamp=stamp_of(path_of_file(self._scope, self._store, file).stat()),
            media=media,
        )

    def _plan(self, task: Task, **facts: Any) -> IndexingPlan:
        index = self._store.catalog.index(self._scope, task.index_id)
        return IndexingPlan(
            index_id=task.index_id,
            cards=dict(index.cards),
            sample_rate=self._settings.sample_rate,
            segment_min=self._settings.segment_min,
            segment_max=self._settings.segment_max,
            **facts,
        )

    def admit(self, row: Mapping[str, Any]) -> bool:
        """Enter the asset in the catalog. False where the index holds the same bytes already:
        then there is nothing more to do."""
        plan = IndexingPlan.from_json(row)
        self._check()
        there = self._store.catalog.indexed(
            self._store.scope(self._scope, plan.index_id), plan.asset_id
        )
        if there is not None and there.status is Status.READY:
            delete_source(self._scope, self._store, self._task_id)
            self._note_ready(plan)
            self._end(Status.READY, plan, notes=there.notes, already=True)
            self._clear(plan.asset_id)
            return False
        task = self._stage("identify", asset_id=plan.asset_id, total_s=_seconds(plan))
        now = datetime.now(UTC)
        self._store.catalog.put_asset(
            self._scope,
            Asset(
                id=plan.asset_id,
                sha256=plan.sha256,
                name=plan.name,
                source=task.source if plan.blob else str(self._path(task)),
                size=plan.stamp[0],
                media=plan.media,
                created_at=now,
                blob=plan.blob,
                metadata=self._attached(task),
                tenant=task.tenant,
            ),
            _entry(plan, Status.RUNNING, now),
        )
        if plan.blob is not None and not self._store.blobs.exists(self._scope, plan.blob):
            path = self._brought(task)
            assert path is not None
            self._store.blobs.put(self._scope, plan.blob, path)
        return True

    def observe(self, row: Mapping[str, Any]) -> None:
        """Let every model see and hear the file; what they say goes into the journal."""
        plan = IndexingPlan.from_json(row)
        task = self._stage("observe")
        path = self._original(task, plan)
        reporter = ProgressReporter(self._context, task)
        crew = TaskGroup(self._context.pool, self._context.order(), self._stopped, task.tenant)
        models = self._context.models(plan.cards)
        with journal_of(plan, self._settings) as journal, files.with_display_name(path, plan.name):
            observe(path, plan, models, crew, journal, self._settings, reporter.lane)
        if plan.blob is None:
            require_unmodified(path, plan.stamp)
        self._cpu = dict(crew.cpu)

    def store(self, row: Mapping[str, Any]) -> list[str]:
        """Put the observations, vectors and words where searches find them; returns the notes."""
        plan = IndexingPlan.from_json(row)
        self._stage("store")
        try:
            found = self._assembled(plan)
        except Incomplete:
            # It was observed on another machine, which has the journal and has gone.
            self.observe(row)
            found = self._assembled(plan)
        self._put(plan, found)
        if extract_enrichment(self._context, plan, found):
            self._put(plan, found)
        return found.notes

    def _put(self, plan: IndexingPlan, found: Findings) -> None:
        self._check()
        scope = self._store.scope(self._scope, plan.index_id)
        self._store.catalog.put_observations(scope, plan.asset_id, found.observations)
        for (modality, space), rows in found.vectors.items():
            self._check()
            self._store.vectors.put(scope, modality, space, plan.asset_id, list(rows.values()))
        self._store.texts.put(scope, plan.asset_id, found.texts)

    def finish(self, row: Mapping[str, Any], notes: list[str]) -> None:
        """Make the asset searchable, and clear the table."""
        plan = IndexingPlan.from_json(row)
        self._check()
        left_out = len(plan.media.audio) - 1
        if left_out > 0:
            notes = [*notes, f"{left_out} more sound track(s) were left out"]
        delete_source(self._scope, self._store, self._task_id)
        ready = replace(_entry(plan, Status.READY), notes=tuple(notes))
        self._store.catalog.put_indexed(self._scope, ready, again=True)
        self._note_ready(plan)
        self._end(Status.READY, plan, notes=ready.notes)
        self._clear(plan.asset_id)

    def fail(self, error: VidelicetError, row: Mapping[str, Any] | None) -> None:
        """Take back everything half done, and keep the error with the task."""
        asset_id = None if row is None else row["asset_id"]
        # Staging first: where the disk is full this makes the room that the rest needs.
        self._clear(asset_id)
        cancelled = isinstance(error, Cancelled)
        try:
            task = self._store.catalog.update_task(
                self._scope, self._task_id, when=[Status.CANCELLED] if cancelled else (),
                status=Status.CANCELLED if cancelled else Status.FAILED,
                error=None if cancelled else error.to_json(), asset_id=None, stage=None,
            )  # fmt: skip
        except NotFound:
            # The asset or its index was removed meanwhile, and the task with it.
            delete_source(self._scope, self._store, self._task_id)
            if row is not None:
                remove_unfinished(self._scope, self._store, row["index_id"], row["asset_id"])
            self._context.report(Progress(self._task_id, "", Status.CANCELLED, **self._spent()))
            return
        if cancelled and task.status is not Status.CANCELLED:
            return  # it is tried again already: the next run has it now
        delete_source(self._scope, self._store, self._task_id)
        if row is not None:
            remove_unfinished(self._scope, self._store, row["index_id"], row["asset_id"])
        # Last: from now on it may be tried again.
        videos.fail_video(self._scope, self._store, task, error)
        self._announce(delivery.FAILED, task)
        self._context.report(Progress.of(task, **self._spent()))

    def fail_without_engine(self, error: VidelicetError, row: Mapping[str, Any] | None) -> None:
        """Fail the task although the books of the workflow cannot be written. Where the catalog
        cannot either, the client is told at least, and the next worker takes the task up again."""
        try:
            self.fail(error, row)
        except VidelicetError:
            self._context.report(
                Progress(self._task_id, "", Status.FAILED, error=error.to_json(), **self._spent())
            )

    # -- small parts ----------------------------------------------------------------------------

    def _assembled(self, plan: IndexingPlan) -> Findings:
        with journal_of(plan, self._settings) as journal:
            return assemble(plan, self._context.models(plan.cards), journal)

    def _note_ready(self, plan: IndexingPlan) -> None:
        task = self._store.catalog.task(self._scope, self._task_id)
        if (video_id := videos.video_id_of(task.source)) is not None:
            # What was attached while the work went on is not lost.
            self._store.catalog.set_metadata(self._scope, plan.asset_id, self._attached(task))
            videos.set_status(
                self._scope, self._store, video_id, videos.READY,
                indexed_at=to_stored_time(datetime.now(UTC)), error=None,
            )  # fmt: skip
        index = self._store.catalog.index(self._scope, plan.index_id)
        self._context.saved_searches.asset_ready(self._scope, index, plan.asset_id)
        self._context.worker.work_available.set()  # for what is to be told, or tried again

    def _announce(self, kind: str, task: Task) -> None:
        """Have the tenant's webhooks told how a video ended, once for each try; and whoever waits
        to analyse it."""
        if videos.video_id_of(task.source) is None:
            return
        self._context.worker.work_available.set()
        index = self._store.catalog.index(self._scope, task.index_id)
        if index.hidden:
            return
        data = {
            "id": task.id,
            "metadata": {"duration": task.total_s},
            "status": "ready" if kind == delivery.READY else "failed",
            "models": [
                {"name": one["model_name"], "options": one["model_options"]}
                for one in index.options.get("models") or ()
            ],
            "tags": [],
        }
        scope = self._store.scope(self._scope.within(task.tenant))
        delivery.announce(scope, self._store, kind, data, f"{task.id}.{task.attempts}")

    def _attached(self, task: Task) -> dict[str, MetadataValue]:
        video_id = videos.video_id_of(task.source)
        if video_id is None:
            return {}
        video = self._store.catalog.resource(self._scope, Kind.VIDEO, video_id)
        return videos.filterable_metadata(video.body.get("user_metadata") or {})

    def _spent(self) -> dict[str, Any]:
        total = {"total": processor_seconds()}
        return {"cpu": {**self._cpu, **total}, "memory": peak_memory()}

    def _check(self) -> None:
        if self._stopped():
            raise Cancelled("cancelled", "The task was cancelled.")

    def _stage(self, stage: str, **changes: Any) -> Task:
        """Note where the task is, unless it was cancelled, and say so."""
        task = self._store.catalog.update_task(
            self._scope, self._task_id, when=UNFINISHED, stage=stage, **changes
        )
        if task.status in (Status.CANCELLED, Status.READY):
            # Ready already: cancelled while it waited, tried again, and another run was faster.
            raise Cancelled("cancelled", "The task was cancelled.")
        self._context.report(Progress.of(task))
        return task

    def _end(self, status: Status, plan: IndexingPlan, **news: Any) -> None:
        seconds = _seconds(plan)
        task = self._store.catalog.update_task(
            self._scope, self._task_id, status=status, asset_id=plan.asset_id, stage=None,
            done_s=seconds, total_s=seconds, error=None,
        )  # fmt: skip
        self._announce(delivery.READY, task)
        self._context.report(Progress.of(task, **self._spent(), **news))

    def _brought(self, task: Task) -> Path | None:
        """The file as it came from elsewhere, if it did: from an address, or into a store that
        machines share."""
        if scheme_of(task.source) is not None:
            return self._fetched(task)
        return open_source(self._scope, self._store, task) if self._store.blobs.remote else None

    def _fetched(self, task: Task) -> Path:
        """The file at an address, downloaded once."""
        path = staging(self._settings, task.id) / "fetched"
        if not path.exists():
            with translated_errors(self._settings.home):
                path.parent.mkdir(parents=True, exist_ok=True)
            fetch_source(task.source, path, self._settings, self._check)
        return path

    def _original(self, task: Task, plan: IndexingPlan) -> Path:
        if plan.blob is not None:
            return self._store.blobs.path(self._scope, plan.blob)
        path = self._path(task)
        require_unmodified(path, plan.stamp)
        return path

    def _path(self, task: Task) -> Path:
        """Where a source is that was added by path."""
        video_id = videos.video_id_of(task.source)
        if video_id is None:
            return Path(task.source)
        catalog = self._store.catalog
        video = catalog.resource(self._scope, Kind.VIDEO, video_id)
        file = catalog.resource(self._scope, Kind.FILE, video.body["file_id"])
        return path_of_file(self._scope, self._store, file)

    def _clear(self, asset_id: str | None) -> None:
        for name in (self._task_id, asset_id):
            if name is not None:
                shutil.rmtree(staging(self._settings, name), ignore_errors=True)


def _entry(plan: IndexingPlan, status: Status, now: datetime | None = None) -> IndexedAsset:
    now = now or datetime.now(UTC)
    return IndexedAsset(
        id=derived_id(plan.index_id, plan.asset_id),
        index_id=plan.index_id,
        asset_id=plan.asset_id,
        status=status,
        created_at=now,
        indexed_at=now if status is Status.READY else None,
    )


def _seconds(plan: IndexingPlan) -> float:
    return float(plan.media.span.duration)
