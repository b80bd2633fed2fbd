"""Assets in indexes: lists, metadata, tasks, and the ids by which clients know them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.services.conftest import uploaded

from videlicet.errors import MediaError, NotFound
from videlicet.rights import Purpose
from videlicet.services import assets, filters, indexes, indexing, saved_searches
from videlicet.services.caller import Caller
from videlicet.services.indexing import TaskFilter
from videlicet.services.media import MediaSource, open_media
from videlicet.services.search import RequestPart, SearchRequest
from videlicet.store.records import VideoFilter
from videlicet.types import (
    AssetOwner,
    Index,
    Kind,
    PartKind,
    Status,
    Task,
    Video,
    VideoStatus,
    random_id,
    video_id_of,
)


@pytest.fixture
def index(alice: Caller) -> Index:
    return indexes.create_index(alice, "videos", ["visual", "audio"], {})


def entered(caller: Caller, index: Index, name: str, **metadata: Any) -> tuple[Video, Task]:
    """A ready video in an index."""
    asset = uploaded(caller, name, type="video")
    video, task = indexing.index_asset(caller, index, asset, metadata, stream=True)
    scope = caller.scope(Purpose.INGEST)
    video = caller.catalog.update_video(
        scope, video.id, status=VideoStatus.READY, indexed_at=datetime.now(UTC)
    )
    return video, caller.catalog.update_task(scope, task.id, status=Status.READY)


def put_task(caller: Caller, index: Index, source: str, status: Status, age: int = 0) -> Task:
    """A task that adds a path."""
    now = datetime.now(UTC) - timedelta(seconds=age)
    task = Task(random_id(), index.id, source, status, now, now, tenant=caller.tenant)
    caller.catalog.put_task(caller.scope(Purpose.INGEST), task)
    return task


def names(rows: list[indexing.ListedVideo]) -> list[str]:
    return [
        indexing.source_name(row.task) if row.task else row.video.name if row.video else ""
        for row in rows
    ]


def test_a_video_is_known_by_index_and_asset(alice: Caller, index: Index) -> None:
    other = indexes.create_index(alice, "others", ["visual"], {})
    asset = uploaded(alice, type="video")
    first, task = indexing.index_asset(alice, index, asset, {"a": 1}, stream=True)
    again, same = indexing.index_asset(alice, index, asset, {"a": 2}, stream=True)
    second, _ = indexing.index_asset(alice, other, asset, {}, stream=True)
    assert (again, same.id) == (first, task.id)
    assert (first.id, second.id) == tuple(video_id_of(one.id, asset.id) for one in (index, other))
    assert (task.source, task.asset_id, task.video_id) == ("", asset.id, first.id)
    assert indexing.get_video(alice, index, first.id) == first
    with pytest.raises(NotFound) as caught:
        indexing.get_video(alice, other, first.id)
    assert caught.value.code == "asset_not_found"
    assert [video.id for video in indexing.list_videos_of(alice, asset.id)] == [first.id, second.id]
    assert indexing.video_ids(alice, index, [asset.id, "0" * 24]) == {asset.id: first.id}
    assert indexing.to_asset_ids(alice, index, ["x", first.id]) == ["x", asset.id]


def test_lists_filter_by_metadata_as_it_is_typed(alice: Caller, index: Index) -> None:
    video, _ = entered(alice, index, "a.mp4", topic="sea", take=3, done=True, tags=["x", 'say "y"'])
    entered(alice, index, "b.mp4", topic="3")
    for key, text in (
        ("topic", "sea"), ("take", "3.0"), ("done", "TRUE"), ("tags", "x"), ("tags", 'say "y"'),
    ):  # fmt: skip
        found, total = indexing.list_videos(alice, index, VideoFilter(metadata=[(key, text)]))
        assert ([one.id for one in found], total) == ([video.id], 1), key
    for key, text in (("topic", "se"), ("tags", "y"), ("done", "1"), ("take", "three")):
        assert indexing.list_videos(alice, index, VideoFilter(metadata=[(key, text)]))[1] == 0
    indexing.update_video_metadata(alice, video, {"topic": None, "take": 4})
    changed = indexing.get_video(alice, index, video.id)
    assert changed.metadata == {"take": 4, "done": True, "tags": ["x", 'say "y"']}
    # Of the asset itself nothing has changed.
    assert assets.get_asset(alice, video.asset_id).metadata == {}
    scope = alice.scope(Purpose.SEARCH, index.id)
    assert alice.catalog.find_assets(scope, {"take": 4}) == {video.asset_id}
    assert alice.catalog.find_assets(scope, {"topic": "sea"}) == set()


def test_sources_that_are_no_videos_yet_come_first(alice: Caller, index: Index) -> None:
    video, _ = entered(alice, index, "a.mp4")
    entered(alice, index, "b.mp4")
    put_task(alice, index, "/videos/gone.mp4", Status.FAILED, age=20)
    put_task(alice, index, "/videos/waits.mp4", Status.FAILED, age=10)
    put_task(alice, index, "/videos/waits.mp4", Status.QUEUED)
    put_task(alice, index, "/videos/came.mp4", Status.FAILED, age=40)
    put_task(alice, index, "/videos/came.mp4", Status.READY, age=30)

    def page(offset: int, limit: int) -> tuple[list[str], int]:
        rows, total = indexing.list_videos_and_sources(alice, index, offset=offset, limit=limit)
        return names(rows), total

    assert page(0, 10) == (["waits.mp4", "gone.mp4", "b.mp4", "a.mp4"], 4)
    assert [page(n, 1)[0] for n in range(5)] == [
        ["waits.mp4"], ["gone.mp4"], ["b.mp4"], ["a.mp4"], [],
    ]  # fmt: skip
    assert page(1, 2) == (["gone.mp4", "b.mp4"], 4)
    rows, _ = indexing.list_videos_and_sources(alice, index, offset=3, limit=1)
    assert rows[0].video is not None
    assert rows[0].video.id == video.id


def test_tasks_are_listed_with_their_videos(alice: Caller, index: Index) -> None:
    video, task = entered(alice, index, "Sea.mp4")
    _, other = entered(alice, index, "hills.mp4")
    put_task(alice, index, "/videos/path.mp4", Status.QUEUED)

    def ids(wanted: TaskFilter, **options: Any) -> list[str]:
        return [one.task.id for one in indexing.list_indexing_tasks(alice, wanted, **options)[0]]

    assert ids(TaskFilter()) == [other.id, task.id]
    assert ids(TaskFilter(), ascending=True) == [task.id, other.id]
    assert ids(TaskFilter(), offset=1, limit=1) == [task.id]
    assert indexing.list_indexing_tasks(alice, TaskFilter(), limit=1)[1] == 2
    assert ids(TaskFilter(name_part="sea")) == [task.id]
    assert ids(TaskFilter(status=["ready"], index_id=index.id)) == [other.id, task.id]
    assert ids(TaskFilter(status=["failed"])) == []
    assert ids(TaskFilter(numbers={"duration": [(">=", 60.0)]})) == [other.id, task.id]
    assert ids(TaskFilter(numbers={"duration": [("<=", 59.0)]})) == []
    every = indexing.list_tasks(alice)
    assert set(indexing.names_of(alice, every).values()) == {"Sea.mp4", "hills.mp4", "path.mp4"}
    indexing.delete_video(alice, video)
    one = indexing.get_indexing_task(alice, task.id)
    assert (one.video, one.task.video_id, one.task.asset_id) == (None, video.id, None)
    assert indexing.names_of(alice, [one.task]) == {task.id: ""}
    assert assets.get_asset(alice, video.asset_id).name == "Sea.mp4"


def test_filters_name_videos(alice: Caller, index: Index) -> None:
    first, second = (entered(alice, index, name)[0] for name in ("a.mp4", "b.mp4"))
    wanted = {
        "id": first.id,
        "not": {"id": {"in": [second.id, "unknown"]}},
        "or": [{"id": {"ne": second.id}}, {"topic": second.id}, "no filter"],
        "name": {"eq": first.id},
    }
    assert filters.of_assets(alice, index, wanted) == {
        "id": first.asset_id,
        "not": {"id": {"in": [second.asset_id, "unknown"]}},
        "or": [{"id": {"ne": second.asset_id}}, {"topic": second.id}, "no filter"],
        "name": {"eq": first.id},
    }
    plain = {"topic": "sea", "id": 3}
    assert filters.of_assets(alice, index, plain) == plain


def test_a_saved_search_filters_by_assets_and_shows_videos(alice: Caller, index: Index) -> None:
    video, _ = entered(alice, index, "a.mp4")
    request = SearchRequest([RequestPart(PartKind.TEXT, "red")], filter={"id": video.id})
    made = saved_searches.create_saved_search(alice, index, "reds", request)
    assert made.filter == {"id": video.id}
    assert saved_searches.get_saved_search(alice, made.id).filter == {"id": video.id}
    (listed,), _ = saved_searches.list_saved_searches(alice)
    assert listed.filter == {"id": video.id}
    (row,), _ = alice.catalog.find_resources(alice.manage, Kind.SAVED_SEARCH)
    assert row.body["filter"] == {"id": video.asset_id}


def test_what_is_said_of_a_missing_original_names_no_path(alice: Caller, tmp_path: Path) -> None:
    asset = uploaded(alice, type="video")
    gone = tmp_path / "private" / "video.mp4"
    alice.catalog.update_asset(alice.manage, asset.id, source=str(gone))
    with pytest.raises(MediaError) as caught, open_media(alice, MediaSource(asset_id=asset.id)):
        pass
    assert caught.value.code == "source_missing"
    assert "private" not in caught.value.message


def test_an_asset_that_lives_for_an_index_goes_with_its_last_video(
    alice: Caller, index: Index
) -> None:
    other = indexes.create_index(alice, "others", ["visual"], {})
    asset = uploaded(alice, type="video")
    alice.catalog.update_asset(alice.manage, asset.id, owner=AssetOwner.INDEX)
    first, _ = indexing.index_asset(alice, index, asset, {}, stream=True)
    second, _ = indexing.index_asset(alice, other, asset, {}, stream=True)
    indexing.delete_video(alice, first)
    assert assets.get_asset(alice, asset.id).id == asset.id
    indexing.delete_video(alice, second)
    with pytest.raises(NotFound):
        assets.get_asset(alice, asset.id)
    assert assets.list_assets(alice) == ([], 0)
