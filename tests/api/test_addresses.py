"""Addresses that users give lead to the public internet only, wherever they are taken."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests import samples
from tests.api.server import DOUBLES, Client, Server, served

#: Stands for the network of the server under test: names by what they answer, time after time.
RESOLVER = """
import os, socket
real = socket.getaddrinfo
def resolve(host, port, *rest, **options):
    if host in ("open.example", "other.example"):
        host = "127.0.0.1"
    elif host == "rebinding.example":
        count = os.path.join(os.path.dirname(__file__), "count")
        with open(count, "a") as file:
            file.write("x")
            public = file.tell() % 2 == 1
        host = "93.184.216.34" if public else "127.0.0.1"
    return real(host, port, *rest, **options)
socket.getaddrinfo = resolve
"""


@dataclass
class Outside:
    """A server that ``open.example`` names, and a listener that must never be contacted."""

    port: int = 0
    canary: int = 0
    contacts: int = 0
    picture: bytes = b""
    answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)

    def at(self, path: str) -> str:
        return f"http://open.example:{self.port}/{path}"


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    state = Outside()
    state.picture = samples.image(tmp_path_factory.mktemp("pictures") / "x.jpg").read_bytes()
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path.strip("/").split("/"):
                case ["picture.jpg"]:
                    self.send_response(200)
                    self.send_header("content-length", str(len(state.picture)))
                    self.end_headers()
                    self.wfile.write(state.picture)
                case ["large.jpg"]:
                    self.send_response(200)
                    self.send_header("content-length", str(10**12))
                    self.end_headers()
                case ["slow.jpg"]:
                    self.send_response(200)
                    self.end_headers()
                    while not ended.wait(0.1):
                        try:
                            self.wfile.write(b"x" * 4096)
                        except OSError:
                            return
                case ["to", *rest]:
                    self.send_response(302)
                    self.send_header("location", "/".join(rest).replace("::", "://", 1))
                    self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    def count(listening: socket.socket) -> None:
        while not ended.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            state.contacts += not ended.is_set()
            connection.close()

    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        state.port, state.canary = server.server_port, listening.getsockname()[1]
        threads = [
            threading.Thread(target=server.serve_forever),
            threading.Thread(target=count, args=(listening,)),
        ]
        for thread in threads:
            thread.start()
        try:
            yield state
        finally:
            ended.set()
            server.shutdown()
            with socket.create_connection(("127.0.0.1", state.canary)):
                pass
            for thread in threads:
                thread.join()


@pytest.fixture(scope="module")
def guarded(outside: Outside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "sitecustomize.py").write_text(RESOLVER)
    settings = {
        "PYTHONPATH": str(folder),
        "VIDELICET_FETCH_ALLOWLIST": "open.example",
        "VIDELICET_FETCH_TIMEOUT": "8",
    }
    with served(folder / "home", **DOUBLES, **settings) as one:
        yield one


@pytest.fixture(scope="module")
def asking(guarded: Server) -> Iterator[Client]:
    with Client(guarded, guarded.key()) as one:
        yield one


@pytest.fixture(scope="module")
def index(asking: Client) -> str:
    return asking.index("addresses")


def places(index: str, url: str) -> list[tuple[str, dict[str, Any]]]:
    """Every request that takes an address: those that fetch it at once first."""

    def second(kind: str, **more: Any) -> dict[str, Any]:
        part = {"media_source": {"url": url}, **more}
        return {"json": {"input_type": kind, "model_name": "marengo3.0", kind: part}}

    several = {"input_text": "<@a>", "media_sources": [
        {"name": "a", "media_type": "image", "url": url}
    ]}  # fmt: skip
    form = {"index_id": index, "search_options": "visual", "query_media_type": "image"}
    return [
        ("search", {"data": {**form, "query_media_url": url}}),
        ("embed", {"data": {"model_name": "marengo3.0", "image_url": url}}),
        ("embed", {"data": {"model_name": "marengo3.0", "audio_url": url}}),
        ("embed-v2", second("image")),
        ("embed-v2", second("audio")),
        ("embed-v2", second("video")),
        ("embed-v2", second("text_image", input_text="x")),
        ("embed-v2", {"json": {
            "input_type": "multi_input", "model_name": "marengo3.0", "multi_input": several,
        }}),
        ("assets", {"data": {"method": "url", "url": url}}),
        ("tasks", {"data": {"index_id": index, "video_url": url}}),
        ("embed/tasks", {"data": {"model_name": "marengo3.0", "video_url": url}}),
        ("embed-v2/tasks", second("video")),
        ("embed-v2/tasks", second("image")),
    ]  # fmt: skip


AT_ONCE = 8


def refused(client: Client, path: str, request: dict[str, Any], *codes: str) -> None:
    answer = client.post(path, **request)
    body = answer.json()
    assert answer.status_code == 400, (path, request, body)
    assert (body.get("error") or body)["code"] in codes, (path, request, body)


@pytest.mark.parametrize("port", ["", ":{canary}"])
@pytest.mark.parametrize(
    "form",
    [
        "http://127.0.0.1{port}/x.mp4", "http://localhost{port}/x.mp4",
        "http://2130706433{port}/x.mp4", "http://0x7f.1{port}/x.mp4", "http://127.1{port}/x.mp4",
        "http://[::ffff:127.0.0.1]{port}/x.mp4", "http://[64:ff9b::7f00:1]{port}/x.mp4",
        "http://0.0.0.0{port}/x.mp4", "gopher://127.0.0.1{port}/x.mp4",
        "http://other.example{port}/x.mp4", "http://user:word@open.example{port}/x.mp4",
    ],
)  # fmt: skip
def test_addresses_inside(
    asking: Client, outside: Outside, index: str, form: str, port: str
) -> None:
    url = form.format(port=port.format(canary=outside.canary))
    for path, request in places(index, url):
        refused(asking, path, request, "url_not_allowed")
    assert outside.contacts == 0


def test_other_ports(asking: Client, outside: Outside, index: str) -> None:
    for url in ("http://93.184.216.34:22/x", "https://93.184.216.34:8443/x"):
        for path, request in places(index, url):
            refused(asking, path, request, "url_not_allowed")


def test_redirects_to_inside(asking: Client, outside: Outside, index: str) -> None:
    url = outside.at(f"to/http::127.0.0.1:{outside.canary}/x.mp4")
    for path, request in places(index, url)[:AT_ONCE]:
        refused(asking, path, request, "url_not_allowed")
    # What the worker fetches is accepted, and fails.
    for path, request in places(index, url)[AT_ONCE:]:
        assert asking.post(path, **request).is_success
    require_all_failed(asking, "its host is not on the public internet")
    assert outside.contacts == 0


def test_names_that_lead_elsewhere_the_second_time(
    asking: Client, outside: Outside, index: str
) -> None:
    url = "http://rebinding.example/x.mp4"
    for path, request in places(index, url)[:AT_ONCE]:
        refused(asking, path, request, "url_not_allowed")
    asset = asking.ok("POST", "assets", data={"method": "url", "url": url})["_id"]
    failed = asking.ended(f"assets/{asset}")
    assert failed["error"]["code"] == "url_not_allowed"
    assert outside.contacts == 0


def test_a_host_that_is_allowed(asking: Client, outside: Outside, index: str) -> None:
    url = outside.at("picture.jpg")
    vector = asking.ok("POST", "embed", data={"model_name": "marengo3.0", "image_url": url})
    assert len(vector["image_embedding"]["segments"][0]["float"]) == 512
    asset = asking.ok("POST", "assets", data={"method": "url", "url": url})["_id"]
    assert asking.ended(f"assets/{asset}")["status"] == "ready"


def test_what_is_too_large_or_too_slow(asking: Client, outside: Outside, index: str) -> None:
    for name, code in (("large.jpg", "media_too_large"), ("slow.jpg", "url_failed")):
        began = time.monotonic()
        for path, request in places(index, outside.at(name))[:2]:
            refused(asking, path, request, code)
        assert time.monotonic() - began < 60


def require_all_failed(client: Client, message: str) -> None:
    """All assets and embedding tasks that were made last have failed for the same reason."""
    deadline = time.monotonic() + 300
    while True:
        found = client.ok("GET", "assets", params={"page_limit": 50})["data"]
        if all(row["status"] != "processing" for row in found):
            break
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    for row in found:
        asset = client.ok("GET", f"assets/{row['_id']}")
        assert asset["status"] == "failed"
        assert message in asset["error"]["message"]


def test_webhooks(tmp_path: Path, outside: Outside) -> None:
    from videlicet.errors import InvalidInput
    from videlicet.media.fetch import post
    from videlicet.settings import load

    for host in (
        "127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]", "0.0.0.0",
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match="may not be fetched"):
            post(f"http://{host}:{outside.canary}/", b"{}", {}, load(tmp_path))
    assert outside.contacts == 0


def test_no_answer_tells_of_what_is_inside(asking: Client, outside: Outside, index: str) -> None:
    """Whether somebody listens there makes no difference."""
    errors = set()
    for port in (outside.canary, 9):
        answer = asking.post(
            "assets", data={"method": "url", "url": f"http://127.0.0.1:{port}/x.mp4"}
        )
        errors.add(answer.json()["message"].replace(str(port), "PORT"))
    assert len(errors) == 1
    assert httpx.get(f"{asking.base_url}").status_code != 500
