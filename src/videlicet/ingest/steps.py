"""The steps of one task, each of which may be run again after any interruption."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.errors import Cancelled, NotFound, VidelicetError, from_json
from videlicet.ingest import files, videos
from videlicet.ingest.enrich import extract_enrichment
from videlicet.ingest.gc import UNFINISHED, asset_lock, remove_unfinished, video_lock
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
from videlicet.store.files import path_of_asset
from videlicet.store.home import translated_errors
from videlicet.types import (
    Asset,
    AssetOwner,
    AssetStatus,
    Status,
    Task,
    Video,
    VideoStatus,
    derived_id,
    video_id_of,
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
        """Let no other task work on the same asset in the same index meanwhile, whichever worker
        has it."""
        plan = self._read(row)
        with self._context.worker.exclusive(video_lock(plan.index_id, plan.asset_id)):
            yield

    def identify(self) -> dict[str, Any]:
        """Read the whole file once for its hash, and its container for what it holds."""
        task = self._stage("identify", status=Status.RUNNING)
        if not task.source:
            return self._plan_of_asset(task).to_json()
        path = self._uploaded_source(task) or Path(task.source)
        with open_media(path) as file:
            stamp = stamp_of(os.fstat(file.fileno()))
            digest = hashlib.sha256()
            head = b""
            while block := file.read(_READ):
                digest.update(block)
                head = head or block[: files.HEAD_SIZE]
                self._check()
        media = probe(path, self._settings)
        require_unmodified(path, stamp)
        sha256 = digest.hexdigest()
        # The same bytes of two tenants are two assets.
        asset_id = derived_id(*([] if task.tenant == LOCAL else [task.tenant]), sha256)
        kept = scheme_of(task.source) is not None or self._store.blobs.remote
        return self._new_plan(
            task,
            asset_id=asset_id,
            sha256=sha256,
            name=name_of(task.source),
            blob=f"assets/{asset_id}/original" if kept else None,
            stamp=stamp,
            media=media,
            media_type=files.recording_fields(media, head)["media_type"],
        ).to_json()

    def _plan_of_asset(self, task: Task) -> IndexingPlan:
        """The plan for an asset that was there before, which is made ready first where it is not
        yet."""
        assert task.asset_id is not None
        self._mark(task, VideoStatus.VALIDATING)
        with self._context.worker.exclusive(files.prepare_lock(task.asset_id)):
            asset = files.prepare_asset(
                self._scope, self._store, self._settings, task.asset_id, self._check
            )
        if asset.error is not None:
            raise from_json(asset.error)
        media = videos.observable_media(self._mark(task, VideoStatus.INDEXING))
        assert asset.sha256 is not None
        return self._new_plan(
            task,
            asset_id=asset.id,
            sha256=asset.sha256,
            name=asset.name,
            blob=asset.blob,
            stamp=stamp_of(path_of_asset(self._scope, self._store, asset).stat()),
            media=media,
        )

    def _mark(self, task: Task, status: VideoStatus) -> Video:
        """Say where the video of a task is."""
        assert task.video_id is not None
        return self._store.catalog.update_video(self._scope, task.video_id, status=status)

    def _new_plan(self, task: Task, **facts: Any) -> IndexingPlan:
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
        """Enter the asset in the catalog, and in the index. False where the index holds the same
        bytes already: then there is nothing more to do."""
        plan = self._read(row)
        self._check()
        there = self._video(plan)
        if there is not None and there.status is VideoStatus.READY:
            delete_source(self._scope, self._store, self._task_id)
            self._evaluate_saved_searches(plan)
            self._end(plan, there, already=True)
            self._clear(plan)
            return False
        task = self._store.catalog.task(self._scope, self._task_id)
        if not task.source:
            self._stage("identify", total_s=_seconds(plan))
            self._mark(task, VideoStatus.INDEXING)
            return True
        video_id = video_id_of(plan.index_id, plan.asset_id) if there is None else there.id
        task = self._stage(
            "identify", asset_id=plan.asset_id, video_id=video_id, total_s=_seconds(plan)
        )
        # Another task may take back what it had put into another index.
        with self._context.worker.exclusive(asset_lock(plan.asset_id)):
            self._enter(task, plan, there)
        return True

    def _enter(self, task: Task, plan: IndexingPlan, there: Video | None) -> None:
        """Put the asset that a task adds into the catalog, its bytes where every worker finds
        them, and its video (what is ``there`` of it) into the index."""
        assert task.video_id is not None
        now = datetime.now(UTC)
        asset = self._asset_to_put(task, plan, now)
        if there is None:
            video = Video(
                task.video_id, plan.index_id, asset, VideoStatus.INDEXING, now, now,
                metadata=asset.metadata,
            )  # fmt: skip
        else:
            video = replace(
                there, asset=asset, status=VideoStatus.INDEXING, updated_at=now, error=None
            )
        self._store.catalog.put_asset(self._scope, asset, video)
        if plan.blob is not None and not self._store.blobs.exists(self._scope, plan.blob):
            path = self._uploaded_source(task)
            assert path is not None
            self._store.blobs.put(self._scope, plan.blob, path)

    def _asset_to_put(self, task: Task, plan: IndexingPlan, now: datetime) -> Asset:
        """The asset that a task adds; one that is there already keeps what users made of it."""
        try:
            asset = self._store.catalog.asset(self._scope, plan.asset_id)
        except NotFound:
            asset = Asset(plan.asset_id, plan.name, now, tenant=task.tenant, owner=AssetOwner.INDEX)
        facts = files.recording_fields(plan.media, b"")
        return replace(
            asset,
            name=plan.name,
            status=AssetStatus.READY,
            method="path" if scheme_of(task.source) is None else "url",
            source=task.source,
            blob=plan.blob,
            size=plan.stamp[0],
            sha256=plan.sha256,
            updated_at=now,
            error=None,
            **{**facts, "media_type": plan.media_type or facts["media_type"]},
        )

    def observe(self, row: Mapping[str, Any]) -> None:
        """Let every model see and hear the file; what they say goes into the journal."""
        plan = self._read(row)
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
        plan = self._read(row)
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
        """Make the video searchable, and clear the table."""
        plan = self._read(row)
        self._check()
        left_out = len(plan.media.audio) - 1
        if left_out > 0:
            notes = [*notes, f"{left_out} more sound track(s) were left out"]
        delete_source(self._scope, self._store, self._task_id)
        video = self._store.catalog.update_video(
            self._scope, self._require_video(plan).id, status=VideoStatus.READY,
            notes=tuple(notes), indexed_at=datetime.now(UTC), error=None,
        )  # fmt: skip
        self._evaluate_saved_searches(plan)
        self._end(plan, video)
        self._clear(plan)

    def fail(self, error: VidelicetError, row: Mapping[str, Any] | None) -> None:
        """Take back everything half done, and keep the error with the task, and with its video if
        the asset was there before."""
        plan = None if row is None else self._read(row)
        # Staging first: where the disk is full this makes the room that the rest needs.
        self._clear(plan)
        cancelled = isinstance(error, Cancelled)
        try:
            task = self._store.catalog.task(self._scope, self._task_id)
            # What a task has added goes with its failure.
            gone = {"asset_id": None, "video_id": None} if task.source else {}
            task = self._store.catalog.update_task(
                self._scope, self._task_id, when=[Status.CANCELLED] if cancelled else (),
                status=Status.CANCELLED if cancelled else Status.FAILED,
                error=None if cancelled else error.to_json(), stage=None, **gone,
            )  # fmt: skip
        except NotFound:
            # The asset or its index was removed meanwhile, and the task with it.
            delete_source(self._scope, self._store, self._task_id)
            self._take_back(plan)
            self._context.report(Progress(self._task_id, "", Status.CANCELLED, **self._spent()))
            return
        if cancelled and task.status is not Status.CANCELLED:
            return  # it is tried again already: the next run has it now
        delete_source(self._scope, self._store, self._task_id)
        self._take_back(plan)
        # Last: from now on it may be tried again.
        self._fail_video(task, plan, error)
        self._announce(delivery.FAILED, task)
        self._context.report(Progress.of(task, **self._spent()))

    def _take_back(self, plan: IndexingPlan | None) -> None:
        if plan is not None:
            with self._context.worker.exclusive(asset_lock(plan.asset_id)):
                remove_unfinished(self._scope, self._store, plan.index_id, plan.asset_id)

    def _fail_video(self, task: Task, plan: IndexingPlan | None, error: VidelicetError) -> None:
        video_id = task.video_id
        if video_id is None and plan is not None:
            # It had been put into the index as an asset before, and stays like that.
            video = self._video_unless_gone(plan)
            video_id = None if video is None else video.id
        if video_id is not None:
            videos.fail_video(self._scope, self._store, video_id, error)

    def fail_without_engine(self, error: VidelicetError, row: Mapping[str, Any] | None) -> None:
        """Fail the task although the workflow's records cannot be written. Where the catalog cannot
        either, the client is notified at least, and the next worker takes the task up again."""
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

    def _read(self, row: Mapping[str, Any]) -> IndexingPlan:
        """The plan as an earlier step has left it."""
        plan = IndexingPlan.from_json(row)
        try:
            task = self._store.catalog.task(self._scope, self._task_id)
        except NotFound:
            return plan
        if task.source or task.asset_id in (None, plan.asset_id):
            return plan
        # Made when videos had an asset of their own.
        return replace(plan, asset_id=task.asset_id)

    def _video(self, plan: IndexingPlan) -> Video | None:
        within = self._store.scope(self._scope, plan.index_id)
        return self._store.catalog.video_of(within, plan.asset_id)

    def _require_video(self, plan: IndexingPlan) -> Video:
        video = self._video(plan)
        if video is None:
            # Without the name: this may be said of a task after its video was deleted.
            raise NotFound(
                "asset_not_found",
                f"Index {plan.index_id} holds no asset {plan.asset_id!r}.",
                subject=plan.asset_id,
            )
        return video

    def _video_unless_gone(self, plan: IndexingPlan) -> Video | None:
        with suppress(NotFound):  # the index has gone
            return self._video(plan)
        return None

    def _evaluate_saved_searches(self, plan: IndexingPlan) -> None:
        index = self._store.catalog.index(self._scope, plan.index_id)
        self._context.saved_searches.asset_ready(self._scope, index, plan.asset_id)
        self._context.worker.work_available.set()  # for deliveries, or retries

    def _announce(self, kind: str, task: Task) -> None:
        """Notify the tenant's webhooks how a video ended, once for each try; and whoever waits
        to analyse it."""
        if task.source:
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

    def _end(self, plan: IndexingPlan, video: Video, **news: Any) -> None:
        seconds = _seconds(plan)
        task = self._store.catalog.update_task(
            self._scope, self._task_id, status=Status.READY, asset_id=plan.asset_id,
            video_id=video.id, stage=None, done_s=seconds, total_s=seconds, error=None,
        )  # fmt: skip
        self._announce(delivery.READY, task)
        self._context.report(Progress.of(task, notes=video.notes, **self._spent(), **news))

    def _uploaded_source(self, task: Task) -> Path | None:
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
        path = self._path(task, plan)
        require_unmodified(path, plan.stamp)
        return path

    def _path(self, task: Task, plan: IndexingPlan) -> Path:
        """Where an original is that stays in its place."""
        if task.source:
            return Path(task.source)
        asset = self._store.catalog.asset(self._scope, plan.asset_id)
        return path_of_asset(self._scope, self._store, asset)

    def _clear(self, plan: IndexingPlan | None) -> None:
        for name in (self._task_id, None if plan is None else plan.work_name):
            if name is not None:
                shutil.rmtree(staging(self._settings, name), ignore_errors=True)


def _seconds(plan: IndexingPlan) -> float:
    return float(plan.media.span.duration)
