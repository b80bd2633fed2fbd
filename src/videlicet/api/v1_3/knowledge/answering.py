"""One response: select assets, load their evidence, and let the analysis backend answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.api.caller import HttpCaller
from videlicet.api.parameters import format_time
from videlicet.api.streaming import Check
from videlicet.api.v1_3.knowledge.citations import CitedText
from videlicet.api.v1_3.knowledge.schemas import Ask, SchemaFormat
from videlicet.services.knowledge import answers
from videlicet.services.knowledge.sessions import Turn, store_turn
from videlicet.types import Answer, Finish, Resource, Sentence, ordered_id

#: Called with the type of an event and what it holds.
Emit = Callable[[str, dict[str, Any]], None]


class ResponseBuilder:
    """The answer to one turn, with an id from the beginning. :meth:`run` may be called once."""

    def __init__(
        self, call: HttpCaller, body: Ask, turn: Turn, schema: Mapping[str, Any] | None
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
        """Answer, telling of each step; the response that stands in the end. ``check`` is called
        while a language model is waited for.

        Raises:
            AnalysisError: the analysis backend failed.
        """
        call, turn = self._call, self._turn
        wanted = turn.search_text
        rows: list[Resource] = []

        def search() -> dict[str, Any]:
            rows.extend(answers.find_items(call, turn))
            return {"items": [_item_step(row) for row in rows]}

        materials: list[AssetEvidence] = []

        def read() -> dict[str, Any]:
            materials.extend(answers.load_items(call, turn, rows))
            names = {row.id: row.body["item_id"] for row in rows}
            return {
                "items": [
                    {"item_id": names[one.asset.id], "pieces": len(one.items)} for one in materials
                ]
            }

        self._step(emit, "search", {"query": wanted, "items": len(turn.items)}, search)
        self._step(emit, "read", {"item_ids": [row.body["item_id"] for row in rows]}, read)
        videos = {row.id: row for row in rows}
        text = CitedText(call, videos, {one.asset.id: one.asset.media.span for one in materials})
        answer = self._message(emit, materials, text, check)
        store_turn(call, turn, self._id, text.items)
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

    def _message(
        self, emit: Emit, materials: Sequence[AssetEvidence], text: CitedText, check: Check
    ) -> Answer:
        """The answer as a message, told as it is written."""
        id, place = ordered_id("msg"), len(self._output)
        part: dict[str, Any] = {"type": "output_text", "text": "", "annotations": []}
        where = {"item_id": id, "output_index": place, "content_index": 0}

        def item(status: str) -> dict[str, Any]:
            return {
                "type": "message", "id": id, "status": status, "role": "assistant",
                "phase": "final_answer", "content": [dict(part)],
            }  # fmt: skip

        def on_sentence(sentence: Sentence) -> None:
            emit("response.output_text.delta", {**where, "delta": text.add(sentence)})

        emit("response.output_item.added", {"output_index": place, "item": item("in_progress")})
        emit("response.content_part.added", {**where, "part": dict(part)})
        answer = answers.answer(self._call, self._question(), materials, on_sentence, check)
        if self._schema is not None:
            data = json.dumps(answer.value, ensure_ascii=False)
            emit(
                "response.output_text.delta",
                {**where, "delta": text.add_data(data, answer.citations)},
            )
        elif not text.text:
            for sentence in answer.sentences:
                on_sentence(sentence)
        part |= {"text": text.text, "annotations": text.annotations}
        status = "incomplete" if answer.finish is Finish.LENGTH else "completed"
        self._output.append(item(status))
        emit("response.output_text.done", {**where, "text": text.text})
        emit("response.content_part.done", {**where, "part": dict(part)})
        emit("response.output_item.done", {"output_index": place, "item": item(status)})
        return answer

    def _question(self) -> answers.StoreQuestion:
        described = self._form.description if isinstance(self._form, SchemaFormat) else None
        return answers.StoreQuestion(
            self._turn, self._schema, tuple(filter(None, (self._instructions, described)))
        )


def _item_step(row: Resource) -> dict[str, Any]:
    told = {"item_id": row.body["item_id"], "title": row.name}
    if row.body.get("enrichment") is not None:
        told["enrichment"] = row.body["enrichment"]
    return told
