"""One agent over standard input and output."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import anyio
from mcp.server.stdio import stdio_server

from videlicet.mcp.local import LocalContext
from videlicet.mcp.server import build

if TYPE_CHECKING:
    from videlicet.settings import Settings


def run(settings: Settings) -> None:
    """Answer until standard input ends."""
    # A thread that waits for input would keep an orderly end waiting; ending at once loses nothing.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    context = LocalContext(settings)
    server = build(lambda _: context, files=True)

    async def serve() -> None:
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())

    try:
        anyio.run(serve)
    finally:
        context.close()
