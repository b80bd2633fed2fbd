"""``videlicet mcp``: one agent over standard input and output, on its own data directory."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests import samples
from tests.api.server import DOUBLES, served
from tests.cluster.services import place
from tests.ingest import rig
from tests.mcp.agents import RUN, Agent, local
from tests.processes import started
from tests.samples import Tone

import videlicet as vl
from videlicet.models import fakes
from videlicet.settings import load
from videlicet.store import open_store

TOOLS = {
    "list_indexes", "list_videos", "find_moments", "show_moment", "ask", "describe_video",
    "add_video", "get_task",
}  # fmt: skip
LATIN = os.fsdecode(b"caf\xe9.mp4")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    rig.make_videos(folder, 2, seconds=6)
    samples.video(folder / LATIN)
    samples.sound(folder / "dog.wav", Tone(500 + 40 * fakes.VOCABULARY.index("dog"), 3))
    return folder


@pytest.fixture(scope="module")
def filled(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that holds the videos. Do not change it."""
    home = tmp_path_factory.mktemp("filled") / "home"
    place(home)
    with vl.open(home) as library:
        library.create_index("default", fakes.IDS)
        assert not library.add(recordings).failed
        library.create_index("empty", fakes.IDS)
    return home


def run(
    home: Path, work: Callable[[Agent], Coroutine[Any, Any, None]], mode: Any = "auto", **more: str
) -> str:
    """Let an agent work; returns what its server has logged."""
    log = home.parent / f"{home.name}.log"

    async def main() -> None:
        async with local(home, log, {**DOUBLES, **more}, mode) as agent:
            await work(agent)

    anyio.run(main)
    return log.read_text()


async def ids(agent: Agent) -> dict[str, str]:
    found = await agent.do("list_videos", index="default")
    return {row["name"]: row["id"] for row in found["videos"]}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_from_nothing_to_a_moment(tmp_path: Path, recordings: Path, mode: str) -> None:
    home = tmp_path / "home"
    place(home)

    async def work(agent: Agent) -> None:
        tools = await agent.client.list_tools()
        assert {tool.name for tool in tools.tools} == TOOLS
        for tool in tools.tools:
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint == (tool.name != "add_video")
            assert tool.output_schema is not None
        added = await agent.do("add_video", source=str(recordings / "video00.mkv"))
        assert added["total"] == 1
        assert added["tasks"][0]["name"] == "video00.mkv"
        task = await agent.ended(added["tasks"][0]["id"])
        assert (task["status"], task["done_s"]) == ("ready", 6)
        (index,) = (await agent.do("list_indexes"))["indexes"]
        assert (index["name"], index["videos"]) == ("default", 1)
        (video,) = (await agent.do("list_videos"))["videos"]
        assert (video["id"], video["status"], video["duration"]) == (task["video_id"], "ready", 6)

        found = await agent.ask("find_moments", query="red", thumbnails=True)
        hit = found.value["hits"][0]
        assert (hit["video_id"], hit["picture"]) == (video["id"], 1)
        assert hit["evidence"][0]["text"] == "red"
        assert "do not follow" in found.value["notice"]
        assert found.pictures[0].width == 320
        red = found.pictures[0].resize((1, 1)).getpixel((0, 0))
        assert red[0] > 2 * red[1]

        moment = await agent.ask("show_moment", video_id=video["id"], start=4.5)
        assert moment.value["pictures"] == [4.5]
        assert moment.pictures[0].size == (320, 240)
        seen = {one["modality"]: one for one in moment.value["observations"]}
        assert seen["text"]["text"] == "TITLE 0"
        assert seen["speech"]["end"] <= 6
        assert "do not follow" in moment.value["notice"]

    run(home, work, mode)
    # The writer's lock is free again.
    open_store(load(home), write=True).close()


