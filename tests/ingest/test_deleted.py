"""What is deleted while it is worked on: nothing of it comes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests import samples
from tests.ingest.rig import GRANT, INDEXING, Rig, put_asset

from videlicet.errors import Cancelled, NotFound, VidelicetError
from videlicet.ingest import file_jobs, files
from videlicet.ingest.gc import remove_unfinished
from videlicet.ingest.indexing import add_video, remove_asset
from videlicet.ingest.plan import staging
from videlicet.ingest.steps import IndexingSteps
from videlicet.ingest.tasks import submit
from videlicet.media.sources import find_sources
from videlicet.rights import EVERY_TENANT
from videlicet.store import Store, open_store
from videlicet.types import Asset, AssetStatus, Index, VideoStatus

DELETED = "0" * 24


@pytest.fixture(autouse=True)
def _unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker does not find out by looking: only by what it does."""
    monkeypatch.setattr("videlicet.ingest.cancellation.WATCH_EVERY", 60.0)


def upload(store: Store, content: bytes, *, parts: int = 3, id: str = "f1") -> Asset:
    """An asset all of whose parts have come."""
    size = -(-len(content) // parts)
    for number in range(parts):
        chunk = content[number * size : (number + 1) * size]
        store.blobs.put(store.scope(GRANT), files.part_key(id, number + 1), chunk)
    return put_asset(store, id, AssetStatus.PROCESSING, method="multipart", chunks=parts)


def after(calls: int, work: Callable[[], None]) -> Callable[[], None]:
    """A check that does something when it is called for so manieth time."""
    count = 0

    def check() -> None:
        nonlocal count
        count += 1
        if count == calls:
            work()

    return check


@pytest.mark.parametrize("moment", [1, 3, 4])
@pytest.mark.parametrize("recording", [True, False])
def test_bytes_of_an_asset_do_not_come_back(
    rig: Rig, tmp_path: Path, moment: int, recording: bool
) -> None:
    """While its parts are joined, and while it is hashed; whether it can be used or not."""
    content = b"no video at all" * 1000
    if recording:
        content = samples.video(tmp_path / "video.mp4", samples.THREE).read_bytes()
    with rig.writing() as (store, _):
        upload(store, content)
        check = after(moment, lambda: remove_asset(store.scope(INDEXING), store, "f1"))
        with pytest.raises(NotFound) as caught:
            files.prepare_asset(store.scope(GRANT), store, rig.settings, "f1", check)
        assert caught.value.code == "asset_not_found"
        assert store.blobs.list(store.scope(GRANT.within(EVERY_TENANT))) == []
        assert rig.staged == []


def test_bytes_that_a_killed_worker_left_go_with_the_next(rig: Rig) -> None:
    with rig.working() as (context, _):
        store = context.store
        for id in ("gone", "there"):
            store.blobs.put(store.scope(GRANT), files.original_key(id), b"video")
            staging(context.settings, id).mkdir(parents=True)
        upload(store, b"video", id="there")
        assert file_jobs.run_prepare(context, "local", "gone") == "gone"
        # Another tenant's file is not there for this one; it stays all the same.
        assert file_jobs.run_prepare(context, "other", "there") == "gone"
        kept = store.blobs.list(store.scope(GRANT.within(EVERY_TENANT)))
        assert files.original_key("there") in kept
        assert not any(key.startswith("files/gone/") for key in kept)
        assert [path.name for path in rig.staged] == ["there"]
        fault = NotFound("blob_not_found", "")
        assert file_jobs.give_up_asset(context, "local", "gone", fault) == "gone"


def test_a_deletion_that_is_killed_is_carried_through(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(keys: Any) -> None:
        raise KeyboardInterrupt

    with rig.writing() as (store, _):
        upload(store, b"video")
        with monkeypatch.context() as patch:
            patch.setattr(store._backend, "erase", killed)
            with pytest.raises(KeyboardInterrupt):
                remove_asset(store.scope(INDEXING), store, "f1")
        with pytest.raises(NotFound):
            store.catalog.asset(store.scope(GRANT), "f1")
    with open_store(rig.settings, write=True) as store:
        assert store.blobs.list(store.scope(GRANT.within(EVERY_TENANT))) == []


def test_a_file_that_is_to_be_tried_again_leaves_its_room(rig: Rig) -> None:
    def stopped() -> None:
        raise Cancelled("cancelled", "The worker is being stopped.")

    with rig.writing() as (store, _):
        upload(store, b"video" * 1000)
        with pytest.raises(Cancelled):
            files.prepare_asset(store.scope(GRANT), store, rig.settings, "f1", stopped)
        assert rig.staged == []
        assert store.catalog.asset(store.scope(GRANT), "f1").status is AssetStatus.PROCESSING
        assert len(store.blobs.list(store.scope(GRANT.within(EVERY_TENANT)))) == 3


def test_a_file_that_fails_leaves_its_room(rig: Rig) -> None:
    """Also where it failed because the disk is full."""
    with rig.working() as (context, _):
        upload(context.store, b"video")
        folder = staging(context.settings, "f1")
        folder.mkdir(parents=True)
        (folder / ".0123.part").write_bytes(b"half of it")
        assert file_jobs.run_prepare(context, "local", "f1") == AssetStatus.FAILED
        assert rig.staged == []
        upload(context.store, b"video", id="f2")
        folder = staging(context.settings, "f2")
        folder.mkdir(parents=True)
        (folder / "whole").write_bytes(b"half of it")
        fault = NotFound("blob_not_found", "a fault of ours")
        assert file_jobs.give_up_asset(context, "local", "f2", fault) == AssetStatus.FAILED
        assert rig.staged == []
        assert context.store.blobs.list(context.store.scope(GRANT.within(EVERY_TENANT))) == []


class Task:
    """A task whose steps are run one after the other in this process."""

    def __init__(self, rig: Rig, context: Any, index: Index, source: Path) -> None:
        self.store: Store = context.store
        (self.row,) = submit(self.store.scope(GRANT), self.store, index, find_sources([source]))
        self.steps = IndexingSteps(context, self.row.id)
        self.plan = self.steps.identify()
        assert self.steps.admit(self.plan)
        self.steps.observe(self.plan)

    def ends(self, work: Callable[[], object]) -> None:
        """Run a step that fails, and what follows then."""
        with pytest.raises(VidelicetError) as caught:
            work()
        self.steps.fail(caught.value, self.plan)
        self.steps.close()


@pytest.mark.parametrize("put", ["catalog.put_observations", "vectors.put", "texts.put", None])
def test_words_of_a_deleted_asset_are_not_written_again(
    three_videos: list[Path], rig: Rig, monkeypatch: pytest.MonkeyPatch, put: str | None
) -> None:
    """It is deleted just before a put, or before its task ends."""
    with rig.working() as (context, index):
        store = context.store
        task = Task(rig, context, index, three_videos[0])
        asset_id = task.plan["asset_id"]

        def deleted() -> None:
            store.remove_video(store.scope(INDEXING, index.id), asset_id)

        if put is None:
            notes = task.steps.store(task.plan)
            deleted()
            task.ends(lambda: task.steps.finish(task.plan, notes))
        else:
            place, _, name = put.partition(".")
            part = getattr(store, place)
            real = getattr(part, name)

            def late(*values: Any) -> Any:
                setattr(part, name, real)
                deleted()
                return real(*values)

            monkeypatch.setattr(part, name, late)
            task.ends(lambda: task.steps.store(task.plan))
        assert rig.contents() == {name: [] for name in rig.contents()}
        assert store.blobs.list(store.scope(GRANT.within(EVERY_TENANT))) == []
        assert store.catalog.members(store.scope(GRANT, index.id)) == []


def test_what_is_taken_out_of_one_index_stays_in_the_other(
    three_videos: list[Path], rig: Rig
) -> None:
    rig.add(three_videos[0])
    with rig.working() as (context, index):
        store = context.store
        other = store.catalog.create_index(store.scope(INDEXING), "other", dict(index.cards))
        task = Task(rig, context, other, three_videos[0])
        notes = task.steps.store(task.plan)
        store.remove_video(store.scope(INDEXING, other.id), task.plan["asset_id"])
        task.ends(lambda: task.steps.finish(task.plan, notes))
        assert store.catalog.members(store.scope(GRANT, other.id)) == []
        (left,) = store.catalog.videos(store.scope(GRANT))
        assert (left.index_id, left.status) == (index.id, VideoStatus.READY)
        assert rig.contents()["observations"]


def test_what_came_after_a_deletion_is_taken_back(three_videos: list[Path], rig: Rig) -> None:
    rig.add(three_videos[0])
    with rig.writing() as (store, index):
        (ready,) = store.catalog.videos(store.scope(GRANT, index.id))
        for asset_id in (DELETED, ready.asset_id):
            for key in (f"assets/{asset_id}/original", f"indexes/{index.id}/{asset_id}/thumb"):
                store.blobs.put(store.scope(GRANT), key, b"video")
            remove_unfinished(store.scope(GRANT), store, index.id, asset_id)
        # Vectors are blobs too where the store is shared.
        keys = store.blobs.list(store.scope(GRANT.within(EVERY_TENANT)))
        assert [key for key in keys if "/vectors/" not in key] == [
            f"assets/{ready.asset_id}/original", f"indexes/{index.id}/{ready.asset_id}/thumb",
        ]  # fmt: skip
        # The same bytes in another index have their original still.
        other = store.catalog.create_index(store.scope(INDEXING), "other", dict(index.cards))
        remove_unfinished(store.scope(GRANT), store, other.id, ready.asset_id)
        assert f"assets/{ready.asset_id}/original" in store.blobs.list(
            store.scope(GRANT.within(EVERY_TENANT))
        )


def test_an_index_that_goes_takes_along_what_was_being_added(
    three_videos: list[Path], rig: Rig
) -> None:
    with rig.working() as (context, index):
        store = context.store
        (row,) = submit(store.scope(GRANT), store, index, find_sources([three_videos[0]]))
        steps = IndexingSteps(context, row.id)
        plan = steps.identify()
        store.delete_index(store.scope(INDEXING, index.id))
        store.catalog.put_task(store.scope(GRANT), row)  # the worker is at it still
        with pytest.raises(NotFound) as caught:
            steps.admit(plan)
        steps.fail(caught.value, plan)
        assert store.catalog.assets(store.scope(GRANT)) == []


def test_a_video_that_goes_while_it_is_observed(rig: Rig, three_videos: list[Path]) -> None:
    with rig.working() as (context, index):
        store = context.store
        content = three_videos[0].read_bytes()
        upload(store, content)
        assert file_jobs.run_prepare(context, "local", "f1") == AssetStatus.READY
        asset = store.catalog.asset(store.scope(GRANT), "f1")
        video, row = add_video(store.scope(GRANT), store, index, asset, {})
        steps = IndexingSteps(context, row.id)
        plan = steps.identify()
        assert steps.admit(plan)
        steps.observe(plan)
        remove_asset(store.scope(INDEXING), store, "f1")
        with pytest.raises(VidelicetError) as caught:
            steps.store(plan)
        steps.fail(caught.value, plan)
        assert rig.contents() == {name: [] for name in rig.contents()}
        assert store.blobs.list(store.scope(GRANT.within(EVERY_TENANT))) == []
        with pytest.raises(NotFound):
            store.catalog.video(store.scope(GRANT), video.id)
