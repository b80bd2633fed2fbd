"""The protocol's side: tools as the SDK's low-level server knows them, and errors as results."""

from __future__ import annotations

import base64
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread
from mcp import types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from videlicet import __version__
from videlicet.errors import InvalidInput, VidelicetError
from videlicet.mcp.context import READ
from videlicet.mcp.presentation import reason
from videlicet.mcp.schemas import Failure
from videlicet.mcp.tool_list import INSTRUCTIONS, Tool, tools

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

    from videlicet.mcp.context import ToolContext

#: Tools that run at once; further calls wait. These threads are no other's, so that slow tools
#: leave those free that searches and the rest of a server need.
THREADS = 8
#: Remedies that name commands, as tools that do the same.
_REMEDIES = {
    "index_not_found": "Call list_indexes for the indexes there are.",
    "asset_not_found": "Call list_videos for ids; a video can be shown once it is ready.",
    "task_not_found": "Use the id that add_video gave.",
    "store_not_found": "Call add_video first.",
    "page_token_invalid": "Repeat the search with the same arguments and its next_page.",
}

#: A call of a tool that is still to be awaited.
Call = Callable[[], Awaitable[types.CallToolResult]]

_log = logging.getLogger(__name__)


def build(
    context_of: Callable[[ServerRequestContext[Any, Any]], ToolContext],
    *,
    files: bool,
    attend: Callable[[ServerRequestContext[Any, Any], Call], Awaitable[types.CallToolResult]] = (
        lambda _, call: call()
    ),
) -> Server[Any]:
    """A server of all tools. ``context_of`` gives the context of a call; with ``files`` callers may
    name files of this machine. ``attend`` awaits each call, and may cancel it."""
    limiter = CapacityLimiter(THREADS)
    known = tools(files=files)
    result = types.ListToolsResult(tools=[_protocol_tool(tool) for tool in known.values()])

    async def listed(
        _: ServerRequestContext[Any, Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return result

    async def called(
        context: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = known.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, "There is no such tool.")
        work = partial(_run, tool, partial(context_of, context), params.arguments or {})
        return await attend(context, partial(to_thread.run_sync, work, limiter=limiter))

    server = Server(
        "videlicet",
        title="Videlicet",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=listed,
        on_call_tool=called,
    )
    # Its spans would hold what clients send; the server has spans of its own.
    server.middleware.clear()
    return server


def _protocol_tool(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.arguments.model_json_schema(),
        output_schema=tool.result.model_json_schema(),
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.access == READ,
            destructive_hint=False,
            idempotent_hint=tool.access == READ,
            open_world_hint=tool.is_open_world,
        ),
    )


def _run(
    tool: Tool, open_context: Callable[[], ToolContext], arguments: Mapping[str, Any]
) -> types.CallToolResult:
    """Call a tool; errors are returned as its result."""
    try:
        context = open_context()
        context.require_access(tool.access)
        given = tool.run(context, _parse_arguments(tool, arguments))
    except VidelicetError as error:
        if error.status >= 500 and not isinstance(error, InvalidInput):
            _log.error("failed", extra={"code": error.code}, exc_info=error)
        row = error.to_json()
        return _error_result({**row, "remedy": _REMEDIES.get(error.code, error.remedy)})
    except Exception as error:
        _log.error("fault", exc_info=error)
        return _error_result(
            {"code": "internal", "message": "Something went wrong.", "retryable": False,
             "remedy": "Look into the log of the server."}
        )  # fmt: skip
    result, pictures = given if isinstance(given, tuple) else (given, ())
    return types.CallToolResult(
        # The pictures' sizes are known only to who decodes them, so they come after the text.
        content=[
            types.TextContent(text=result.model_dump_json(exclude_none=True)),
            *(
                types.ImageContent(data=base64.b64encode(one).decode(), mime_type="image/jpeg")
                for one in pictures
            ),
        ],
        structured_content=result.model_dump(mode="json", exclude_none=True),
    )


def _parse_arguments(tool: Tool, arguments: Mapping[str, Any]) -> Any:
    """The arguments as the tool takes them.

    Raises:
        InvalidInput: ``invalid_argument``, naming the first that does not fit.
    """
    if not all(map(_is_text, _texts(arguments))):
        raise InvalidInput(
            "invalid_argument", "The arguments hold characters that are not text."
        )  # fmt: skip
    try:
        return tool.arguments.model_validate(arguments)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInput("invalid_argument", f"{where}: {first['msg']}.", subject=where) from None


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for key, item in value.items():
                yield str(key)
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)


def _is_text(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _error_result(error: Mapping[str, Any]) -> types.CallToolResult:
    text = Failure(error=reason(error)).model_dump_json()
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)
