"""Assets in indexes: each pair is a video of its own, and a task leaves what it has to leave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.ingest.rig import CARDS, GRANT, INDEXING, Rig, put_asset

from videlicet.errors import Cancelled, MediaError, NotFound, VidelicetError
from videlicet.ingest import file_jobs, files
from videlicet.ingest.context import IngestContext
from videlicet.ingest.gc import sweep
from videlicet.ingest.indexing import add_video, remove_asset, remove_index, remove_video
from videlicet.ingest.plan import staging, work_name
from videlicet.ingest.steps import IndexingSteps
from videlicet.ingest.tasks import cancel, mark_cancelled, requeue, submit
from videlicet.media.sources import find_sources
from videlicet.rights import EVERY_TENANT
from videlicet.store import Store, open_store
from videlicet.types import (
    Asset,
    AssetOwner,
    AssetStatus,
    Index,
    Status,
    Task,
    Video,
    VideoStatus,
    video_id_of,
)

FAULT = MediaError("media_truncated", "It ends too early.")


def upload(context: IngestContext, recording: Path, id: str = "f1") -> Asset:
    """An asset that has been sent, made ready."""
    store = context.store
    store.blobs.put(store.scope(GRANT), files.original_key(id), recording)
    put_asset(store, id, AssetStatus.PROCESSING)
    assert file_jobs.run_prepare(context, "local", id) == AssetStatus.READY
    return store.catalog.asset(store.scope(GRANT), id)


def other_index(store: Store) -> Index:
    return store.catalog.create_index(store.scope(INDEXING), "other", CARDS)


def add_path(store: Store, index: Index, recording: Path) -> Task:
    (task,) = submit(store.scope(GRANT), store, index, find_sources([recording]))
    return task


def task_of(store: Store, index: Index, recording: Path, asset: Asset | None) -> Task:
    """A task that puts an asset into an index, or else the path of a video."""
    if asset is None:
        return add_path(store, index, recording)
    return add_video(store.scope(GRANT), store, index, asset, {"in": index.name})[1]


class Run:
    """One task, run step by step in this process. Each step is begun by a new worker."""

    def __init__(self, context: IngestContext, task_id: str) -> None:
        self.context = context
        self.task_id = task_id
        self.plan: dict[str, Any] = {}
        self.notes: list[str] = []

    def identify(self) -> None:
        self.plan = self._step(lambda steps: steps.identify())

    def admit(self) -> bool:
        return bool(self._step(lambda steps: steps.admit(self.plan)))

    def observe(self) -> None:
        self._step(lambda steps: steps.observe(self.plan))

    def store(self) -> None:
        self.notes = self._step(lambda steps: steps.store(self.plan))

    def finish(self) -> None:
        self._step(lambda steps: steps.finish(self.plan, self.notes))

    def fail(self, error: VidelicetError) -> None:
        self._step(lambda steps: steps.fail(error, self.plan or None))

    def to(self, last: str) -> Run:
        """Run everything up to a step."""
        for name in STEPS[: STEPS.index(last) + 1]:
            getattr(self, name)()
        return self

    def _step(self, work: Callable[[IndexingSteps], Any]) -> Any:
        steps = IndexingSteps(self.context, self.task_id)
        try:
            return work(steps)
        finally:
            steps.close()


STEPS = ("identify", "admit", "observe", "store", "finish")


def videos(store: Store) -> list[Video]:
    return store.catalog.videos(store.scope(GRANT))


def derived(store: Store, index: Index, asset_id: str) -> int:
    """How much has been observed of an asset in an index."""
    return len(store.catalog.observations(store.scope(GRANT, index.id), asset_id))


def blobs(store: Store) -> list[str]:
    return store.blobs.list(store.scope(GRANT.within(EVERY_TENANT)))


# -- two indexes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("uploaded", [True, False])
def test_an_asset_in_two_indexes_is_two_videos(
    rig: Rig, three_videos: list[Path], uploaded: bool
) -> None:
    """At work for both at once; and what goes from one stays in the other."""
    with rig.working() as (context, index):
        store = context.store
        other = other_index(store)
        asset = upload(context, three_videos[0]) if uploaded else None
        runs = [
            Run(context, task_of(store, one, three_videos[0], asset).id) for one in (index, other)
        ]
        for name in ("identify", "admit", "observe"):
            for run in runs:
                getattr(run, name)()
        asset_id = runs[0].plan["asset_id"]
        assert len({path.name for path in staging(context.settings, "").iterdir()}) == 2
        runs[0].store()
        runs[0].finish()
        # The first leaves the journal of the second alone.
        assert [path.name for path in staging(context.settings, "").iterdir()] == [
            work_name(other.id, asset_id)
        ]
        runs[1].store()
        runs[1].finish()
        first, second = videos(store)
        assert {first.id, second.id} == {video_id_of(one.id, asset_id) for one in (index, other)}
        assert first.asset == second.asset
        assert (first.status, second.status) == (VideoStatus.READY, VideoStatus.READY)
        if uploaded:
            assert [video.metadata for video in (first, second)] == [
                {"in": index.name}, {"in": "other"},
            ]  # fmt: skip
        assert derived(store, index, asset_id) == derived(store, other, asset_id) > 0

        remove_video(store.scope(INDEXING), store, first)
        assert [video.id for video in videos(store)] == [second.id]
        assert store.catalog.assets(store.scope(GRANT)) == [second.asset]
        assert derived(store, other, asset_id) > 0
        assert store.catalog.members(store.scope(GRANT, index.id)) == []
        remove_video(store.scope(INDEXING), store, second)
        assert videos(store) == []
        left = store.catalog.assets(store.scope(GRANT))
        # What was put into indexes directly goes with the last of them.
        assert [asset.id for asset in left] == (["f1"] if uploaded else [])
        assert blobs(store) == (["files/f1/original"] if uploaded else [])
        assert rig.contents()["observations"] == []


@pytest.mark.parametrize("uploaded", [True, False])
def test_an_asset_goes_with_its_videos(rig: Rig, three_videos: list[Path], uploaded: bool) -> None:
    with rig.working() as (context, index):
        store = context.store
        asset = upload(context, three_videos[0]) if uploaded else None
        for one in (index, other_index(store)):
            run = Run(context, task_of(store, one, three_videos[0], asset).id).to("finish")
        remove_asset(store.scope(INDEXING), store, run.plan["asset_id"])
        assert rig.contents() == {name: [] for name in rig.contents()}
        assert blobs(store) == []
        # Who asks how a task of an upload ended is answered; the others went with their videos.
        tasks = store.catalog.tasks(store.scope(GRANT))
        assert [(t.status, t.asset_id) for t in tasks] == (
            [(Status.READY, None)] * 2 if uploaded else []
        )
        with pytest.raises(NotFound) as caught:
            remove_asset(store.scope(INDEXING), store, run.plan["asset_id"])
        assert caught.value.code == "asset_not_found"


def test_an_index_goes_with_its_videos_only(rig: Rig, three_videos: list[Path]) -> None:
    with rig.working() as (context, index):
        store = context.store
        other = other_index(store)
        uploaded = upload(context, three_videos[0])
        for one in (index, other):
            _, task = add_video(store.scope(GRANT), store, one, uploaded, {})
            Run(context, task.id).to("finish")
        twice = add_path(store, index, three_videos[1])
        Run(context, twice.id).to("finish")
        Run(context, add_path(store, other, three_videos[1]).id).to("finish")
        Run(context, add_path(store, index, three_videos[2]).id).to("finish")
        remove_index(store.scope(INDEXING), store, index)
        assert {video.index_id for video in videos(store)} == {other.id}
        names = {asset.name for asset in store.catalog.assets(store.scope(GRANT))}
        assert names == {"video.mp4", three_videos[1].name}


# -- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", ["identify", "admit", "observe", "store"])
def test_a_path_that_fails_leaves_nothing(rig: Rig, three_videos: list[Path], last: str) -> None:
    with rig.working() as (context, index):
        store = context.store
        task = add_path(store, index, three_videos[0])
        run = Run(context, task.id).to(last)
        run.fail(FAULT)
        assert rig.contents() == {name: [] for name in rig.contents()}
        assert blobs(store) == []
        assert rig.staged == []
        ended = store.catalog.task(store.scope(GRANT), task.id)
        assert (ended.status, ended.asset_id, ended.video_id) == (Status.FAILED, None, None)
        if store.blobs.remote:
            return  # the copy that other machines read is gone with what failed
        requeue(store.scope(GRANT), store, ended)
        Run(context, task.id).to("finish")
        assert [video.status for video in videos(store)] == [VideoStatus.READY]


def test_a_path_that_fails_in_one_index_stays_in_another(
    rig: Rig, three_videos: list[Path]
) -> None:
    with rig.working() as (context, index):
        store = context.store
        Run(context, add_path(store, index, three_videos[0]).id).to("finish")
        before = rig.contents()
        run = Run(context, add_path(store, other_index(store), three_videos[0]).id).to("store")
        assert len(videos(store)) == 2
        run.fail(FAULT)
        assert rig.contents() == before
        assert videos(store)[0].asset.owner is AssetOwner.INDEX


@pytest.mark.parametrize("last", ["identify", "admit", "observe", "store"])
def test_an_asset_that_fails_in_an_index_is_said_to(
    rig: Rig, three_videos: list[Path], last: str
) -> None:
    with rig.working() as (context, index):
        store = context.store
        asset = upload(context, three_videos[0])
        video, task = add_video(store.scope(GRANT), store, index, asset, {"of": "mine"})
        Run(context, task.id).to(last).fail(FAULT)
        (failed,) = videos(store)
        assert (failed.id, failed.status, failed.error) == (
            video.id, VideoStatus.FAILED, FAULT.to_json(),
        )  # fmt: skip
        assert failed.metadata == {"of": "mine"}
        assert store.catalog.asset(store.scope(GRANT), asset.id) == asset
        contents = rig.contents()
        assert contents["observations"] == contents["vectors"] == contents["texts"] == []
        assert blobs(store) == [files.original_key(asset.id)]
        ended = store.catalog.task(store.scope(GRANT), task.id)
        assert (ended.status, ended.asset_id, ended.video_id) == (
            Status.FAILED, asset.id, video.id,
        )  # fmt: skip
        # Tried again it is the same video, waiting.
        requeue(store.scope(GRANT), store, ended)
        waiting = store.catalog.video(store.scope(GRANT), video.id)
        assert (waiting.status, waiting.error) == (VideoStatus.QUEUED, None)
        Run(context, task.id).to("finish")
        assert videos(store)[0].status is VideoStatus.READY


def test_one_that_failed_is_added_again_by_a_new_task(rig: Rig, three_videos: list[Path]) -> None:
    with rig.working() as (context, index):
        store = context.store
        asset = upload(context, three_videos[0])
        video, task = add_video(store.scope(GRANT), store, index, asset, {})
        assert add_video(store.scope(GRANT), store, index, asset, {}) == (video, task)
        Run(context, task.id).to("admit").fail(FAULT)
        again, second = add_video(store.scope(GRANT), store, index, asset, {"new": True})
        assert again.id == video.id
        assert second.id != task.id
        assert videos(store)[0].status is VideoStatus.QUEUED
        assert videos(store)[0].metadata == {"new": True}


def test_a_path_that_fails_where_an_asset_is_leaves_its_video(
    rig: Rig, three_videos: list[Path]
) -> None:
    """The same bytes were put into the index as an asset before, and failed."""
    with rig.working() as (context, index):
        store = context.store
        Run(context, add_path(store, other_index(store), three_videos[0]).id).to("finish")
        asset = videos(store)[0].asset
        video, task = add_video(store.scope(GRANT), store, index, asset, {})
        Run(context, task.id).to("identify").fail(FAULT)
        Run(context, add_path(store, index, three_videos[0]).id).to("store").fail(FAULT)
        left = store.catalog.video(store.scope(GRANT), video.id)
        assert (left.status, left.error) == (VideoStatus.FAILED, FAULT.to_json())
        assert derived(store, index, asset.id) == 0
        # And where it succeeds, it is the same video.
        Run(context, add_path(store, index, three_videos[0]).id).to("finish")
        assert store.catalog.video(store.scope(GRANT), video.id).status is VideoStatus.READY


def test_what_cannot_be_observed_fails(rig: Rig, three_videos: list[Path]) -> None:
    with rig.working() as (context, index):
        store = context.store
        asset = upload(context, three_videos[0])
        _, task = add_video(
            store.scope(GRANT), store, index, asset, {}, item_id="i1", item_type="image"
        )
        run = Run(context, task.id)
        with pytest.raises(MediaError) as caught:
            run.identify()
        assert (caught.value.code, caught.value.message) == (
            "media_no_stream", "video.mp4 is no picture.",
        )  # fmt: skip
        run.fail(caught.value)
        (video,) = videos(store)
        assert (video.status, video.item_id) == (VideoStatus.FAILED, "i1")


# -- interruptions --------------------------------------------------------------------------------


@pytest.mark.parametrize("uploaded", [True, False])
@pytest.mark.parametrize("twice", STEPS)
def test_a_task_that_is_interrupted_goes_on(
    rig: Rig, undisturbed: Rig, three_videos: list[Path], uploaded: bool, twice: str
) -> None:
    """A worker was killed just before it had noted that a step was done: it is done again."""
    with rig.working() as (context, index):
        store = context.store
        asset = upload(context, three_videos[0]) if uploaded else None
        task = task_of(store, index, three_videos[0], asset)
        run = Run(context, task.id)
        for name in STEPS:
            getattr(run, name)()
            if name == twice:
                sweep(store.scope(GRANT), store, context.settings)
                getattr(run, name)()
        (video,) = videos(store)
        assert video.status is VideoStatus.READY
        assert store.catalog.task(store.scope(GRANT), task.id).status is Status.READY
        if not uploaded:
            mine = {name: set(rows) for name, rows in rig.contents().items()}
            for name, rows in undisturbed.contents().items():
                assert mine[name] <= set(rows)
        assert rig.staged == []


def test_a_plan_from_before_assets_had_tables_goes_on(rig: Rig, three_videos: list[Path]) -> None:
    """Then the asset was called like its video."""
    with rig.working() as (context, index):
        store = context.store
        asset = upload(context, three_videos[0])
        video, task = add_video(store.scope(GRANT), store, index, asset, {})
        run = Run(context, task.id).to("identify")
        run.plan = {**run.plan, "asset_id": video.id}
        del run.plan["media_type"]
        for name in STEPS[1:]:
            getattr(run, name)()
        assert [(v.id, v.status) for v in videos(store)] == [(video.id, VideoStatus.READY)]
        assert derived(store, index, asset.id) > 0


# -- cancellations --------------------------------------------------------------------------------


def test_a_cancelled_task_of_an_asset_is_taken_back(rig: Rig, three_videos: list[Path]) -> None:
    with rig.working() as (context, index):
        store = context.store
        asset = upload(context, three_videos[0])
        video, task = add_video(store.scope(GRANT), store, index, asset, {})
        run = Run(context, task.id).to("store")
        mark_cancelled(store.scope(GRANT), store, task.id)
        (failed,) = videos(store)
        assert failed.error is not None
        assert (failed.status, failed.error["code"]) == (VideoStatus.FAILED, "cancelled")
        with pytest.raises(Cancelled) as caught:
            run.store()
        # It was tried again before it had been taken back: then it waits, and has not failed.
        requeue(store.scope(GRANT), store, store.catalog.task(store.scope(GRANT), task.id))
        run.fail(caught.value)
        assert videos(store)[0].status is VideoStatus.QUEUED
        run = Run(context, task.id).to("store")
        mark_cancelled(store.scope(GRANT), store, task.id)
        run.fail(caught.value)
        assert videos(store)[0].status is VideoStatus.FAILED
        assert derived(store, index, asset.id) == 0
        assert store.catalog.task(store.scope(GRANT), task.id).video_id == video.id


@pytest.mark.embedded("the one who cancels clears up")
@pytest.mark.parametrize("uploaded", [True, False])
def test_who_cancels_what_nobody_works_on_takes_it_back(
    rig: Rig, three_videos: list[Path], uploaded: bool
) -> None:
    with rig.working() as (context, index):
        store = context.store
        asset = upload(context, three_videos[0]) if uploaded else None
        task = task_of(store, index, three_videos[0], asset)
        Run(context, task.id).to("store")
    with open_store(rig.settings) as reader:
        cancelled = cancel(reader.scope(GRANT), reader, rig.settings, task.id)
        assert cancelled.status is Status.CANCELLED
    contents = rig.contents()
    assert contents["observations"] == contents["vectors"] == contents["texts"] == []
    assert len(contents["videos"]) == len(contents["assets"]) == int(uploaded)
    assert rig.staged == []
    # The task is still there, and can be tried again.
    with rig.working() as (context, _):
        store = context.store
        requeue(store.scope(GRANT), store, store.catalog.task(store.scope(GRANT), task.id))
        Run(context, task.id).to("finish")
        assert [video.status for video in videos(store)] == [VideoStatus.READY]


def test_what_no_task_owns_is_swept_up(rig: Rig, three_videos: list[Path]) -> None:
    """The database of unfinished work was thrown away between two steps."""
    with rig.working() as (context, index):
        store = context.store
        asset = upload(context, three_videos[0])
        _, uploaded = add_video(store.scope(GRANT), store, index, asset, {})
        added = add_path(store, index, three_videos[1])
        for task in (uploaded, added):
            Run(context, task.id).to("store")
        sweep(store.scope(GRANT), store, context.settings)
        assert [video.status for video in videos(store)] == [VideoStatus.INDEXING] * 2
        for task in (uploaded, added):
            store.catalog.update_task(store.scope(GRANT), task.id, status=Status.FAILED)
        sweep(store.scope(GRANT), store, context.settings)
        (left,) = videos(store)
        assert (left.asset_id, left.status) == (asset.id, VideoStatus.FAILED)
        assert rig.contents()["observations"] == []
        assert [one.id for one in store.catalog.assets(store.scope(GRANT))] == [asset.id]
        assert rig.staged == []


def test_a_deleted_video_ends_its_tasks(rig: Rig, three_videos: list[Path]) -> None:
    with rig.working() as (context, index):
        store = context.store
        asset = upload(context, three_videos[0])
        video, failed = add_video(store.scope(GRANT), store, index, asset, {})
        Run(context, failed.id).to("admit").fail(FAULT)
        video, task = add_video(store.scope(GRANT), store, index, asset, {})
        run = Run(context, task.id).to("admit")
        remove_video(store.scope(INDEXING), store, video)
        with pytest.raises(VidelicetError) as caught:
            run.observe()
        run.fail(caught.value)
        assert videos(store) == []
        rows = {row.id: row for row in store.catalog.tasks(store.scope(GRANT))}
        assert rows[task.id].status is Status.CANCELLED
        assert rows[failed.id].status is Status.FAILED
        assert rows[failed.id].error == {
            "code": "media_truncated", "message": "It failed; its video was deleted since.",
        }  # fmt: skip
        assert {(row.asset_id, row.video_id) for row in rows.values()} == {(None, video.id)}
        assert store.catalog.asset(store.scope(GRANT), asset.id) == asset
