"""What the guide says of the HTTP interface, run against a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from tests.api.server import Server
from tests.docs.samples import make_samples
from tests.docs.snippets import ROOT, snippets

pytestmark = pytest.mark.slow

MARK = "tests/api/test_guide.py"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recordings that the guide names."""
    folder = tmp_path_factory.mktemp("guide")
    make_samples(folder)
    return folder


def blocks(page: str, language: str) -> list[str]:
    """What this file promises to run of a page of the guide."""
    path = ROOT / "docs" / page
    text = path.read_text("utf-8").splitlines()
    return [
        one.code
        for one in snippets(path)
        if one.language == language and one.exempt and MARK in text[one.line - 2]
    ]


def run(command: list[str], server: Server, here: Path) -> str:
    key = server.key()
    environment = {
        "BASE": server.base,
        "KEY": key,
        "MCP": f"{server.root}/mcp",
        "TWELVELABS_BASE_URL": server.base,
    }
    done = subprocess.run(
        command, cwd=here, env={**os.environ, **environment}, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_commands(server: Server, here: Path) -> None:
    commands = [
        line.removeprefix("$ ") for one in blocks("api.md", "console") for line in one.splitlines()
    ]
    assert len(commands) == 7
    for command in commands:
        answer = json.loads(run(["sh", "-c", command], server, here))
        assert "code" not in answer, command


def test_python(server: Server, here: Path) -> None:
    program = "\n".join(blocks("python-sdk.md", "python"))
    assert run([sys.executable, "-c", program], server, here).splitlines()[-2:] == ["512", "ready"]


def test_agents(server: Server, here: Path) -> None:
    (program,) = blocks("mcp.md", "python")
    assert run([sys.executable, "-c", program], server, here).startswith("[")


def test_configurations_of_agents(server: Server, tmp_path: Path) -> None:
    found = [
        json.loads(one.code)["mcpServers"]["videlicet"]
        for one in snippets(ROOT / "docs" / "mcp.md")
        if one.language == "json"
    ]
    command, address = found
    started = StdioServerParameters(**command, cwd=tmp_path)
    started.command = str(Path(sys.executable).parent / started.command)
    assert address["url"].endswith(":8765/mcp")
    headers = {n: v.replace("KEY", server.key()) for n, v in address["headers"].items()}

    async def tools() -> list[int]:
        counts = []
        async with create_mcp_http_client(headers=headers) as http:
            at_server = streamable_http_client(f"{server.root}/mcp", http_client=http)
            for one in (stdio_client(started), at_server):
                async with Client(one) as client:
                    counts.append(len((await client.list_tools()).tools))
        return counts

    assert anyio.run(tools) == [8, 8]


def test_haystack(server: Server, here: Path) -> None:
    (program,) = blocks("haystack.md", "python")
    assert run([sys.executable, "-c", program], server, here) == "The invoice is due\n"


def test_javascript(server: Server, here: Path, packages: Path) -> None:
    (program,) = blocks("javascript-sdk.md", "javascript")
    (packages / "guide.mjs").write_text(program)
    (packages / "videos").symlink_to(here / "videos")
    run(["node", str(packages / "guide.mjs")], server, packages)
