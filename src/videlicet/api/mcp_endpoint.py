"""``/mcp``: the tools of agents over streamable HTTP, each request by itself, so that any server
behind a balancer may answer it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

from mcp import types
from mcp.shared.exceptions import MCPError
from starlette.routing import Match, Route

from videlicet.api.access import MCP, WRITE
from videlicet.api.caller import HttpCaller
from videlicet.api.streaming import disconnected, run_while
from videlicet.errors import NotPermitted
from videlicet.mcp.context import AddedSource, index_to_fill
from videlicet.mcp.server import Call as ToolCall
from videlicet.mcp.server import build
from videlicet.rights import Purpose
from videlicet.services import assets
from videlicet.services.assets import NewAsset
from videlicet.services.indexing import index_asset

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext
    from starlette.types import Receive, Scope, Send

    from videlicet.settings import Settings


class McpRoute(Route):
    """A route that requests are known by in the log."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        return match, {**child, "route": self}


class McpEndpoint:
    """The endpoint; it answers between :meth:`open` and its end."""

    def __init__(self, settings: Settings) -> None:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        self._manager = StreamableHTTPSessionManager(
            build(_context, files=False, attend=_run_while_connected),
            stateless=True,
            json_response=True,
            # The middleware has counted before; this reads bodies whole.
            max_request_body_size=settings.body_max,
        )

    def open(self) -> AbstractAsyncContextManager[None]:
        return self._manager.run()

    @property
    def route(self) -> Route:
        """Where it is. Without a stream to the client nothing but POST makes sense."""
        return McpRoute(MCP, self, methods=["POST"], include_in_schema=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._manager.handle_request(scope, receive, send)


def _context(context: ServerRequestContext[Any, Any]) -> ApiKeyContext:
    assert context.request is not None
    return ApiKeyContext(HttpCaller(context.request))


async def _run_while_connected(
    context: ServerRequestContext[Any, Any], call: ToolCall
) -> types.CallToolResult:
    """Await a call as long as its client does."""
    assert context.request is not None
    result = await run_while(partial(disconnected, context.request.receive), call)
    if result is None:
        raise MCPError(types.INTERNAL_ERROR, "The client hung up.")
    return result


class ApiKeyContext:
    """Whoever holds the key of a request, with the tenant's data."""

    def __init__(self, caller: HttpCaller) -> None:
        self.caller = caller

    def require_access(self, access: str) -> None:
        allowed = self.caller.may_write if access == WRITE else self.caller.may_read
        if not allowed:
            raise NotPermitted(
                "scope_not_permitted", f"This API key lacks the `{access}` scope.", subject=access
            )

    def add_source(self, index: str | None, source: str) -> AddedSource:
        call = self.caller
        assets.check_url(call, source, None)  # before an index is created for it
        target = index_to_fill(call.catalog, call.scope(Purpose.INDEX), call.settings, index)
        asset = assets.fetch_asset(call, NewAsset(assets.name_in(source)), source, None)
        _, task = index_asset(call, target, asset, {}, stream=True)
        return AddedSource(target, [task])