def test_looking(filled: Path, recordings: Path) -> None:
    async def work(agent: Agent) -> None:
        indexes = (await agent.do("list_indexes"))["indexes"]
        assert {row["name"]: row["videos"] for row in indexes} == {"default": 4, "empty": 0}
        assert (await agent.do("list_videos", index="empty"))["total"] == 0

        pages = [await agent.do("list_videos", limit=3)]
        assert (pages[0]["total"], pages[0]["next_page"]) == (4, 2)
        pages.append(await agent.do("list_videos", limit=3, page=2))
        assert "next_page" not in pages[1]
        names = {row["name"] for page in pages for row in page["videos"]}
        assert names == {"video00.mkv", "video01.mkv", "caf\\xe9.mp4", "dog.wav"}
        known = await ids(agent)

        span = {"video_id": known["video01.mkv"], "start": 1, "end": 5}
        moment = await agent.ask("show_moment", **span, pictures=4, width=128, around=0)
        assert moment.value["pictures"] == [1.5, 2.5, 3.5, 4.5]
        assert {one.width for one in moment.pictures} == {128}
        times = [one["start"] for one in moment.value["observations"]]
        assert times == sorted(times)
        none = await agent.ask("show_moment", **span, pictures=0)
        assert (none.pictures, none.value["pictures"]) == ((), [])
        assert len((await agent.ask("show_moment", **span)).pictures) == 3

        heard = await agent.ask("show_moment", video_id=known["dog.wav"], start=1)
        assert heard.value["picture_error"]["code"] == "media_no_stream"
        assert "dog" in {one["text"] for one in heard.value["observations"]}
        late = await agent.ask("show_moment", video_id=known["dog.wav"], start=60)
        assert late.code == "invalid_argument"

        for chosen in ({}, {"video_ids": [known["dog.wav"]]}):
            for question, code in (("?!", "query_empty"), ("x" * 5001, "query_too_long")):
                assert (await agent.ask("ask", question=question, **chosen)).code == code
        wordy = await agent.ask("describe_video", video_id=known["dog.wav"], focus="x" * 5001)
        assert wordy.code == "query_too_long"

    run(filled, work)


def test_finding(filled: Path) -> None:
    async def work(agent: Agent) -> None:
        known = await ids(agent)
        answer = await agent.ask("show_moment", video_id=known["video01.mkv"], start=1)
        file = io.BytesIO()
        answer.pictures[0].save(file, "JPEG", quality=95)
        picture = base64.b64encode(file.getvalue()).decode()
        for text in (picture, f"data:image/jpeg;base64,{picture}"):
            alike = await agent.do("find_moments", image_base64=text)
            assert {one["lane"] for one in alike["hits"][0]["evidence"]} == {"frames"}
        both = await agent.do("find_moments", query="TITLE", image_base64=picture)
        assert {"frames", "screen-words"} <= {
            one["lane"] for hit in both["hits"] for one in hit["evidence"]
        }

        read = await agent.do("find_moments", query='"TITLE 1"', modalities=["text"])
        assert {hit["video_id"] for hit in read["hits"]} == {known["video01.mkv"]}
        words = await agent.do("find_moments", query="title", lanes=["screen-words"])
        assert {one["lane"] for h in words["hits"] for one in h["evidence"]} == {"screen-words"}
        chosen = await agent.do("find_moments", query="title", video_ids=[known["video00.mkv"]])
        assert {hit["name"] for hit in chosen["hits"]} == {"video00.mkv"}
        short = await agent.do("find_moments", query="red", filter={"duration": {"lt": 1}})
        assert short["hits"] == []

        colours = {"query": "red green blue yellow", "limit": 2}
        first = await agent.do("find_moments", **colours)
        second = await agent.do("find_moments", **colours, page=first["next_page"])
        assert [hit["rank"] for hit in first["hits"] + second["hits"]] == [1, 2, 3, 4]
        other = await agent.ask("find_moments", query="blue", page=first["next_page"])
        assert other.code == "page_token_invalid"

    run(filled, work)


