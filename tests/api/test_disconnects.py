"""Clients that hang up while a language model is asked for them: its call ends, what they sent is
removed, and threads are free for others."""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.analyze.llm.server import Call, Fake, fake
from tests.api.server import DOUBLES, Client, Server, hosted

from videlicet.rights import Grant, Purpose
from videlicet.store import open_store
from videlicet.types import AssetOwner

#: Seconds that a signal may take; the model's own timeout is much longer.
SOON = 30
QUESTION = "Is it red?"


class Silent:
    """A model that says nothing until its client hangs up, with a count of what it was asked and
    of who hung up."""

    def __init__(self) -> None:
        self.asked, self.left = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, call: Call) -> None:
        self.asked.release()
        if call.connection.recv(1) == b"":
            self.left.release()


@pytest.fixture(scope="module")
def silent() -> Silent:
    return Silent()


@pytest.fixture(scope="module")
def model(silent: Silent) -> Iterator[Fake]:
    with fake(silent) as one:
        yield one


@pytest.fixture(scope="module")
def server(model: Fake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    chosen = {
        "VIDELICET_ANALYSIS_BACKEND": "endpoint",
        "VIDELICET_LLM_URL": model.url,
        "VIDELICET_LLM_MODEL": "silent",
        "VIDELICET_LLM_TIMEOUT": "600",
    }
    with hosted(tmp_path_factory.mktemp("server") / "home", **DOUBLES, **chosen) as one:
        yield one


@pytest.fixture(scope="module")
def video(client: Client, recording: Path) -> tuple[str, str]:
    """An index and a video in it."""
    index = client.index()
    return index, client.add_video(index, recording)


def begin(client: Client, server: Server, path: str, body: Any) -> http.client.HTTPConnection:
    """A request that is on its way."""
    connection = http.client.HTTPConnection("127.0.0.1", server.front or server.port, timeout=SOON)
    headers = {
        "x-api-key": str(client.headers["x-api-key"]), "content-type": "application/json",
        "accept": "application/json, text/event-stream",
    }  # fmt: skip
    method = "GET" if body is None else "POST"
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    return connection


def uploads(server: Server) -> int:
    """Assets that came with a request."""
    with open_store(server.settings) as store:
        grant = Grant("tests", Purpose.MANAGE)
        return store.catalog.list_assets(store.scope(grant), owners=[AssetOwner.ANALYSIS], limit=0)[
            1
        ]


def until_gone(server: Server) -> None:
    gone = threading.Event()
    for _ in range(SOON * 5):
        if not uploads(server):
            return
        gone.wait(0.2)
    raise AssertionError("the upload is still there")


@pytest.mark.parametrize("stream", [True, False])
def test_an_upload_goes_with_its_client(
    server: Server, client: Client, silent: Silent, recording: Path, stream: bool
) -> None:
    source = {
        "type": "base64_string",
        "base64_string": base64.b64encode(recording.read_bytes()).decode(),
    }
    body = {"video": source, "prompt": QUESTION, "stream": stream}
    connection = begin(client, server, "/v1.3/analyze", body)
    assert silent.asked.acquire(timeout=90)
    assert uploads(server) == 1
    if stream:
        answer = connection.getresponse()
        assert json.loads(answer.readline())["event_type"] == "stream_start"
        answer.close()
    connection.close()
    assert silent.left.acquire(timeout=SOON)
    until_gone(server)


@pytest.mark.parametrize("stream", [True, False])
def test_a_response_ends_with_its_client(
    server: Server, client: Client, silent: Silent, recording: Path, stream: bool
) -> None:
    store = client.ok("POST", "knowledge-stores", json={"name": "Shelf"})["_id"]
    asset = client.upload(recording)
    assert client.ended(f"assets/{asset}")["status"] == "ready"
    item = client.ok("POST", f"knowledge-stores/{store}/items", json={"asset_id": asset})
    assert client.ended(f"knowledge-stores/{store}/items/{item['_id']}")["status"] == "ready"
    said = [{"type": "message", "role": "user", "content": QUESTION}]
    body = {"knowledge_store_id": store, "input": said, "stream": stream}
    connection = begin(client, server, "/v1.3/responses", body)
    assert silent.asked.acquire(timeout=SOON)
    if stream:
        answer = connection.getresponse()
        assert answer.readline() == b"event: response.created\n"
        answer.close()
    connection.close()
    assert silent.left.acquire(timeout=SOON)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/indexes/{index}/ask", {"question": QUESTION}),
        ("/v1/indexes/{index}/videos/{video}/gist", None),
        ("/v1.3/gist", {"video_id": "{video}", "types": ["title"]}),
        ("/v1.3/summarize", {"video_id": "{video}", "type": "summary"}),
        (
            "/mcp",
            {
                "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": {"name": "ask", "arguments": {"question": QUESTION}},
            },
        ),
    ],
)  # fmt: skip
def test_a_call_of_the_model_ends_with_its_client(
    server: Server, client: Client, silent: Silent, video: tuple[str, str], path: str, body: Any
) -> None:
    index, id = video
    if body and "video_id" in body:
        body = {**body, "video_id": id}
    connection = begin(client, server, path.format(index=index, video=id), body)
    assert silent.asked.acquire(timeout=SOON)
    connection.close()
    assert silent.left.acquire(timeout=SOON)


def test_slow_tools_leave_searches_their_threads(
    server: Server, client: Client, silent: Silent, video: tuple[str, str]
) -> None:
    from videlicet.mcp.server import THREADS

    ask = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "ask", "arguments": {"question": QUESTION}},
    }  # fmt: skip
    with ExitStack() as leaving:
        for _ in range(60):  # more than the threads of all other requests
            leaving.callback(begin(client, server, "/mcp", ask).close)
        for _ in range(THREADS):
            assert silent.asked.acquire(timeout=SOON)
        found = client.ok(
            "POST", "search",
            files=[("index_id", (None, video[0])), ("query_text", (None, "red")),
                   ("search_options", (None, "visual"))],
        )  # fmt: skip
        assert "data" in found
        # All others wait in line.
        assert not silent.asked.acquire(blocking=False)
    for _ in range(THREADS):
        assert silent.left.acquire(timeout=SOON)
