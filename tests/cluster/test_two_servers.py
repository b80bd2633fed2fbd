"""Two servers and two workers on one store: it does not matter which of them is asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.server import Client
from tests.cluster.machines import Cluster, cluster, until
from tests.cluster.services import Services
from tests.ingest import rig

from videlicet.ingest import cancel
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.store import open_store
from videlicet.types import Kind, VideoStatus

pytestmark = [pytest.mark.embedded("it makes shared stores itself"), pytest.mark.slow]

MANAGE = Grant("tests", Purpose.MANAGE, EVERY_TENANT)


@pytest.fixture(scope="module")
def both(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(services, tmp_path_factory.mktemp("both")) as one:
        yield one


@pytest.fixture(scope="module")
def a(both: Cluster) -> Client:
    both.worker("first worker")
    both.worker("second worker")
    return both.client(both.server("a"))


@pytest.fixture(scope="module")
def b(both: Cluster, a: Client) -> Client:
    return both.client(both.server("b"))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return rig.make_videos(tmp_path_factory.mktemp("videos"), 4, seconds=6)


def search(client: Client, index: str, **fields: str) -> Any:
    data = {"index_id": index, "search_options": "visual", "query_text": "red", **fields}
    files = {name: (None, value) for name, value in data.items()}
    return client.ok("POST", "search", files=files)


def rows_of(page: Any) -> Any:
    """What a page shows, wherever its pictures are to be had."""
    return [{k: v for k, v in row.items() if k != "thumbnail_url"} for row in page["data"]]


def test_what_one_takes_in_the_other_finds(a: Client, b: Client, recordings: list[Path]) -> None:
    index = a.index("taken in")
    ready = []
    for number, recording in enumerate(recordings):
        one, other = (a, b) if number % 2 else (b, a)
        asset = one.upload(recording)
        other.ended(f"assets/{asset}")
        made = other.ok("POST", f"indexes/{index}/indexed-assets", json={"asset_id": asset})
        ready.append(one.ended(f"indexes/{index}/indexed-assets/{made['_id']}"))
    assert {video["status"] for video in ready} == {"ready"}
    first = search(a, index, page_limit="1")
    assert first["data"]
    assert rows_of(search(b, index, page_limit="1")) == rows_of(first)
    # A later page is asked of whom it was not promised by.
    token = first["page_info"]["next_page_token"]
    assert rows_of(b.ok("GET", f"search/{token}")) == rows_of(a.ok("GET", f"search/{token}"))
    # Both sign alike, and both have the pictures.
    here = httpx.URL(first["data"][0]["thumbnail_url"])
    there = here.copy_with(port=b.base_url.port)
    pictures = [httpx.get(url, timeout=60).raise_for_status().content for url in (here, there)]
    assert pictures[0] == pictures[1]
    gone = ready[0]["_id"]
    b.ok("DELETE", f"indexes/{index}/videos/{gone}")
    assert gone not in {row["video_id"] for row in search(a, index, page_limit="50")["data"]}


def test_an_upload_in_parts_goes_to_both(
    a: Client, b: Client, tmp_path: Path, recordings: list[Path]
) -> None:
    # Bytes after the end of a video do no harm, and make a second chunk of it.
    data = recordings[0].read_bytes() + bytes(9 * 1024 * 1024)
    made = a.ok(
        "POST", "assets/multipart-uploads",
        json={"filename": "long.mkv", "type": "video", "total_size": len(data)},
    )  # fmt: skip
    size, upload = made["chunk_size"], f"assets/multipart-uploads/{made['upload_id']}"
    assert made["total_chunks"] == 2
    done = []
    for number, client in ((2, a), (1, b)):
        part = data[size * (number - 1) : size * number]
        url = next(u["url"] for u in made["upload_urls"] if u["chunk_index"] == number)
        url = httpx.URL(url).copy_with(port=client.base_url.port)
        proof = httpx.put(url, content=part, timeout=60).raise_for_status().headers["etag"]
        assert proof.strip('"') == hashlib.md5(part).hexdigest()
        done.append({"chunk_index": number, "proof": proof, "proof_type": "etag",
                     "chunk_size": len(part)})  # fmt: skip
    half = a.ok("POST", upload, json={"completed_chunks": done[:1]})
    assert (half["total_completed"], half.get("url")) == (1, None)
    whole = b.ok("POST", upload, json={"completed_chunks": done[1:]})
    assert whole["total_completed"] == 2
    # Somebody who did not get the answer asks again.
    again = a.ok("POST", upload, json={"completed_chunks": done[1:]})
    assert (again["total_completed"], again["duplicate_chunks"]) == (2, 1)
    assert httpx.URL(again["url"]).path == httpx.URL(whole["url"]).path
    asset = a.ended(f"assets/{made['asset_id']}")
    assert (asset["status"], asset["size"]) == ("ready", len(data))
    assert b.ok("GET", upload)["status"] == "completed"


def test_what_a_worker_is_at_is_cancelled_from_elsewhere(
    a: Client, b: Client, both: Cluster, tmp_path: Path
) -> None:
    (recording,) = rig.make_videos(tmp_path, 1, seconds=120)
    index = a.index("cancelled")
    with recording.open("rb") as file:
        made = a.ok("POST", "tasks", data={"index_id": index}, files={"video_file": file})
    with open_store(both.settings()) as store:
        until(lambda: store.catalog.task(store.scope(MANAGE), made["_id"]).stage == "observe")
        b.ok("DELETE", f"tasks/{made['_id']}")
        until(
            lambda: not store.catalog.videos(store.scope(MANAGE, index)),
            what="taking it back",
        )
    assert a.request("GET", f"tasks/{made['_id']}").status_code == 404
    # The same on a third machine, which has neither.
    with recording.open("rb") as file:
        made = b.ok("POST", "tasks", data={"index_id": index}, files={"video_file": file})
    with open_store(both.settings()) as store:
        until(lambda: store.catalog.task(store.scope(MANAGE), made["_id"]).stage == "observe")
        cancel(store.scope(MANAGE), store, both.settings(), made["_id"])
        assert a.ok("GET", f"tasks/{made['_id']}")["status"] == "failed"
        # The worker that was at it says so last: then nothing of it is left.
        until(
            lambda: (
                [one.status for one in store.catalog.videos(store.scope(MANAGE, index))]
                == [VideoStatus.FAILED]
            ),
            what="taking it back",
        )
        assert store.catalog.find_resources(store.scope(MANAGE), Kind.DELIVERY)[1] == 0


def test_a_key_is_good_at_both(a: Client, b: Client, both: Cluster) -> None:
    code, made = both.command("keys", "create", "another")
    assert code == 0
    headers = {"x-api-key": made["key"]}
    for client in (a, b):
        assert client.get("indexes", headers=headers).status_code == 200
    assert both.command("keys", "revoke", made["id"])[0] == 0
    for client in (a, b):
        # For two seconds a key that was seen good is trusted.
        until(lambda c=client: c.get("indexes", headers=headers).status_code == 401)
    assert json.dumps(made["key"]) not in json.dumps(both.command("keys", "list")[1])
