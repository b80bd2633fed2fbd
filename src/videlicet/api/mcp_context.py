"""What a request to ``/mcp`` may reach, and the session manager that answers it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from mcp import types
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError

from videlicet.api.access import WRITE
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


def session_manager(body_max: int) -> StreamableHTTPSessionManager:
    """The manager of requests with bodies up to a size in bytes."""
    return StreamableHTTPSessionManager(
        build(_context, files=False, attend=_run_while_connected),
        stateless=True,
        json_response=True,
        # The middleware has counted before; this reads bodies whole.
        max_request_body_size=body_max,
    )


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
