"""Agents with the official client, for tests."""

from __future__ import annotations

import base64
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from PIL import Image
from tests.api.server import Server

RUN = "import sys; sys.argv[0] = 'videlicet'; from videlicet.cli import main; main()"


@dataclass(frozen=True)
class Answer:
    """What a tool gave; ``error`` where it went wrong."""

    value: Any
    pictures: tuple[Image.Image, ...]
    error: dict[str, Any] | None

    @property
    def code(self) -> str:
        assert self.error is not None, self.value
        assert set(self.error) == {"code", "message", "retryable", "remedy"}
        assert self.error["message"]
        assert self.error["remedy"]
        return str(self.error["code"])


@dataclass(frozen=True)
class Agent:
    client: Client

    async def ask(self, tool: str, **arguments: Any) -> Answer:
        """Call a tool, and read what it says in both forms."""
        done = await self.client.call_tool(tool, arguments)
        first, *others = done.content
        text = json.loads(first.text)
        if done.is_error:
            assert done.structured_content is None
            return Answer(None, (), text["error"])
        assert done.structured_content == text
        return Answer(text, tuple(_picture(one) for one in others), None)

    async def do(self, tool: str, **arguments: Any) -> Any:
        """The value of a call that must succeed."""
        answer = await self.ask(tool, **arguments)
        assert answer.error is None, answer.error
        return answer.value

    async def ended(self, task_id: str, seconds: float = 90) -> Any:
        """A task once it has ended."""
        with anyio.fail_after(seconds):
            while True:
                task = (await self.do("get_task", task_id=task_id))["task"]
                if task["status"] in ("ready", "failed", "cancelled"):
                    return task
                await anyio.sleep(0.2)


def _picture(content: Any) -> Image.Image:
    assert (content.type, content.mime_type) == ("image", "image/jpeg")
    image = Image.open(io.BytesIO(base64.b64decode(content.data)))
    image.load()
    assert image.format == "JPEG"
    return image


@asynccontextmanager
async def local(
    home: Path, log: Path, environment: Mapping[str, str], mode: Any = "auto"
) -> AsyncIterator[Agent]:
    """An agent that has started ``videlicet mcp``."""
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-W", "error", "-c", RUN, "--home", str(home), "mcp"],
        # The client by itself passes little on.
        env={**os.environ, **environment},
    )
    with log.open("a") as file:
        transport = stdio_client(parameters, errlog=file)
        async with Client(transport, mode=mode, read_timeout_seconds=90) as client:
            yield Agent(client)


@asynccontextmanager
async def remote(
    server: Server, headers: Mapping[str, str], mode: Any = "auto"
) -> AsyncIterator[Agent]:
    """An agent at a server's ``/mcp``."""
    async with create_mcp_http_client(headers=dict(headers)) as http:
        transport = streamable_http_client(f"{server.root}/mcp", http_client=http)
        async with Client(transport, mode=mode, read_timeout_seconds=90) as client:
            yield Agent(client)
