"""One response: find what matters, read what is known of it, and let the analyst answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from videlicet.analyze.backend import AnalysisBackend, PromptRequest
from videlicet.analyze.evidence.load import AssetEvidence, load_evidence
from videlicet.api.caller import HttpCaller
from videlicet.api.parameters import text_of
from videlicet.api.streaming import Check
from videlicet.api.v1_3.knowledge.citations import Text
from videlicet.api.v1_3.knowledge.conversation import Turn, remember
from videlicet.api.v1_3.knowledge.schemas import Ask, SchemaFormat
from videlicet.api.v1_3.knowledge.search import rankings
from videlicet.embedding.texts import fitting
from videlicet.errors import NotFound
from videlicet.rights import Purpose
from videlicet.search.words import parse
from videlicet.types import Answer, Finish, GroupBy, Resource, Sentence, Usage, ordered_id

#: Most items that an answer is looked for in, and pieces of evidence after which no further item
#: is read.
ITEMS, PIECES = 8, 20_000
#: The analyst that has no use for names and instructions.
_BUILT_IN = "builtin"
_NOTHING = Sentence("There is nothing in the knowledge store yet that could be asked about.")

#: Called with the type of an event and what it holds.
Emit = Callable[[str, dict[str, Any]], None]


class Reply:
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
        self._created = text_of(datetime.now(UTC))

    def shown(self, status: str = "in_progress", **more: Any) -> dict[str, Any]:
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
            AnalysisError: the analyst could not.
        """
        call, turn = self._call, self._turn
        wanted = turn.wanted
        rows: list[Resource] = []

        def search() -> dict[str, Any]:
            rows.extend(_found(call, turn, wanted))
            return {"items": [_told(row) for row in rows]}

        materials: list[AssetEvidence] = []

        def read() -> dict[str, Any]:
            materials.extend(_read(call, turn, rows))
            names = {row.id: row.body["item_id"] for row in rows}
            return {
                "items": [
                    {"item_id": names[one.asset.id], "pieces": len(one.pieces)} for one in materials
                ]
            }

        self._step(emit, "search", {"query": wanted, "items": len(turn.items)}, search)
        self._step(emit, "read", {"item_ids": [row.body["item_id"] for row in rows]}, read)
        videos = {row.id: row for row in rows}
        text = Text(call, videos, {one.asset.id: one.asset.media.span for one in materials})
        answer = self._message(emit, materials, text, check)
        remember(call, turn, self._id, text.items)
        cut = answer.finish is Finish.LENGTH
        return self.shown(
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
        self, emit: Emit, materials: Sequence[AssetEvidence], text: Text, check: Check
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
        answer = self._answer(materials, on_sentence, check)
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

    def _answer(
        self,
        materials: Sequence[AssetEvidence],
        on_sentence: Callable[[Sentence], None],
        check: Check,
    ) -> Answer:
        from videlicet.analyze.backends import analysis_backend

        encoder = self._call.platform.encoders(self._turn.index.cards).text
        analyst: AnalysisBackend = analysis_backend(
            self._call.scope(Purpose.ANALYZE), self._call.store, self._call.settings, encoder, check
        )
        if self._schema is not None:
            return analyst.extract(materials, self._schema, self._prompt(analyst))
        if not materials:
            return Answer((_NOTHING,), False, analyst.id, usage=Usage())
        return analyst.respond(
            materials, PromptRequest(self._prompt(analyst)), on_sentence=on_sentence
        )

    def _prompt(self, analyst: AnalysisBackend) -> str:
        if analyst.id == _BUILT_IN:
            return self._turn.wanted
        parts = [self._instructions]
        if isinstance(self._form, SchemaFormat):
            parts.append(self._form.description)
        if self._turn.earlier is not None:
            parts.append(f"The question before: {self._turn.earlier['question']}")
        return "\n\n".join([*filter(None, parts), self._turn.question(named=True)])


def _found(call: HttpCaller, turn: Turn, wanted: str) -> list[Resource]:
    """The items to look at: those that the question before was answered from, if this one refers
    to it, then those that match, the best first, then the newest."""
    ranked: list[str] = []
    if turn.items:
        encoder = call.platform.encoders(turn.index.cards).text
        # No phrase must be matched exactly, and of a long message the end counts.
        text = fitting(encoder, parse(wanted).text)[-1]
        found = rankings(call, turn.index, text, turn.items, ("visual", "audio"), GroupBy.ASSET)
        ranked = [best.asset_id for ranking in found for best, _ in ranking.groups]
    before = set(turn.earlier["items"]) if turn.earlier is not None else set()
    cited = [row.id for row in turn.items if row.body["item_id"] in before]
    by_id = {row.id: row for row in turn.items}
    order = dict.fromkeys([*cited, *ranked, *by_id])
    return [by_id[id] for id in order if id in by_id][:ITEMS]


def _told(row: Resource) -> dict[str, Any]:
    told = {"item_id": row.body["item_id"], "title": row.name}
    if row.body.get("enrichment") is not None:
        told["enrichment"] = row.body["enrichment"]
    return told


def _read(call: HttpCaller, turn: Turn, rows: Sequence[Resource]) -> list[AssetEvidence]:
    scope = call.scope(Purpose.ANALYZE, turn.index.id)
    found: list[AssetEvidence] = []
    for row in rows:
        try:
            found.append(load_evidence(scope, call.store, row.id))
        except NotFound:
            continue  # deleted meanwhile
        if sum(len(one.pieces) for one in found) >= PIECES:
            break
    return found
