"""Webhooks: what has become of a video is told once, signed, and again after a failure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests import samples
from tests.api.server import DOUBLES, Client, Server, served
from tests.ingest import rig

from videlicet.errors import InvalidInput
from videlicet.media import fetch
from videlicet.rights import Grant, Purpose, Scope
from videlicet.settings import Settings, load
from videlicet.store import Store, open_store
from videlicet.store.secret import server_secret
from videlicet.types import Kind, Resource, VideoStatus
from videlicet.webhooks import delivery
from videlicet.webhooks.delivery import MAX_ATTEMPTS, add_webhook, sign
from videlicet.webhooks.kinds import DELIVERIES

MANAGE = Grant("tests", Purpose.MANAGE)
OPEN = {"VIDELICET_FETCH_ALLOWLIST": "127.0.0.1/32", "VIDELICET_WEBHOOK_DELAY": "0.3"}


@dataclass
class Receiver:
    """An address that keeps what it gets, and answers with ``statuses`` in turn, then 200."""

    port: int = 0
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    contacts: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def events(self, count: int) -> list[dict[str, Any]]:
        deadline = time.monotonic() + 300
        while len(self.got) < count:
            assert time.monotonic() < deadline, self.got
            time.sleep(0.05)
        time.sleep(0.5)
        assert len(self.got) == count
        return [json.loads(body) for _, body in self.got]


@contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    receiver = Receiver(statuses=list(statuses))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    class Counting(ThreadingHTTPServer):
        def get_request(self) -> Any:
            receiver.contacts += 1
            return super().get_request()

    with Counting(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def command(server: Server, *words: str) -> tuple[int, Any]:
    """Exit code and JSON of ``videlicet webhooks …``."""
    code = "import sys; from videlicet.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--home", str(server.home), "webhooks", *words, "--json"],
        env={**server.inherited, **OPEN},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, json.loads(done.stdout or done.stderr)


def deliveries(server: Server) -> list[Resource]:
    with open_store(load(server.home)) as store:
        return store.catalog.find_resources(store.scope(MANAGE), Kind.DELIVERY)[0]


def require_signed(secret: str, headers: dict[str, str], body: bytes) -> None:
    fields = dict(part.split("=") for part in headers["tl-signature"].split(","))
    assert abs(time.time() - int(fields["t"])) < 300
    assert hmac.compare_digest(fields["v1"], sign(secret, int(fields["t"]), body))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    good = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{good}"


def test_the_documented_vector() -> None:
    wanted = "4ba76037665773c9fa1f23f6e7cef2326d716580fd2e00a398329338c67a1045"
    assert sign("s3cret", 1659342128, b'{"name":"test"}') == wanted


@pytest.mark.slow
def test_ready_and_failed_are_reported_once(tmp_path: Path) -> None:
    recording = rig.make_videos(tmp_path / "videos", 1, seconds=4)[0]
    broken = samples.text_as_mp4(tmp_path / "broken.mp4")
    with (
        receiving(500, 302) as receiver,
        served(tmp_path / "home", **DOUBLES, **OPEN) as server,
        Client(server, server.key()) as client,
        Client(server, server.key(tenant="other")) as stranger,
    ):
        code, hook = command(server, "add", receiver.url)
        assert code == 0
        index = client.index()
        with recording.open("rb") as file:
            task = client.ok("POST", "tasks", data={"index_id": index}, files={"video_file": file})[
                "_id"
            ]
        first, second, third = receiver.events(3)
        # Two answers were no 2xx: the same event comes again.
        assert first == second == third
        assert first["type"] == "index.task.ready"
        assert first["id"].startswith("whe_")
        assert first["data"]["id"] == task
        assert first["data"]["status"] == "ready"
        assert first["data"]["metadata"]["duration"] > 3
        assert first["data"]["models"] == [{"name": "marengo3.0", "options": ["visual", "audio"]}]
        for headers, body in receiver.got:
            require_signed(hook["secret"], headers, body)
        with broken.open("rb") as file:
            client.ok("POST", "tasks", data={"index_id": index}, files={"video_file": file})
        assert receiver.events(4)[-1]["type"] == "index.task.failed"
        # Another tenant's videos are not told of.
        stranger.add_video(stranger.index(), recording)
        assert len(receiver.events(4)) == 4
        (row,) = command(server, "list")[1]
        assert (row["id"], row["last_delivery"]["status"]) == (hook["id"], "delivered")
        assert hook["secret"] not in server.log
        for path in server.home.rglob("*"):
            assert not path.is_file() or hook["secret"].encode() not in path.read_bytes()


@pytest.mark.slow
def test_commands(tmp_path: Path) -> None:
    with receiving() as receiver, served(tmp_path / "home", **DOUBLES, **OPEN) as server:
        _, hook = command(server, "add", receiver.url, "--event", "index.task.failed")
        assert command(server, "add", receiver.url, "--event", "x")[0] == 2
        assert command(server, "add", "http://10.0.0.1/x")[1]["error"]["code"] == "url_not_allowed"
        assert command(server, "test", hook["id"])[0] == 0
        headers, body = receiver.got[0]
        require_signed(hook["secret"], headers, body)
        _, changed = command(server, "rotate", hook["id"])
        assert changed["secret"] != hook["secret"]
        command(server, "test", hook["id"])
        signature = receiver.got[1][0]["tl-signature"]
        stamp = int(signature.split(",")[0].removeprefix("t="))
        for secret in (hook["secret"], changed["secret"]):
            assert sign(secret, stamp, receiver.got[1][1]) in signature
        receiver.statuses = [500]
        assert command(server, "test", hook["id"])[0] == 2
        assert command(server, "remove", hook["id"])[0] == 0
        assert command(server, "remove", hook["id"])[0] == 3
        assert command(server, "list")[1] == []


@pytest.mark.slow
def test_a_killed_worker_forgets_no_delivery(tmp_path: Path) -> None:
    recording = rig.make_videos(tmp_path / "videos", 1, seconds=4)[0]
    with (
        receiving(*[500] * 2) as receiver,
        served(tmp_path / "home", **DOUBLES, **OPEN) as server,
        Client(server, server.key()) as client,
    ):
        command(server, "add", receiver.url)
        client.add_video(client.index(), recording)
        while not receiver.got:
            time.sleep(0.05)
        assert server.process is not None
        for child in psutil.Process(server.process.pid).children():
            child.kill()
        first, *more = receiver.events(3)
        assert all(one == first for one in more)


@pytest.mark.slow
def test_an_address_inside_is_not_contacted(tmp_path: Path) -> None:
    recording = rig.make_videos(tmp_path / "videos", 1, seconds=4)[0]
    with (
        receiving() as receiver,
        served(tmp_path / "home", **DOUBLES) as server,
        Client(server, server.key()) as client,
    ):
        # Allowed where it was added, but not where it is sent from.
        assert command(server, "add", receiver.url)[0] == 0
        client.add_video(client.index(), recording)
        deadline = time.monotonic() + 300
        while not (made := deliveries(server)) or not made[0].body["attempts"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert "not on the public internet" in made[0].body["last_error"]
        assert receiver.contacts == 0


@dataclass(frozen=True)
class Desk:
    """As much of a worker as a delivery needs."""

    scope: Scope
    store: Store
    settings: Settings

    def tenant_scope(self, tenant: str) -> Scope:
        return self.store.scope(self.scope.within(tenant))


def test_it_is_given_up_in_the_end(tmp_path: Path) -> None:
    settings = load(tmp_path / "home")
    with open_store(settings, write=True, create=True) as store:
        hook = add_webhook(store.scope(MANAGE), store, "http://127.0.0.1/")
        assert (
            delivery.announce(store.scope(MANAGE), store, delivery.READY, {"id": "a"}, "a.1") == 1
        )
        assert (
            delivery.announce(store.scope(MANAGE), store, delivery.READY, {"id": "a"}, "a.1") == 0
        )
        (one,), _ = store.catalog.find_resources(store.scope(MANAGE), Kind.DELIVERY, parent=hook.id)
        assert delivery.due_in(settings, one) == 0
        desk = Desk(store.scope(MANAGE), store, settings)
        tried = [
            delivery.attempt_delivery(desk, "local", one.id, n) for n in range(MAX_ATTEMPTS + 1)
        ]
        assert tried == [*range(1, MAX_ATTEMPTS), None, None]
        one = store.catalog.resource(store.scope(MANAGE), Kind.DELIVERY, one.id)
        assert (one.status, one.body["attempts"]) == ("failed", MAX_ATTEMPTS)
        again = replace(one, body={**one.body, "attempts": 2})
        assert 15 < delivery.due_in(settings, again) <= 20
        store.catalog.delete_resource(store.scope(MANAGE), Kind.WEBHOOK, hook.id)
        # One that waits for an address that is no longer there is done with too.
        waiting = {"attempts": 2, "last_error": None}
        store.catalog.update_resource(
            store.scope(MANAGE), Kind.DELIVERY, one.id, status="processing", body=waiting
        )
        assert delivery.attempt_delivery(desk, "local", one.id, 1) == 2
        assert delivery.attempt_delivery(desk, "local", one.id, 2) is None
        assert store.catalog.resource(store.scope(MANAGE), Kind.DELIVERY, one.id).status == "failed"
    pauses = [delivery.retry_delay(settings, tries) for tries in range(4)]
    assert pauses == [0, 5, 20, 80]


@pytest.mark.slow
def test_addresses_that_fail_hold_up_nobody(tmp_path: Path) -> None:
    recording, other = rig.make_videos(tmp_path / "videos", 2, seconds=4)
    patient = {**OPEN, "VIDELICET_WEBHOOK_DELAY": "600"}
    with (
        receiving(*[500] * 100) as failing,
        receiving() as good,
        served(tmp_path / "home", **DOUBLES, **patient) as server,
        Client(server, server.key()) as client,
    ):
        with open_store(load(server.home)) as store:
            add_webhook(store.scope(MANAGE), store, good.url)
            for _ in range(DELIVERIES + 8):
                add_webhook(store.scope(MANAGE), store, failing.url)
        client.add_video(client.index(), recording)
        assert good.events(1)[0]["type"] == "index.task.ready"
        failing.events(DELIVERIES + 8)
        # Neither the server nor a command waits for what is to be tried in ten minutes.
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 60
        code = "import sys; from videlicet.cli import main; main()"
        words = ["add", str(other), "--index", "videos"]
        done = subprocess.run(
            [sys.executable, "-c", code, "--home", str(server.home), *words],
            env=server.inherited,
            timeout=300,
        )
        assert done.returncode == 0
        assert len(failing.got) == DELIVERIES + 8
        assert {one.body["attempts"] for one in deliveries(server)} == {1}


@pytest.mark.slow
def test_a_video_that_was_ready_after_all(tmp_path: Path) -> None:
    recording = rig.make_videos(tmp_path / "videos", 1, seconds=4)[0]
    with receiving() as receiver, served(tmp_path / "home", **DOUBLES, **OPEN) as server:
        command(server, "add", receiver.url)
        with Client(server, server.key()) as client:
            index = client.index()
            video = client.add_video(index, recording)
            receiver.events(1)
            asset = client.ok("GET", f"indexes/{index}/indexed-assets/{video}")["asset_id"]
            server.stop()
            # As when the disk was full at the very end.
            with open_store(load(server.home), write=True) as store:
                store.catalog.update_video(store.scope(MANAGE), video, status=VideoStatus.FAILED)
            server.start()
            body = {"asset_id": asset}
            client.ok("POST", f"indexes/{index}/indexed-assets", json=body)
            ended = client.ended(f"indexes/{index}/indexed-assets/{video}")
            assert ended["status"] == "ready"
            assert [one["type"] for one in receiver.events(2)] == ["index.task.ready"] * 2


def test_an_answer_that_trickles_in_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_ANSWER", 0.5)
    settings = load(fetch_allowlist="127.0.0.1/32")
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def trickle() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while not ended.wait(0.1):
                    connection.sendall(b"x")

        thread = threading.Thread(target=trickle)
        thread.start()
        began = time.monotonic()
        with pytest.raises(InvalidInput, match="no answer within") as caught:
            fetch.post(f"http://127.0.0.1:{listening.getsockname()[1]}/", b"{}", {}, settings)
        ended.set()
        thread.join()
    assert caught.value.code == "url_failed"
    assert time.monotonic() - began < 60


@pytest.mark.embedded("the secret is made in the data directory")
def test_the_secret_is_never_empty(tmp_path: Path) -> None:
    settings = load(tmp_path)
    (tmp_path / "server.secret").touch()
    made = server_secret(settings)
    assert len(made) == 32
    assert server_secret(settings) == made
