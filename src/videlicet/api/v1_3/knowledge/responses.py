"""Responses: questions about a knowledge store, answered at once or as the answer is written."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi.responses import JSONResponse

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import api_error_of
from videlicet.api.routing import V1_3, router_for
from videlicet.api.streaming import (
    Check,
    StreamedResponse,
    Write,
    follow,
    run_cancellable,
    until_disconnect,
)
from videlicet.api.v1_3.analysis.requests import check_schema
from videlicet.api.v1_3.knowledge.answering import ResponseBuilder
from videlicet.api.v1_3.knowledge.schemas import Response, ResponseRequest, SchemaFormat
from videlicet.errors import TaskError, VidelicetError
from videlicet.services.knowledge.sessions import Selection, SessionQuestion, begin_turn

router = router_for("responses", V1_3)

#: Seconds of silence after which a stream says that it is still there.
KEEPALIVE = 10.0
Event = tuple[str, dict[str, Any]]

_log = logging.getLogger(__name__)


#: An event of a stream.
EVENT = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["data"],
}


@router.post(
    "/responses",
    response_model=Response,
    responses={
        200: {
            "description": "The response; with `stream` server-sent events.",
            "content": {"text/event-stream": {"schema": EVENT}},
        }
    },
)
async def create(call: Call, body: ResponseRequest) -> Any:
    """Ask something of a knowledge store. The answer cites the items that it comes from."""
    reply = await to_thread.run_sync(_begin, call, body)
    if body.stream:
        return StreamedResponse(
            partial(_stream, call, reply), "text/event-stream", {"x-accel-buffering": "no"}
        )
    work = partial(reply.run, lambda *_: None)
    return JSONResponse(
        await until_disconnect(
            call.receive, partial(run_cancellable, work, call.server.analysis_limiter)
        )
    )


def _begin(call: HttpCaller, body: ResponseRequest) -> ResponseBuilder:
    form = None if body.text is None else body.text.format
    schema = check_schema(close_objects(form.schema_)) if isinstance(form, SchemaFormat) else None
    content = "\n".join(one.content for one in body.input)
    selections = [Selection(one.kind, one.id) for one in body.selections or ()]
    asked = SessionQuestion(body.knowledge_store_id, content, selections, body.session_id)
    return ResponseBuilder(call, body, begin_turn(call, asked), schema)


def close_objects(schema: Any) -> Any:
    """A schema in which every object has all of its properties, and no others."""
    if isinstance(schema, list):
        return [close_objects(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: one if key in ("enum", "const", "default", "examples") else close_objects(one)
        for key, one in schema.items()
    }
    if isinstance(schema.get("properties"), dict) and schema.get("type", "object") == "object":
        found |= {"required": list(schema["properties"]), "additionalProperties": False}
    return found


async def _stream(call: HttpCaller, reply: ResponseBuilder, write: Write) -> None:
    """The events of a response, numbered, and a word at the end."""
    numbers = itertools.count()

    async def send(type: str, row: dict[str, Any]) -> None:
        # Clients decode each chunk of the body separately: no character may be cut, so all are
        # ASCII.
        message = {"type": type, "sequence_number": next(numbers), **row}
        await write(f"event: {type}\ndata: {json.dumps(message, separators=(',', ':'))}\n\n")

    def run(emit: Callable[[Event], None], check: Check) -> None:
        def emit_row(type: str, row: dict[str, Any]) -> None:
            emit((type, row))

        try:
            emit_row("response.completed", {"response": reply.run(emit_row, check)})
        except VidelicetError as error:
            emit_row("response.failed", {"response": _failed(reply, error)})
        except Exception as error:
            _log.exception("a response failed")
            fault = TaskError("task_failed", f"The response failed: {type(error).__name__}.")
            emit_row("response.failed", {"response": _failed(reply, fault)})

    async def take(event: Event | None) -> None:
        await send(*(event or ("keepalive", {})))

    for type in ("response.created", "response.in_progress"):
        await send(type, {"response": reply.to_row()})
    await follow(run, call.server.analysis_limiter, take, KEEPALIVE)
    await write("data: [DONE]\n\n")


def _failed(reply: ResponseBuilder, error: VidelicetError) -> dict[str, Any]:
    reported = api_error_of(error)
    return reply.to_row("failed", error={"code": reported.code, "message": reported.message})
