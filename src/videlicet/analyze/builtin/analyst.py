"""The built-in analyst: every method chooses from evidence; none needs a language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from videlicet.analyze.analyst import Request, Tell, silent
from videlicet.analyze.evidence.untrusted import any_untrusted
from videlicet.types import Answer, Chapter, Gist, Highlight

if TYPE_CHECKING:
    from videlicet.analyze.evidence.gather import Material
    from videlicet.models.base import TextEncoder


class BuiltIn:
    """An :class:`~videlicet.analyze.analyst.Analyst` that quotes, and never invents.

    ``encoder`` is the text encoder of the index whose materials it is given.
    """

    id = "builtin"

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder

    def gist(self, material: Material) -> Gist:
        """Title, topics and hashtags: see :mod:`videlicet.analyze.builtin.gist`."""
        from videlicet.analyze.builtin.gist import gist

        return gist(material, self._encoder)

    def summarize(
        self,
        materials: Sequence[Material],
        *,
        sentences: int = 5,
        focus: str | None = None,
        tell: Tell = silent,
    ) -> Answer:
        """The most telling sentences: see :mod:`videlicet.analyze.builtin.summary`."""
        from videlicet.analyze.builtin.summary import summarize

        return summarize(materials, self._encoder, sentences, focus, tell)

    def chapters(self, material: Material, *, count: int | None = None) -> list[Chapter]:
        """Where everything changes: see :mod:`videlicet.analyze.builtin.chapters`."""
        from videlicet.analyze.builtin.chapters import chapters

        return chapters(material, self._encoder, count)

    def highlights(
        self, material: Material, *, count: int = 5, query: str | None = None
    ) -> list[Highlight]:
        """What stands out: see :mod:`videlicet.analyze.builtin.highlights`."""
        from videlicet.analyze.builtin.highlights import highlights

        return highlights(material, self._encoder, count, query)

    def ask(self, materials: Sequence[Material], question: str, *, tell: Tell = silent) -> Answer:
        """The sentences that answer a question: see :mod:`videlicet.analyze.builtin.answers`."""
        from videlicet.analyze.builtin.answers import ask

        return _flagged(ask(materials, question, self._encoder, tell=tell))

    def extract(
        self, materials: Sequence[Material], schema: Mapping[str, Any], prompt: str = ""
    ) -> Answer:
        """A schema filled from evidence: see :mod:`videlicet.analyze.structured`."""
        from videlicet.analyze.structured.extract import extract

        return _flagged(extract(materials, schema, prompt, self._encoder))

    def respond(
        self, materials: Sequence[Material], request: Request, *, tell: Tell = silent
    ) -> Answer:
        """What an open request asks for: see :mod:`videlicet.analyze.builtin.prompts`."""
        from videlicet.analyze.builtin.prompts import respond

        return respond(self, materials, request, self._encoder, tell)


def _flagged(answer: Answer) -> Answer:
    """An answer that tells whether something it rests on reads like instructions."""
    return replace(answer, untrusted=any_untrusted(answer.citations))
