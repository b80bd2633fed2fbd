"""``/mcp``: the tools of agents over streamable HTTP, each request by itself, so that any server
behind a balancer may answer it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread
from starlette.routing import Match, Route

from videlicet.api.access import MCP

if TYPE_CHECKING:
    from anyio.abc import TaskGroup, TaskStatus
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from starlette.types import Receive, Scope, Send


class McpRoute(Route):
    """A route that requests are known by in the log."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        return match, {**child, "route": self}


class McpEndpoint:
    """The endpoint; it answers between the start and the end of :meth:`open`.

    The library of the protocol takes a second or two to import: the first request does that, not
    the start of the server.
    """

    def __init__(self, body_max: int) -> None:
        self._body_max = body_max
        self._starting = anyio.Lock()
        self._tasks: TaskGroup | None = None
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with anyio.create_task_group() as self._tasks:
            try:
                yield
            finally:
                self._tasks.cancel_scope.cancel()

    @property
    def route(self) -> Route:
        """Where it is. Without a stream to the client nothing but POST makes sense."""
        return McpRoute(MCP, self, methods=["POST"], include_in_schema=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._tasks is not None
        async with self._starting:
            if self._manager is None:
                self._manager = await self._tasks.start(self._run)
        await self._manager.handle_request(scope, receive, send)

    async def _run(self, *, task_status: TaskStatus[StreamableHTTPSessionManager]) -> None:
        manager = await to_thread.run_sync(_session_manager, self._body_max)
        async with manager.run():
            task_status.started(manager)
            await anyio.sleep_forever()


def _session_manager(body_max: int) -> StreamableHTTPSessionManager:
    from videlicet.api.mcp_context import session_manager

    return session_manager(body_max)
