"""One response: select assets, load their evidence, and let the analysis backend answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from videlicet.api.caller import HttpCaller
from videlicet.api.parameters import format_time
from videlicet.api.streaming import Check
from videlicet.api.v1_3.knowledge.citations import citation_to_json
from videlicet.api.v1_3.knowledge.schemas import ResponseRequest, SchemaFormat
from videlicet.services.knowledge import answers
from videlicet.services.knowledge.sessions import Turn
from videlicet.types import Answer, Finish, Video, ordered_id

#: Called with the type of an event and what it holds.
Emit = Callable[[str, dict[str, Any]], None]


class ResponseBuilder:
    """The answer to one turn, with an id from the beginning. :meth:`run` may be called once."""

    def __init__(
        self, call: HttpCaller, body: ResponseRequest, turn: Turn, schema: Mapping[str, Any] | None
    ) -> None:
        self._call = call
        self._turn = turn
        self._schema = schema
        self._instructions = body.instructions
        self._open = bool(body.include)
        self._form = body.text.format if body.text is not None else None
        self._output: list[dict[str, Any]] = []
        self._id = ordered_id("resp")
        self._created = format_time(datetime.now(UTC))

    def to_row(self, status: str = "in_progress", **more: Any) -> dict[str, Any]:
        """The response as v1.3 shows it."""
        return {
            "id": self._id,
            "type": "response",
            "object": "response",
            "status": status,
            "incomplete_details": None,
            "output": list(self._output),
            "session_id": self._turn.session_id,
            "knowledge_store_id": self._turn.store.id,
            "created_at": self._created,
            **more,
        }

    def run(self, emit: Emit, check: Check) -> dict[str, Any]:
        """Answer, reporting each step; the final response. ``check`` is called
        while a language model is waited for.

        Raises:
            AnalysisError: the analysis backend failed.
        """
        turn = self._turn
        steps = answers.TurnSteps(self._call, self._question())
        found: list[Video] = []

        def search() -> dict[str, Any]:
            found.extend(steps.search())
            return {"items": [_item_step(video) for video in found]}

        def read() -> dict[str, Any]:
            return {
                "items": [
                    {"item_id": one.video.item_id, "pieces": len(one.evidence.items)}
                    for one in steps.read()
                ]
            }

        asked = {"query": turn.search_text, "items": len(turn.items)}
        self._step(emit, "search", asked, search)
        self._step(emit, "read", {"item_ids": [video.item_id for video in found]}, read)
        answer = self._message(emit, steps, check)
        cut = answer.finish is Finish.LENGTH
        return self.to_row(
            "incomplete" if cut else "completed",
            incomplete_details={"reason": "max_output_tokens"} if cut else None,
            usage=answer.usage.to_json(),
        )

    def _step(
        self,
        emit: Emit,
        name: str,
        arguments: dict[str, Any],
        work: Callable[[], dict[str, Any]],
    ) -> None:
        """Take a step, and show it where that was asked for."""
        if not self._open:
            work()
            return
        call_id, said = ordered_id("call"), json.dumps(arguments, ensure_ascii=False)
        row = {
            "type": "function_call", "id": ordered_id("fc"), "status": "in_progress",
            "name": name, "call_id": call_id, "arguments": "",
        }  # fmt: skip
        place = len(self._output)
        emit("response.output_item.added", {"output_index": place, "item": dict(row)})
        emit(
            "response.function_call_arguments.done",
            {"item_id": row["id"], "output_index": place, "arguments": said},
        )
        found = work()
        row |= {"status": "completed", "arguments": said}
        self._output.append(row)
        emit("response.output_item.done", {"output_index": place, "item": row})
        result = {
            "type": "function_call_output", "id": ordered_id("fco"), "status": "completed",
            "call_id": call_id, "output": json.dumps(found, ensure_ascii=False),
        }  # fmt: skip
        self._output.append(result)
        for event in ("added", "done"):
            emit(f"response.output_item.{event}", {"output_index": place + 1, "item": result})

    def _message(self, emit: Emit, steps: answers.TurnSteps, check: Check) -> Answer:
        """The answer as a message, sent as it is written."""
        id, place = ordered_id("msg"), len(self._output)
        part: dict[str, Any] = {"type": "output_text", "text": "", "annotations": []}
        where = {"item_id": id, "output_index": place, "content_index": 0}

        def item(status: str) -> dict[str, Any]:
            return {
                "type": "message", "id": id, "status": status, "role": "assistant",
                "phase": "final_answer", "content": [dict(part)],
            }  # fmt: skip

        def on_text(text: str) -> None:
            emit("response.output_text.delta", {**where, "delta": text})

        emit("response.output_item.added", {"output_index": place, "item": item("in_progress")})
        emit("response.content_part.added", {**where, "part": dict(part)})
        written = steps.write(self._id, on_text, check)
        cited = [citation_to_json(self._call, one) for one in written.citations]
        part |= {"text": written.text, "annotations": cited}
        status = "incomplete" if written.answer.finish is Finish.LENGTH else "completed"
        self._output.append(item(status))
        emit("response.output_text.done", {**where, "text": written.text})
        emit("response.content_part.done", {**where, "part": dict(part)})
        emit("response.output_item.done", {"output_index": place, "item": item(status)})
        return written.answer

    def _question(self) -> answers.StoreQuestion:
        described = self._form.description if isinstance(self._form, SchemaFormat) else None
        return answers.StoreQuestion(
            self._turn, self._schema, tuple(filter(None, (self._instructions, described)))
        )


def _item_step(video: Video) -> dict[str, Any]:
    row = {"item_id": video.item_id, "title": video.name}
    return row if video.enrichment is None else {**row, "enrichment": video.enrichment}
