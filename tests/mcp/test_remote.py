"""``/mcp`` of a server: the same tools behind the keys, tenants and limits of everything else."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from tests.api.server import DOUBLES, Client, Server, hosted, served
from tests.ingest import rig
from tests.mcp.agents import Agent, remote

pytestmark = pytest.mark.slow

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
CALL = {
    "jsonrpc": "2.0", "id": 1, "method": "tools/call",
    "params": {"name": "list_indexes", "arguments": {}},
}  # fmt: skip
ACCEPT = {"accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    rig.make_videos(folder, 2, seconds=6)
    return folder


@pytest.fixture(scope="module")
def site(recordings: Path) -> Iterator[str]:
    """Where the videos can be fetched."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    handler = partial(Handler, directory=str(recordings))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as one:
        thread = threading.Thread(target=one.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{one.server_port}"
        one.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = {
        "VIDELICET_FETCH_ALLOWLIST": "127.0.0.1",
        "VIDELICET_BODY_MAX": "100000",
        "VIDELICET_CORS_ORIGINS": "https://agents.example",
    }
    with hosted(tmp_path_factory.mktemp("server") / "home", **DOUBLES, **limits) as one:
        yield one


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return server.key()


@pytest.fixture(scope="module")
def video(server: Server, key: str, recordings: Path) -> tuple[str, str]:
    """An index and a video in it, made over the HTTP interface."""
    with Client(server, key) as client:
        index = client.index("videos")
        return index, client.add_video(index, recordings / "video01.mkv", {"kind": "talk"})


def run(
    server: Server,
    key: str,
    work: Callable[[Agent], Coroutine[Any, Any, None]],
    mode: Any = "auto",
) -> None:
    async def main() -> None:
        async with remote(server, {"authorization": f"Bearer {key}"}, mode) as agent:
            await work(agent)

    anyio.run(main)


def post(server: Server, key: str, body: Any = CALL, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(
        f"{server.root}/mcp", json=body, headers={"x-api-key": key, **ACCEPT, **named}, timeout=30
    )


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_from_an_address_to_a_moment(server: Server, site: str, mode: str) -> None:
    async def work(agent: Agent) -> None:
        assert (await agent.do("list_indexes"))["indexes"] == []
        assert (await agent.ask("list_videos")).code == "index_not_found"
        added = await agent.do("add_video", source=f"{site}/video00.mkv")
        (task,) = added["tasks"]
        assert task["name"] == "video00.mkv"
        (waiting,) = (await agent.do("list_videos"))["videos"]
        assert waiting["id"] == task["video_id"]
        assert (await agent.ended(task["id"]))["status"] == "ready"
        (row,) = (await agent.do("list_videos"))["videos"]
        assert (row["id"], row["status"], row["duration"]) == (task["video_id"], "ready", 6)
        (index,) = (await agent.do("list_indexes"))["indexes"]
        assert (index["name"], index["videos"]) == ("default", 1)

        found = await agent.ask("find_moments", query="title", thumbnails=True)
        hit = found.value["hits"][0]
        assert hit["video_id"] == row["id"]
        assert found.pictures[hit["picture"] - 1].size == (320, 240)
        moment = await agent.ask("show_moment", video_id=row["id"], start=0, end=6, pictures=2)
        assert moment.value["pictures"] == [1.5, 4.5]
        assert [one.size for one in moment.pictures] == [(320, 240)] * 2
        assert {one["modality"] for one in moment.value["observations"]} >= {"speech", "text"}

    run(server, server.key(tenant=f"from {mode}"), work, mode)


def test_errors(server: Server, key: str, video: tuple[str, str], site: str) -> None:
    bad: list[tuple[str, dict[str, Any], str]] = [
        ("add_video", {"source": __file__}, "url_not_allowed"),
        ("add_video", {"source": "http://10.0.0.1/x.mp4"}, "url_not_allowed"),
        ("add_video", {"source": f"{site}/x", "index": "nowhere"}, "index_not_found"),
        ("find_moments", {"query": "red", "image_url": f"{site}/none"}, "url_failed"),
        ("find_moments", {"image_url": f"{site}/video00.mkv"}, "query_media_invalid"),
        ("show_moment", {"video_id": video[1], "start": 900}, "invalid_argument"),
        ("show_moment", {"video_id": video[1], "start": 0, "index": "x"}, "index_not_found"),
    ]

    async def work(agent: Agent) -> None:
        for tool, arguments, code in bad:
            assert (await agent.ask(tool, **arguments)).code == code, (tool, arguments)
        added = await agent.do("add_video", source=f"{site}/none.mp4")
        task = await agent.ended(added["tasks"][0]["id"])
        assert (task["status"], task["error"]["code"]) == ("failed", "url_failed")
        rows = {row["name"]: row for row in (await agent.do("list_videos"))["videos"]}
        assert rows["none.mp4"]["status"] == "failed"
        assert rows["none.mp4"]["error"]["code"] == "url_failed"

    run(server, key, work)


def test_tenants(server: Server, key: str, video: tuple[str, str], site: str) -> None:
    index, id = video
    theirs: list[str] = []

    async def owner(agent: Agent) -> None:
        tasks = (await agent.do("add_video", source=f"{site}/video00.mkv", index=index))["tasks"]
        theirs.append(tasks[0]["id"])
        assert (await agent.do("find_moments", query="green", index=index))["hits"]

    async def stranger(agent: Agent) -> None:
        assert (await agent.do("list_indexes"))["indexes"] == []
        for name in (index, "videos"):
            assert (await agent.ask("list_videos", index=name)).code == "index_not_found"
            for arguments in ({"query": "red"}, {"query": "red", "video_ids": [id]}):
                found = await agent.ask("find_moments", index=name, **arguments)
                assert found.code == "index_not_found"
            answer = await agent.ask("show_moment", video_id=id, start=0, index=name)
            assert answer.code == "index_not_found"
            added = await agent.ask("add_video", source=f"{site}/video00.mkv", index=name)
            assert added.code == "index_not_found"
        unknown = await agent.ask("show_moment", video_id=id, start=0)
        other = await agent.ask("show_moment", video_id="0" * len(id), start=0)
        assert unknown.code == "asset_not_found"
        assert unknown.error is not None
        assert other.error is not None
        assert unknown.error["message"].replace(id, "") == other.error["message"].replace(
            "0" * len(id), ""
        )
        assert (await agent.ask("get_task", task_id=theirs[0])).code == "task_not_found"

    run(server, key, owner)
    run(server, server.key(tenant="stranger"), stranger)


def test_scopes(server: Server, video: tuple[str, str], site: str) -> None:
    source = {"source": f"{site}/video00.mkv", "index": video[0]}

    async def reader(agent: Agent) -> None:
        assert (await agent.do("list_videos", index=video[0]))["total"]
        assert (await agent.do("show_moment", video_id=video[1], start=0))["pictures"] == [0]
        refused = await agent.ask("add_video", **source)
        assert refused.code == "scope_not_permitted"
        assert refused.error is not None
        assert "write" in refused.error["message"]

    async def writer(agent: Agent) -> None:
        assert (await agent.ask("list_videos", index=video[0])).code == "scope_not_permitted"
        assert (await agent.do("add_video", **source))["total"] == 1

    run(server, server.key(scopes=["read"]), reader)
    run(server, server.key(scopes=["write"]), writer)


def test_keys(server: Server, key: str) -> None:
    assert post(server, key).json()["result"]["isError"] is False
    for answer in (
        post(server, "wrong"),
        post(server, ""),
        httpx.post(f"{server.root}/mcp", json=CALL, headers=ACCEPT),
        httpx.post(
            f"{server.root}/mcp", json=CALL, headers={**ACCEPT, "authorization": f"Basic {key}"}
        ),
        # A key that is given counts, whatever else is.
        post(server, "wrong", authorization=f"Bearer {key}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "api_key_invalid")
        assert answer.headers["www-authenticate"] == "Bearer"
    bearer = {**ACCEPT, "authorization": f"bearer {key}"}
    answer = httpx.post(f"{server.root}/mcp", json=CALL, headers=bearer)
    assert answer.json()["result"]["isError"] is False
    assert int(answer.headers["x-ratelimit-used"]) > 0
    # Elsewhere the key has one place only.
    elsewhere = httpx.get(f"{server.base}/indexes", headers={"authorization": f"Bearer {key}"})
    assert elsewhere.status_code == 401


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("https://agents.example", None, 200),
        ("http://127.0.0.1:{port}", None, 200),
        ("http://localhost:{port}", "localhost:{port}", 200),
        ("https://evil.example", None, 403),
        # A page of a host that was made to lead to this machine.
        ("http://evil.example:{port}", "evil.example:{port}", 403),
        ("http://127.0.0.1.evil.example:{port}", "127.0.0.1.evil.example:{port}", 403),
        ("http://127.0.0.1:1", None, 403),
        ("http://[", None, 403),
        ("null", None, 403),
    ],
)
def test_origins(server: Server, key: str, origin: str, host: str | None, status: int) -> None:
    port = server.front or server.port
    headers = {"origin": origin.format(port=port)}
    if host is not None:
        headers["host"] = host.format(port=port)
    answer = post(server, key, **headers)
    assert answer.status_code == status, answer.text
    if status == 403:
        assert answer.json()["code"] == "origin_not_allowed"


def test_every_request_stands_alone(server: Server, key: str) -> None:
    listed = post(server, key, LIST)
    assert listed.headers["content-type"] == "application/json"
    assert "mcp-session-id" not in listed.headers
    assert len(listed.json()["result"]["tools"]) == 8
    for method in ("GET", "DELETE", "PUT"):
        answer = httpx.request(method, f"{server.root}/mcp", headers={"x-api-key": key, **ACCEPT})
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_limits(server: Server, key: str) -> None:
    large = {**LIST, "params": {"x": "x" * 200_000}}
    answer = post(server, key, large)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")

    def chunks() -> Iterator[bytes]:
        for _ in range(30):
            yield b" " * 10_000

    headers = {"x-api-key": key, "content-type": "application/json", **ACCEPT}
    streamed = httpx.post(f"{server.root}/mcp", content=chunks(), headers=headers)
    assert (streamed.status_code, streamed.json()["code"]) == (413, "payload_too_large")
    for body in ("", "x", "[]", "[" * 5000, '{"jsonrpc": "2.0"}', '{"id": 1, "method": 5}'):
        answer = httpx.post(f"{server.root}/mcp", content=body, headers=headers)
        assert answer.status_code == 400, body
    for version in ("2025-06-18", "2026-07-28", "1999-01-01"):
        answer = post(server, key, {"no": "message"}, mcp_protocol_version=version)
        assert answer.status_code == 400, version


def test_rate(tmp_path: Path) -> None:
    with served(tmp_path / "home", **DOUBLES, VIDELICET_RATE_LIMIT="3") as one:
        key = one.key()
        statuses = [post(one, key).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


@pytest.mark.embedded("the other server of two may answer")
def test_logs_hold_nothing_of_what_agents_say(server: Server, key: str) -> None:
    secret = "a-very-private-word"
    for name, arguments in (
        ("find_moments", {"query": secret}),
        ("find_moments", {"lanes": [secret]}),
        (secret, {}),
    ):
        body = {**CALL, "params": {"name": name, "arguments": arguments}}
        assert post(server, key, body).status_code == 200
    rows = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    asked = [row for row in rows if row.get("route") == "/mcp"]
    assert asked
    assert asked[-1]["tenant"] == "local"
    assert secret not in server.log
    assert not [row for row in rows if row["level"] in ("error", "critical")]