def test_bad_arguments(filled: Path) -> None:
    bad: list[tuple[str, dict[str, Any], str]] = [
        ("list_videos", {"index": "nowhere"}, "index_not_found"),
        ("list_videos", {"limit": 0}, "invalid_argument"),
        ("list_videos", {"index": "a\x00b"}, "invalid_argument"),
        ("list_videos", {"colour": "red"}, "invalid_argument"),
        ("find_moments", {}, "query_empty"),
        ("find_moments", {"query": ""}, "invalid_argument"),
        ("find_moments", {"query": "red", "lanes": ["smell"]}, "invalid_argument"),
        ("find_moments", {"query": "red", "modalities": ["shot"]}, "invalid_argument"),
        ("find_moments", {"query": "red", "filter": {"x": {"like": 1}}}, "filter_invalid"),
        ("find_moments", {"query": "red", "page": "x"}, "page_token_invalid"),
        ("find_moments", {"image_base64": "!"}, "query_media_invalid"),
        ("find_moments", {"image_base64": "aGVsbG8="}, "query_media_invalid"),
        ("find_moments", {"image_url": "http://127.0.0.1/x.jpg"}, "url_not_allowed"),
        ("find_moments", {"image_url": "http://x", "image_base64": "eA=="}, "invalid_argument"),
        ("show_moment", {"video_id": "nothing", "start": 0}, "asset_not_found"),
        ("show_moment", {"video_id": "nothing"}, "invalid_argument"),
        ("show_moment", {"video_id": "nothing", "start": "x"}, "invalid_argument"),
        ("get_task", {"task_id": "nothing"}, "task_not_found"),
        ("add_video", {"source": "/nowhere.mp4"}, "path_not_found"),
        ("add_video", {"source": "ftp://example.org/x.mp4"}, "url_not_allowed"),
        ("add_video", {"source": __file__, "index": "nowhere"}, "index_not_found"),
    ]

    async def work(agent: Agent) -> None:
        for tool, arguments, code in bad:
            assert (await agent.ask(tool, **arguments)).code == code, (tool, arguments)
        known = await ids(agent)
        span = {"video_id": known["video00.mkv"], "start": 3, "end": 1}
        assert (await agent.ask("show_moment", **span)).code == "invalid_argument"
        with pytest.raises(Exception, match="There is no such tool"):
            await agent.client.call_tool("forget_video", {})

    assert "fault" not in run(filled, work)


@pytest.mark.slow
@pytest.mark.embedded("one process writes to it")
def test_beside_a_server(filled: Path, recordings: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(filled, home)

    async def work(agent: Agent) -> None:
        assert (await agent.do("list_videos"))["total"] == 4
        assert (await agent.do("find_moments", query="red"))["hits"]
        refused = await agent.ask("add_video", source=str(recordings / "video00.mkv"))
        assert refused.code == "database_locked"
        assert refused.error is not None
        assert "/mcp" in refused.error["remedy"]

    with served(home, **DOUBLES):
        run(home, work)


def test_only_the_protocol_is_on_standard_output(filled: Path) -> None:
    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    hello = {
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "tests", "version": "1"},
        },
    }  # fmt: skip
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    lines = ["no message", *map(json.dumps, (hello, ready, ask))]
    answers = {}
    with started(
        [sys.executable, "-W", "error", "-c", RUN, "--home", str(filled), "mcp"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n".join(lines) + "\n")
        process.stdin.flush()
        while ask["id"] not in answers:
            row = json.loads(process.stdout.readline())
            answers[row.get("id")] = row
        process.stdin.close()
        assert process.stdout.read() == ""
    assert process.returncode == 0
    assert answers[0]["result"]["serverInfo"]["name"] == "videlicet"
    assert "never instructions" in answers[0]["result"]["instructions"]
    assert len(answers[1]["result"]["tools"]) == len(TOOLS)


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, videlicet.mcp.stdio\n"
        "heavy = {'numpy', 'av', 'onnxruntime', 'sqlalchemy', 'dbos', 'fastapi', 'PIL'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_what_cannot_be_added(filled: Path, recordings: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(filled, home)
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "text.mp4").write_text("no video")
    (folder / "loop").symlink_to(folder)

    async def work(agent: Agent) -> None:
        added = await agent.do("add_video", source=str(folder))
        (refused,) = added["refused"]
        assert refused["error"]["code"] == "path_not_allowed"
        task = await agent.ended(added["tasks"][0]["id"])
        assert (task["status"], task["error"]["code"]) == ("failed", "media_not_recognised")
        rows = (await agent.do("list_videos"))["videos"]
        assert (rows[0]["name"], rows[0]["status"]) == ("text.mp4", "failed")
        assert rows[0]["error"]["remedy"]
        assert "id" not in rows[0]
        assert [row["status"] for row in rows[1:]] == ["ready"] * 4

    run(home, work)
