"""``Idempotency-Key``: the same request twice is done once."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.server import DOUBLES, Client, Server, served


def header(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid.uuid4())}


def new_index(name: str) -> dict[str, Any]:
    models = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
    return {"index_name": name, "models": models}


def total(client: Client, path: str) -> int:
    return int(client.ok("GET", path)["page_info"]["total_results"])


def send(client: Client, recording: Path, key: str, **fields: str) -> httpx.Response:
    with recording.open("rb") as file:
        return client.post(
            "assets", data={"method": "direct", **fields}, files={"file": (recording.name, file)},
            headers=header(key),
        )  # fmt: skip


def test_the_first_answer_comes_again(client: Client) -> None:
    same = header()
    first = client.post("indexes", json=new_index("once"), headers=same)
    again = client.post("indexes", json=new_index("once"), headers=same)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["content-type"] == again.headers["content-type"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert total(client, "indexes?index_name=once") == 1
    # Without the header, and with another key, it is another request.
    for headers in ({}, header()):
        refused = client.post("indexes", json=new_index("once"), headers=headers)
        assert refused.json()["code"] == "index_name_already_exists"


def test_another_request_is_a_conflict(client: Client, native: Client) -> None:
    same = header()
    collection = client.ok("POST", "entity-collections", json={"name": "a"}, headers=same)
    assert collection
    for path, body in (
        ("entity-collections", {"name": "b"}),
        ("entity-collections?page=1", {"name": "a"}),
        ("indexes", new_index("conflict")),
    ):
        answer = client.post(path, json=body, headers=same)
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")
    assert native.post("tasks/x/retry", headers=same).json()["code"] == "idempotency_conflict"


def test_forms_are_known_by_what_they_hold(client: Client, recording: Path, tmp_path: Path) -> None:
    key = str(uuid.uuid4())
    # Every request has a boundary of its own between its parts.
    first, again = (send(client, recording, key, filename="once.mp4") for _ in range(2))
    assert first.status_code == 201
    assert first.json() == again.json()
    assert total(client, "assets?filename=once.mp4") == 1
    assert send(client, recording, key, filename="twice.mp4").status_code == 409
    other = tmp_path / recording.name
    other.write_bytes(recording.read_bytes() + b"\0")
    assert send(client, other, key, filename="once.mp4").status_code == 409
    assert total(client, "assets?filename=once.mp4") == 1
    assert client.ended(f"assets/{first.json()['_id']}")["status"] == "ready"


def test_every_creating_post(client: Client, native: Client, recording: Path) -> None:
    index = client.index("every")
    asset = client.upload(recording)
    assert client.ended(f"assets/{asset}")["status"] == "ready"
    url = {"video_url": "https://videlicet.invalid/video.mp4"}
    upload = {"filename": "x.mp4", "type": "video", "total_size": 10}
    made = {
        "tasks": {"data": {"index_id": index, **url}},
        f"indexes/{index}/indexed-assets": {"json": {"asset_id": asset}},
        "embed/tasks": {"data": {"model_name": "marengo3.0", **url}},
        "assets/multipart-uploads": {"json": upload},
        "entity-collections": {"json": {"name": "every"}},
    }
    for path, options in made.items():
        same = header()
        first, again = (client.ok("POST", path, headers=same, **options) for _ in range(2))
        assert first == again, path
    task = client.ok("POST", "tasks", **made["tasks"])
    client.ended(f"tasks/{task['_id']}")
    same = header()
    first, again = (native.ok("POST", f"tasks/{task['_id']}/retry", headers=same) for _ in "12")
    assert first == again
    assert first["attempts"] == 2


def test_twins_at_once_make_one_thing(client: Client) -> None:
    same = header()

    def post(n: int) -> httpx.Response:
        return client.post("entity-collections", json={"name": "twins"}, headers=same)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["_id"] for answer in answers}) == 1
    assert total(client, "entity-collections?name=twins") == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7


def test_only_success_is_kept(client: Client) -> None:
    same = header()
    path = f"indexes/{client.index('failures')}/indexed-assets"
    assert client.post(path, json={"asset_id": "x"}, headers=same).status_code == 404
    collection = client.post("entity-collections", json={"name": "later"}, headers=same)
    assert collection.status_code == 201


def test_tenants_have_keys_of_their_own(client: Client, server: Server) -> None:
    same = header()
    mine = client.ok("POST", "entity-collections", json={"name": "mine"}, headers=same)
    with Client(server, server.key(tenant="other")) as stranger:
        theirs = stranger.post("entity-collections", json={"name": "theirs"}, headers=same)
        assert theirs.status_code == 201
        assert theirs.json()["_id"] != mine["_id"]


def test_searches_take_no_notice(client: Client) -> None:
    index, same = client.index("searched"), header()
    for text in ("red", "green"):
        form = {"index_id": index, "search_options": "visual", "query_text": text}
        assert client.post("search", data=form, headers=same).status_code == 200


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\x7f"])
def test_what_is_no_key(client: Client, key: str) -> None:
    answer = client.post(
        "entity-collections", json={"name": "a"}, headers=[("Idempotency-Key", key)]
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")


@pytest.mark.parametrize("body", [b"--x\r\n\r\n", b"\xff"])
def test_a_form_that_cannot_be_read(client: Client, body: bytes) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x", **header()}
    assert client.post("assets", content=body, headers=kind).status_code == 400


@pytest.mark.slow
def test_it_outlives_the_server(tmp_path: Path) -> None:
    with served(tmp_path / "home", **DOUBLES) as server, Client(server, server.key()) as client:
        same, body = header(), {"name": "quite a peculiar name"}
        first = client.ok("POST", "entity-collections", json=body, headers=same)
        server.stop()
        server.start()
        assert client.ok("POST", "entity-collections", json=body, headers=same) == first
        client.ok("DELETE", f"entity-collections/{first['_id']}")
        server.stop()
        # What was answered is sealed.
        for path in server.home.rglob("*"):
            assert not path.is_file() or b"quite a peculiar name" not in path.read_bytes()
