"""Videos: assets in indexes, listed, changed, and taken out again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from tests.store.samples import (
    INGEST,
    MANAGE,
    SEARCH,
    THEN,
    add,
    asset,
    check_whole,
    enter,
    entry,
    everything,
    media,
    task,
)

from videlicet.errors import NotFound
from videlicet.store import Store
from videlicet.store.records import VideoFilter
from videlicet.types import AssetOwner, AssetStatus, Index, Span, Status, Video, VideoStatus

VALUES: Mapping[str, Any] = {
    "topic": "harbour", "year": 1999, "ratio": 0.5, "draft": True, "tags": ["a b", 'c"d', "e"],
    "size": "large",
}  # fmt: skip


def put(store: Store, index: Index, n: int, **changes: Any) -> Video:
    recording = replace(media(), span=Span(Fraction(0), Fraction(10 * n + 10)))
    made = asset(f"{n}.mp4", recording=recording, size=100 - n)
    video = replace(
        entry(index, made), **{"created_at": THEN + timedelta(seconds=n), "metadata": {}, **changes}
    )
    store.catalog.put_asset(store.scope(INGEST), made, video)
    return video


def names(store: Store, index: Index, wanted: VideoFilter, **options: Any) -> list[str]:
    rows, total = store.catalog.find_videos(store.scope(SEARCH, index.id), wanted, **options)
    assert total >= len(rows)
    return [row.name.removesuffix(".mp4") for row in rows]


@pytest.mark.parametrize(
    ("key", "text", "found"),
    [
        ("topic", "harbour", True), ("topic", "Harbour", False), ("topic", "harb", False),
        ("year", "1999", True), ("year", "1999.0", True), ("year", "1998", False),
        ("ratio", ".5", True), ("ratio", "half", False),
        ("draft", "TRUE", True), ("draft", "false", False), ("draft", "1", False),
        ("tags", "a b", True), ("tags", "e", True), ("tags", 'c"d', True), ("tags", "d", False),
        ("tags", "a", False), ("tags", '"e', False),
        ("size", "large", True), ("none", "x", False),
        ("topic", "\x00", False), ("\x00", "harbour", False),
    ],
)  # fmt: skip
def test_videos_are_listed_by_what_is_attached(
    store: Store, index: Index, key: str, text: str, found: bool
) -> None:
    put(store, index, 1, metadata=VALUES)
    put(store, index, 2, metadata={"topic": "market"})
    listed = names(store, index, VideoFilter(metadata=[(key, text)]))
    assert listed == (["1"] if found else [])


def test_pages_are_sorted_and_counted(store: Store, index: Index) -> None:
    for n in (2, 0, 1, 3):
        put(store, index, n)
    put(store, index, 4, status=VideoStatus.QUEUED)
    ready = VideoFilter(status=["ready"])
    assert names(store, index, VideoFilter()) == ["4", "3", "2", "1", "0"]
    assert names(store, index, ready, ascending=True) == ["0", "1", "2", "3"]
    assert names(store, index, ready, sort_by="name", ascending=True) == ["0", "1", "2", "3"]
    assert names(store, index, ready, sort_by="size") == ["0", "1", "2", "3"]
    assert names(store, index, ready, sort_by="duration", offset=1, limit=2) == ["2", "1"]
    assert names(store, index, VideoFilter(numbers={"duration": [(">=", 20), ("<=", 30)]})) == [
        "2", "1",
    ]  # fmt: skip
    assert names(store, index, VideoFilter(created_since=THEN + timedelta(seconds=3))) == ["4", "3"]
    assert names(store, index, VideoFilter(name_part="2.MP")) == ["2"]
    within = store.scope(SEARCH, index.id)
    _, total = store.catalog.find_videos(within, ready, limit=1)
    assert total == 4
    assert store.catalog.index_size(within) == (4, 100.0)


def test_metadata_of_an_asset_is_that_of_its_videos_everywhere(store: Store, index: Index) -> None:
    other = store.catalog.create_index(store.scope(INGEST), "other", {})
    made = add(store, index, "a.mp4", word="old")
    add(store, other, "a.mp4", word="old")
    store.catalog.set_metadata(store.scope(MANAGE), made.id, {"word": None, "topic": "new"})
    for one in (index, other):
        within = store.scope(SEARCH, one.id)
        assert store.catalog.find_assets(within, {"topic": "new"}) == {made.id}
        assert store.catalog.find_assets(within, {"word": "old"}) == frozenset()
        video = store.catalog.video_of(within, made.id)
        assert video is not None
        assert video.metadata == {"topic": "new"}


def test_what_is_attached_in_one_index_filters_there_only(store: Store, index: Index) -> None:
    other = store.catalog.create_index(store.scope(INGEST), "other", {})
    made = add(store, index, "a.mp4", word="old")
    add(store, other, "a.mp4", word="old")
    store.catalog.update_video(
        store.scope(MANAGE), entry(index, made).id, metadata={"word": "new", "tags": ["x"]}
    )
    here, there = store.scope(SEARCH, index.id), store.scope(SEARCH, other.id)
    assert store.catalog.find_assets(here, {"word": "new"}) == {made.id}
    assert store.catalog.find_assets(there, {"word": "new"}) == frozenset()
    assert [one.id for one in store.catalog.assets(here, filter={"word": "new"})] == [made.id]
    assert store.catalog.assets(there, filter={"word": "new"}) == []


def test_a_video_is_entered_with_its_task_or_not_at_all(store: Store, index: Index) -> None:
    made = asset("a.mp4", owner=AssetOwner.TENANT)
    store.catalog.put_asset(store.scope(INGEST), made)
    video = entry(index, made, VideoStatus.QUEUED)
    wrong = task(index, tenant="bob", source="", video_id=video.id)
    with pytest.raises(NotFound):
        store.catalog.add_video(store.scope(INGEST), video, wrong)
    assert store.catalog.videos(everything(store)) == []
    right = task(index, source="", video_id=video.id, asset_id=made.id)
    store.catalog.add_video(store.scope(INGEST), video, right)
    assert store.catalog.tasks(store.scope(MANAGE), video_id=video.id) == [right]
    assert store.catalog.video_ids(store.scope(SEARCH, index.id), [made.id]) == {made.id: video.id}
    assert store.catalog.video_keys(store.scope(SEARCH), [video.id]) == {
        video.id: VideoStatus.QUEUED
    }


def test_a_change_depends_on_the_status(store: Store, index: Index) -> None:
    made = asset("a.mp4")
    store.catalog.put_asset(store.scope(INGEST), made, entry(index, made))
    id, scope = entry(index, made).id, store.scope(MANAGE)
    kept = store.catalog.update_video(
        scope, id, when=[VideoStatus.FAILED], status=VideoStatus.QUEUED
    )
    assert kept.status is VideoStatus.READY
    error = {"code": "x", "message": "y"}
    failed = store.catalog.update_video(scope, id, status=VideoStatus.FAILED, error=error)
    assert (failed.status, failed.error) == (VideoStatus.FAILED, error)
    assert failed.updated_at > kept.updated_at
    assert store.catalog.video(scope, id) == failed
    assert store.catalog.update_asset(
        scope, made.id, when=[AssetStatus.PROCESSING], status=AssetStatus.FAILED
    ).status is AssetStatus.READY  # fmt: skip


@pytest.mark.parametrize("owner", [AssetOwner.TENANT, AssetOwner.INDEX])
def test_an_asset_goes_with_its_last_video_where_it_lives_for_that(
    store: Store, index: Index, owner: AssetOwner
) -> None:
    other = store.catalog.create_index(store.scope(INGEST), "other", {})
    made = asset("a.mp4", owner=owner)
    store.blobs.put(store.scope(INGEST), f"files/{made.id}/original", b"video")
    store.catalog.put_asset(store.scope(INGEST), made, entry(index, made))
    store.catalog.put_asset(store.scope(INGEST), made, entry(other, made))
    assert store.remove_video(store.scope(MANAGE, index.id), made.id)
    assert store.catalog.asset(store.scope(SEARCH), made.id).id == made.id
    assert store.remove_video(store.scope(MANAGE, other.id), made.id)
    left = {one.id for one in store.catalog.assets(store.scope(SEARCH))}
    stays = owner is AssetOwner.TENANT
    assert left == ({made.id} if stays else set())
    assert bool(store.blobs.list(everything(store))) is stays
    if stays:
        assert store.delete_asset(store.scope(MANAGE), made.id)
    assert store.blobs.list(everything(store)) == []
    assert store.scan(everything(store), [made.id.encode()]) == []


def test_an_asset_is_deleted_with_all_its_videos(store: Store, index: Index) -> None:
    other = store.catalog.create_index(store.scope(INGEST), "other", {})
    made = add(store, index, "zqxjk.mp4", word="zqxjkcanary")
    add(store, other, "zqxjk.mp4", word="zqxjkcanary")
    kept = add(store, index, "b.mp4")
    path = task(index, "path", source="/zqxjk.mp4", asset_id=made.id)
    error = {"code": "task_failed", "message": "zqxjk.mp4 is no video."}
    sent = task(
        index, "sent", source="", asset_id=made.id, video_id="v", status=Status.FAILED, error=error
    )
    for one in (path, sent):
        store.catalog.put_task(store.scope(MANAGE), one)
    assert store.delete_asset(store.scope(MANAGE), made.id)
    assert store.scan(everything(store), [b"zqxjk", made.id.encode()]) == []
    (left,) = store.catalog.tasks(store.scope(MANAGE))
    assert (left.id, left.asset_id, left.video_id) == (sent.id, None, "v")
    assert left.error is not None
    assert left.error["code"] == "task_failed"
    check_whole(store, index, kept)
    with pytest.raises(NotFound):
        store.delete_asset(store.scope(MANAGE), made.id)


def test_what_was_derived_is_taken_back_and_the_video_stays(store: Store, index: Index) -> None:
    made = add(store, index, "a.mp4", word="zqxjkcanary")
    store.catalog.update_video(
        store.scope(MANAGE), entry(index, made).id, status=VideoStatus.FAILED, metadata={}
    )
    store.catalog.set_metadata(store.scope(MANAGE), made.id, {"word": None})
    assert store.clear_video(store.scope(MANAGE, index.id), made.id)
    assert store.scan(everything(store), [b"zqxjkcanary"]) == []
    (video,) = store.catalog.videos(store.scope(SEARCH, index.id))
    assert (video.asset_id, video.status) == (made.id, VideoStatus.FAILED)
    add(store, index, "a.mp4")
    check_whole(store, index, made)


def test_an_asset_in_progress_is_a_video_already(store: Store, index: Index) -> None:
    made = enter(store, index, asset("a.mp4"))
    assert store.catalog.members(store.scope(SEARCH, index.id)) == [made.id]
    assert store.catalog.find_assets(store.scope(SEARCH, index.id)) == frozenset()


def test_assets_are_listed_newest_first(store: Store) -> None:
    scope = store.scope(INGEST)
    for n in range(4):
        one = asset(
            f"{n}.mp4", created_at=THEN + timedelta(seconds=n), type="video" if n % 2 else "audio",
            owner=AssetOwner.ANALYSIS if n == 3 else AssetOwner.TENANT,
            connector={"account_id": "me", "source_id": str(n)} if n == 1 else None,
        )  # fmt: skip
        store.catalog.put_asset(scope, one)

    def found(**options: Any) -> list[str]:
        rows, total = store.catalog.list_assets(store.scope(SEARCH), **options)
        assert total >= len(rows)
        return [row.name[0] for row in rows]

    assert found() == ["2", "1", "0"]
    assert found(owners=[AssetOwner.ANALYSIS], until=THEN + timedelta(seconds=3)) == ["3"]
    assert found(owners=[AssetOwner.ANALYSIS], until=THEN) == []
    assert found(types=["audio"]) == ["2", "0"]
    assert found(name_part="1.M") == ["1"]
    assert found(connector=("me", "1")) == ["1"]
    assert found(connector=("you", "1")) == []
    assert found(offset=1, limit=1) == ["1"]
    assert found(ids=[asset("0.mp4").id, "x"]) == ["0"]
