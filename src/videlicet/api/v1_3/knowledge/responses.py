"""Responses: questions about a knowledge store, answered at once or as the answer is written."""

from __future__ import annotations

import itertools
import json
import logging
import math
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import anyio
from anyio import from_thread, to_thread
from fastapi.responses import JSONResponse, StreamingResponse

from videlicet.api.errors import of_library
from videlicet.api.v1_3.analysis.jobs import checked
from videlicet.api.v1_3.common import Call, Caller, router_for
from videlicet.api.v1_3.knowledge.answering import Reply
from videlicet.api.v1_3.knowledge.conversation import turn_of
from videlicet.api.v1_3.knowledge.schemas import Ask, Response, SchemaFormat
from videlicet.errors import TaskError, VidelicetError

router = router_for("responses")

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
async def create(call: Call, body: Ask) -> Any:
    """Ask something of a knowledge store. The answer cites the items that it comes from."""
    reply = await to_thread.run_sync(_begun, call, body)
    if body.stream:
        return StreamingResponse(
            _streamed(call, reply), media_type="text/event-stream",
            headers={"x-accel-buffering": "no"},
        )  # fmt: skip
    return JSONResponse(await _apart(call, partial(reply.run, lambda *_: None)))


def _begun(call: Caller, body: Ask) -> Reply:
    form = None if body.text is None else body.text.format
    schema = checked(closed(form.schema_)) if isinstance(form, SchemaFormat) else None
    return Reply(call, body, turn_of(call, body), schema)


def closed(schema: Any) -> Any:
    """A schema in which every object has all of its properties, and no others."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: one if key in ("enum", "const", "default", "examples") else closed(one)
        for key, one in schema.items()
    }
    if isinstance(schema.get("properties"), dict) and schema.get("type", "object") == "object":
        found |= {"required": list(schema["properties"]), "additionalProperties": False}
    return found


async def _apart(call: Caller, work: Any) -> Any:
    """Work in one of few threads: answers must not take those that searches need."""
    return await to_thread.run_sync(work, limiter=call.server.analysing)


async def _streamed(call: Caller, reply: Reply) -> AsyncIterator[str]:
    """The events of a response, numbered, and a word at the end."""
    numbers = itertools.count()
    send, receive = anyio.create_memory_object_stream[Event](math.inf)

    def emit(type: str, row: dict[str, Any]) -> None:
        from_thread.run_sync(send.send_nowait, (type, row))

    def run() -> None:
        try:
            emit("response.completed", {"response": reply.run(emit)})
        except VidelicetError as error:
            emit("response.failed", {"response": _failed(reply, error)})
        except Exception as error:
            _log.exception("a response failed")
            fault = TaskError("task_failed", f"The response failed: {type(error).__name__}.")
            emit("response.failed", {"response": _failed(reply, fault)})

    def line(type: str, row: dict[str, Any]) -> str:
        # Clients decode each piece of the body by itself: no character may be cut, so all are
        # ASCII.
        told = {"type": type, "sequence_number": next(numbers), **row}
        return f"event: {type}\ndata: {json.dumps(told, separators=(',', ':'))}\n\n"

    with send, receive:
        for type in ("response.created", "response.in_progress"):
            yield line(type, {"response": reply.shown()})
        async with anyio.create_task_group() as group:
            group.start_soon(_apart, call, run)
            type = ""
            while type not in ("response.completed", "response.failed"):
                row: dict[str, Any] = {}
                type = "keepalive"
                with anyio.move_on_after(KEEPALIVE):
                    type, row = await receive.receive()
                yield line(type, row)
    yield "data: [DONE]\n\n"


def _failed(reply: Reply, error: VidelicetError) -> dict[str, Any]:
    told = of_library(error)
    return reply.shown("failed", error={"code": told.code, "message": told.message})
