"""What the command line added is there over HTTP."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from tests.api.server import DOUBLES, Client, served
from tests.ingest import rig

from videlicet.library import open as open_library


@pytest.mark.slow
def test_films_added_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    films = rig.films(tmp_path / "films", 2, seconds=4)
    home = tmp_path / "home"
    monkeypatch.setenv("VIDELICET_MODELS", DOUBLES["VIDELICET_MODELS"])
    with open_library(home) as library:
        added = library.add(*films)
        assert len(added.ready) == 2
        library.set_metadata(str(added.ready[0].asset_id), {"topic": "one"})
    with served(home, **DOUBLES) as server, Client(server, server.key()) as client:
        (index,) = client.ok("GET", "indexes")["data"]
        assert (index["index_name"], index["video_count"]) == ("default", 2)
        (video,) = client.ok("GET", f"indexes/{index['_id']}/videos?topic=one")["data"]
        form = {"index_id": index["_id"], "query_text": "red", "search_options": "visual"}
        hits = client.ok("POST", "search", data={**form, "filter": '{"topic": "one"}'})["data"]
        assert {hit["video_id"] for hit in hits} == {video["_id"]}
        whole = client.ok("GET", f"indexes/{index['_id']}/videos/{video['_id']}")
        assert httpx.get(whole["hls"]["thumbnail_urls"][0]).content.startswith(b"\xff\xd8\xff")
        # It can be put into another index too, from where it lies.
        other = client.index("other")
        made = client.ok(
            "POST", f"indexes/{other}/indexed-assets", json={"asset_id": video["asset_id"]}
        )
        ready = client.ended(f"indexes/{other}/indexed-assets/{made['_id']}")
        assert ready["status"] == "ready"
        client.ok("DELETE", f"assets/{video['asset_id']}?force=true")
        assert client.ok("GET", f"indexes/{index['_id']}")["video_count"] == 1
    assert all(film.is_file() for film in films)
    with open_library(home) as library:
        assert len(library.assets("default")) == 1
