"""A stand-in for a language model: no weights, the same reply every time, and enough sense to test
the code above it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from videlicet.analyze.backend import Check, unchecked
from videlicet.analyze.llm.backends.base import Final, Message, estimate_tokens
from videlicet.search.words import terms, tokens
from videlicet.types import Finish, Usage

_LINE = re.compile(r"^\[(\d+)\] \S+ (?:said|on screen|seen|noted)[^:\n]*: (.*)$", re.MULTILINE)
_TASK = re.compile(r"^(?:Question|Request): (.*)$", re.MULTILINE)


class EchoModel:
    """Repeats up to ``lines`` lines of evidence that share most words with the question, each
    cited; ``NOT FOUND`` where none shares any. Fills in schemas with the best of them."""

    id = "double-language"
    accepts_images = False
    quick_tokens = 1500

    def __init__(self, *, lines: int = 3, context: int = 8192) -> None:
        self.context = context
        self._lines = lines
        #: What it was asked, for tests to look at.
        self.asked: list[Sequence[Message]] = []

    def complete(
        self,
        messages: Sequence[Message],
        *,
        temperature: float,
        max_tokens: int,
        stop: Sequence[str] = (),
        schema: Mapping[str, Any] | None = None,
        check: Check = unchecked,
    ) -> Iterator[str | Final]:
        """See :class:`~videlicet.analyze.llm.backends.base.LlmBackend`."""
        self.asked.append(messages)
        text = self._reply(messages[1].text, schema)
        for word in re.findall(r"\S+\s*", text):
            check()
            yield word
        read = sum(estimate_tokens(one.text) for one in messages)
        yield Final(text, Finish.STOP, Usage(read, estimate_tokens(text)))

    def _reply(self, text: str, schema: Mapping[str, Any] | None) -> str:
        lines = [(int(number), said) for number, said in _LINE.findall(text)]
        asked = _TASK.findall(text)
        wanted = set(terms(asked[-1])) if asked else set()
        shared = {n: len(wanted & set(tokens(said))) for n, said in lines}
        best = sorted(lines, key=lambda line: (-shared[line[0]], line[0]))
        if schema is not None:
            return json.dumps(_instance(schema, best or [(0, "")]))
        chosen = [line for line in best if shared[line[0]] or not wanted][: self._lines]
        if not chosen:
            return "NOT FOUND"
        return " ".join(f"{said.rstrip('.!?')} [{n}]." for n, said in sorted(chosen))


def _instance(schema: Any, lines: Sequence[tuple[int, str]], name: str = "") -> Any:
    """Something that meets the simpler kinds of schema, from the best line."""
    number, said = lines[0]
    kind = schema.get("type")
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object":
        return {
            key: _instance(one, lines, key) for key, one in schema.get("properties", {}).items()
        }
    if kind == "array":
        count = max(int(schema.get("minItems", 1)), 1)
        return [_instance(schema["items"], lines, name) for _ in range(count)]
    if kind in ("integer", "number"):
        if name == "lines":
            return number
        found = re.search(r"\d+", said)
        return int(found[0]) if found else 0
    if kind == "boolean":
        return True
    if name == "field":
        return ""
    return said[: int(schema.get("maxLength", 200))] if kind == "string" else None
