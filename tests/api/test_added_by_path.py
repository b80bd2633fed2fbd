"""What the library adds, changes and removes is so over HTTP, and the other way round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests import samples
from tests.api.server import DOUBLES, Client, served
from tests.ingest import rig

from videlicet.api.caller import HttpCaller
from videlicet.api.errors import on_library_error
from videlicet.api.v1_3 import assets as asset_routes
from videlicet.api.v1_3 import tasks as task_routes
from videlicet.api.v1_3 import videos as video_routes
from videlicet.errors import NotFound, VidelicetError
from videlicet.library import Library
from videlicet.library import open as open_library
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.services import assets, indexing
from videlicet.services.assets import NewAsset
from videlicet.services.caller import Caller
from videlicet.services.platform import Platform

pytestmark = pytest.mark.slow

#: A name that stands nowhere else.
NAME = "zyzzyva-holiday.mp4"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return samples.video(tmp_path / NAME, samples.THREE)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.setenv("VIDELICET_MODELS", DOUBLES["VIDELICET_MODELS"])
    with open_library(tmp_path / "home") as one:
        one.create_index("default")
        one.create_index("other")
        yield one


class LibraryCaller(Caller):
    """The tenant of a library, as an HTTP client."""

    def address(self, path: str, seconds: float | None = None) -> str:
        return path


@pytest.fixture
def caller(library: Library) -> Caller:
    platform = Platform(library.settings, library._write())
    return LibraryCaller(platform, Grant("tests", Purpose.MANAGE))


@pytest.fixture
def get(caller: Caller) -> Iterator[Callable[[str], Any]]:
    """What an endpoint of v1.3 gives, over the store that the library has open."""
    app = FastAPI()
    for routes in (asset_routes, task_routes, video_routes):
        app.include_router(routes.router)
    app.add_exception_handler(VidelicetError, on_library_error)
    app.dependency_overrides[HttpCaller] = lambda: caller

    def read(path: str) -> Any:
        answer = client.get(f"/v1.3/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    with TestClient(app) as client:
        yield read


def videos(get: Callable[[str], Any], index_id: str, query: str = "") -> list[Any]:
    return list(get(f"indexes/{index_id}/videos{query}")["data"])


def index_ids(library: Library) -> tuple[str, str]:
    return library.index("default").id, library.index("other").id


def added_from(library: Library, recording: Path, index: str) -> str:
    """The asset of a path. Whoever adds something finishes what waits, too."""
    ready = library.add(recording, index=index).ready
    return str(next(one.asset_id for one in ready if one.source == str(recording)))


def test_an_asset_is_a_video_of_each_index_at_once(
    library: Library, get: Callable[[str], Any], recording: Path
) -> None:
    first, second = index_ids(library)
    assert videos(get, first) == []
    (added,) = library.add(recording).ready
    library.add(recording, index="other")
    asset_id = str(added.asset_id)
    (one,), (two,) = videos(get, first), videos(get, second)
    assert one["asset_id"] == two["asset_id"] == asset_id
    assert len({one["_id"], two["_id"], asset_id}) == 3
    (row,) = get("assets")["data"]
    assert (row["_id"], row["method"], row["status"]) == (asset_id, "direct", "ready")
    members = get(f"assets/{asset_id}/indexed-assets")["data"]
    assert {video["index"]["_id"] for video in members} == {first, second}
    # Whoever has the id of a video finds its asset.
    assert library.asset(one["_id"]) == library.asset(asset_id)


def test_metadata_set_in_python_is_seen_and_filters_in_every_index(
    library: Library, get: Callable[[str], Any], recording: Path
) -> None:
    (added,) = library.add(recording).ready
    library.add(recording, index="other")
    asset_id = str(added.asset_id)
    library.set_metadata(asset_id, {"topic": "colours", "take": 3})
    for index_id in index_ids(library):
        (video,) = videos(get, index_id, "?topic=colours&take=3")
        assert video["user_metadata"] == {"topic": "colours", "take": 3}
        assert videos(get, index_id, "?topic=sounds") == []
    assert get(f"assets/{asset_id}")["user_metadata"] == {"topic": "colours", "take": 3}
    library.set_metadata(asset_id, {"topic": None})
    assert videos(get, index_ids(library)[0], "?topic=colours") == []
    assert library.search("red", filter={"take": 3}).hits
    assert not library.search("red", filter={"topic": "colours"}).hits


def test_nothing_of_what_is_removed_is_listed(
    library: Library, caller: Caller, get: Callable[[str], Any], recording: Path
) -> None:
    first, second = index_ids(library)
    with recording.open("rb") as file:
        sent = assets.upload_asset(caller, NewAsset(NAME, {"topic": NAME}), file)
    _, task = indexing.index_asset(caller, library.index(), sent, {"topic": NAME}, stream=True)
    added = added_from(library, recording, "other")
    assert get(f"tasks/{task.id}")["status"] == "ready"
    assert {row["_id"] for row in get("assets")["data"]} == {sent.id, added}
    for asset_id in (sent.id, added):
        library.remove(asset_id)
        with pytest.raises(NotFound):
            library.asset(asset_id)
    assert get("assets")["data"] == []
    assert videos(get, first) == videos(get, second) == []
    assert get(f"indexes/{first}/indexed-assets")["data"] == []
    assert NAME not in str(get("tasks"))
    everywhere = caller.store.scope(Grant("tests", Purpose.MANAGE, EVERY_TENANT))
    assert caller.store.scan(everywhere, [NAME.encode()]) == []


def test_an_asset_that_was_sent_stays_where_it_leaves_one_index(
    library: Library, caller: Caller, get: Callable[[str], Any], recording: Path
) -> None:
    first, _ = index_ids(library)
    with recording.open("rb") as file:
        sent = assets.upload_asset(caller, NewAsset(NAME), file)
    indexing.index_asset(caller, library.index(), sent, {}, stream=True)
    added = added_from(library, recording, "other")
    library.remove(sent.id, index="default")
    library.remove(added, index="other")
    assert videos(get, first) == []
    # The other one was added to an index only, and goes with it.
    assert [row["_id"] for row in get("assets")["data"]] == [sent.id]
    with pytest.raises(NotFound):
        library.remove(sent.id, index="default")


def test_videos_added_by_path_are_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = rig.make_videos(tmp_path / "videos", 2, seconds=4)
    home = tmp_path / "home"
    monkeypatch.setenv("VIDELICET_MODELS", DOUBLES["VIDELICET_MODELS"])
    with open_library(home) as library:
        added = library.add(*recordings)
        assert len(added.ready) == 2
        library.set_metadata(str(added.ready[0].asset_id), {"topic": "one"})
    with served(home, **DOUBLES) as server, Client(server, server.key()) as client:
        (index,) = client.ok("GET", "indexes")["data"]
        assert (index["index_name"], index["video_count"]) == ("default", 2)
        (video,) = client.ok("GET", f"indexes/{index['_id']}/videos?topic=one")["data"]
        form = {"index_id": index["_id"], "query_text": "red", "search_options": "visual"}
        hits = client.ok("POST", "search", data={**form, "filter": '{"topic": "one"}'})["data"]
        assert {hit["video_id"] for hit in hits} == {video["_id"]}
        only = f'{{"id": "{video["_id"]}"}}'
        hits = client.ok("POST", "search", data={**form, "filter": only})["data"]
        assert {hit["video_id"] for hit in hits} == {video["_id"]}
        whole = client.ok("GET", f"indexes/{index['_id']}/videos/{video['_id']}")
        assert httpx.get(whole["hls"]["thumbnail_urls"][0]).content.startswith(b"\xff\xd8\xff")
        # It can be put into another index too, from where it is.
        other = client.index("other")
        made = client.ok(
            "POST", f"indexes/{other}/indexed-assets", json={"asset_id": video["asset_id"]}
        )
        ready = client.ended(f"indexes/{other}/indexed-assets/{made['_id']}")
        assert ready["status"] == "ready"
        client.ok("DELETE", f"assets/{video['asset_id']}?force=true")
        assert client.ok("GET", f"indexes/{index['_id']}")["video_count"] == 1
    assert all(recording.is_file() for recording in recordings)
    with open_library(home) as library:
        assert len(library.assets("default")) == 1
