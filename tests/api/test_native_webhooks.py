"""Webhooks at the native interface."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests import samples
from tests.api.server import DOUBLES, Client, Server, hosted
from tests.api.test_webhooks import OPEN, Receiver, receiving, require_signed

from videlicet.webhooks.delivery import EVENTS, sign


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with hosted(tmp_path_factory.mktemp("hooks") / "home", **DOUBLES, **OPEN) as one:
        yield one


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


def add(native: Client, receiver: Receiver, **options: Any) -> dict[str, Any]:
    made: dict[str, Any] = native.ok("POST", "webhooks", json={"url": receiver.url, **options})
    return made


def test_add_test_rotate_remove(native: Client, receiver: Receiver) -> None:
    hook = add(native, receiver)
    assert hook["events"] == list(EVENTS)
    assert native.ok("POST", f"webhooks/{hook['id']}/test")["delivered"]
    require_signed(hook["secret"], *receiver.got[0])
    changed = native.ok("POST", f"webhooks/{hook['id']}/rotate")
    assert changed["secret"] != hook["secret"]
    native.ok("POST", f"webhooks/{hook['id']}/test")
    signature = receiver.got[1][0]["tl-signature"]
    stamp = int(signature.split(",")[0].removeprefix("t="))
    for secret in (hook["secret"], changed["secret"]):
        assert sign(secret, stamp, receiver.got[1][1]) in signature
    receiver.statuses = [500]
    tested = native.ok("POST", f"webhooks/{hook['id']}/test")
    assert (tested["delivered"], tested["error"]) == (False, "The address answered 500.")
    for output in (
        native.ok("GET", f"webhooks/{hook['id']}"),
        *native.ok("GET", "webhooks")["data"],
    ):
        assert output["id"] == hook["id"]
        assert output["rotated_at"]
        assert "secret" not in output
    native.ok("DELETE", f"webhooks/{hook['id']}")
    assert native.get(f"webhooks/{hook['id']}").status_code == 404
    assert native.ok("GET", "webhooks")["data"] == []


@pytest.mark.slow
def test_deliveries_and_what_went_wrong(
    native: Client, client: Client, receiver: Receiver, recording: Path, tmp_path: Path
) -> None:
    receiver.statuses = [500]
    hook = add(native, receiver)
    quiet = add(native, receiver, events=["index.task.failed"])
    client.add_video(client.index(), recording)
    receiver.events(2)
    (row,) = until_delivered(native, hook["id"], 1)
    assert (row["type"], row["attempts"]) == ("index.task.ready", 2)
    assert row["data"]["status"] == "ready"
    assert "last_error" not in row
    place = f"webhooks/{hook['id']}/deliveries"
    assert native.ok("GET", f"{place}?status=failed")["data"] == []
    assert native.ok("GET", f"webhooks/{quiet['id']}/deliveries")["data"] == []
    index = client.index("broken")
    with samples.text_as_mp4(tmp_path / "broken.mp4").open("rb") as file:
        client.ok("POST", "tasks", data={"index_id": index}, files={"video_file": file})
    (sent,) = until_delivered(native, quiet["id"], 1)
    assert sent["type"] == "index.task.failed"
    newest, _ = until_delivered(native, hook["id"], 2)
    assert newest["event_id"] != row["event_id"]
    assert newest["data"] == sent["data"]
    for one in (hook, quiet):
        native.ok("DELETE", f"webhooks/{one['id']}")
    assert native.get(place).status_code == 404


def until_delivered(native: Client, id: str, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 300
    while True:
        page = native.ok("GET", f"webhooks/{id}/deliveries?status=delivered")
        if page["page_info"]["total_results"] == count:
            return list(page["data"])
        assert time.monotonic() < deadline, page
        time.sleep(0.1)


def test_the_secret_comes_again_with_the_answer(
    native: Client, receiver: Receiver, server: Server
) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"url": receiver.url}
    first, again = (native.ok("POST", "webhooks", json=body, headers=headers) for _ in "12")
    assert first == again
    assert native.ok("GET", "webhooks")["page_info"]["total_results"] == 1
    # It is nowhere in the data directory.
    for path in server.home.rglob("*"):
        assert not path.is_file() or first["secret"].encode() not in path.read_bytes()
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    place = f"webhooks/{first['id']}/rotate"
    changed, same = (native.ok("POST", place, headers=headers) for _ in "12")
    assert changed == same
    assert changed["secret"] != first["secret"]
    native.ok("DELETE", f"webhooks/{first['id']}")


def test_another_tenants_webhook_is_unknown(
    native: Client, stranger: Client, receiver: Receiver
) -> None:
    hook = add(native, receiver)
    assert stranger.ok("GET", "webhooks")["data"] == []
    for method, path in (
        ("GET", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test"), ("GET", "/deliveries"),
    ):  # fmt: skip
        theirs = stranger.request(method, f"webhooks/{hook['id']}{path}")
        nobodys = stranger.request(method, f"webhooks/{'0' * 24}{path}")
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.text.replace(hook["id"], "0" * 24) == nobodys.text
    assert receiver.contacts == 0
    native.ok("DELETE", f"webhooks/{hook['id']}")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": ""},
        {"url": "ftp://example.org/"},
        {"url": "http://10.0.0.1/hook"},
        {"url": "https://example.org/", "events": ["index.task.started"]},
    ],
)
def test_bad_webhooks(native: Client, body: dict[str, Any]) -> None:
    answer = native.post("webhooks", json=body)
    assert answer.status_code == 400, answer.text


@pytest.mark.slow
def test_a_twin_does_not_wait_for_ever(native: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        hook = native.ok("POST", "webhooks", json={"url": url})
        headers = {"Idempotency-Key": str(uuid.uuid4())}

        def post() -> httpx.Response:
            return native.post(f"webhooks/{hook['id']}/test", headers=headers)

        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(post)
            connection, _ = silent.accept()
            with connection:
                twin = post()
                assert (twin.status_code, twin.json()["code"]) == (409, "idempotency_in_progress")
                assert first.result().json()["delivered"] is False
    # What was answered with success is kept, whatever it says.
    assert post().json() == first.result().json()
    native.ok("DELETE", f"webhooks/{hook['id']}")
