"""Language models that reply what a test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from videlicet.analyze.backend import Check, unchecked
from videlicet.analyze.llm.backends.base import Final, Message
from videlicet.types import Finish, Usage

Reply = str | Final | Callable[[Sequence[Message]], str]


class Scripted:
    """Gives each of its replies in turn, and the last one ever after, in parts of ``size``."""

    id = "scripted"
    quick_tokens = 1500

    def __init__(
        self, *replies: Reply, context: int = 8192, size: int = 7, pictures: bool = False
    ) -> None:
        self.replies, self.context, self.size, self.accepts_images = (
            replies,
            context,
            size,
            pictures,
        )
        self.asked: list[Sequence[Message]] = []
        self.options: list[dict[str, Any]] = []

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
        reply = self.replies[min(len(self.asked), len(self.replies) - 1)]
        self.asked.append(messages)
        self.options.append(
            {"temperature": temperature, "max_tokens": max_tokens, "schema": schema}
        )
        if callable(reply):
            reply = reply(messages)
        final = reply if isinstance(reply, Final) else Final(reply, Finish.STOP, Usage(100, 10))
        for at in range(0, len(final.text), self.size):
            check()
            yield final.text[at : at + self.size]
        yield final


def as_json(value: Any, **citations: list[int]) -> str:
    """A value with the lines of its fields, as models reply with it."""
    rows = [{"field": "/" + name, "lines": lines} for name, lines in citations.items()]
    return json.dumps({"value": value, "citations": rows})
