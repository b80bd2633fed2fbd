"""The built-in backend: every method chooses from evidence; none needs a language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from videlicet.analyze.backend import OnSentence, PromptRequest, ignore_sentence
from videlicet.analyze.evidence.untrusted import any_untrusted
from videlicet.types import Answer, Chapter, Gist, Highlight

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.models.base import TextEncoder


class BuiltinBackend:
    """An :class:`~videlicet.analyze.backend.AnalysisBackend` that quotes, and never invents.

    ``encoder`` is the text encoder of the index whose evidence it is given.
    """

    id = "builtin"

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder

    def gist(self, evidence: AssetEvidence) -> Gist:
        """Title, topics and hashtags: see :mod:`videlicet.analyze.qa.gist`."""
        from videlicet.analyze.qa.gist import gist

        return gist(evidence, self._encoder)

    def summarize(
        self,
        all_evidence: Sequence[AssetEvidence],
        *,
        sentences: int = 5,
        focus: str | None = None,
        on_sentence: OnSentence = ignore_sentence,
    ) -> Answer:
        """The most informative sentences: see :mod:`videlicet.analyze.qa.summary`."""
        from videlicet.analyze.qa.summary import summarize

        return summarize(all_evidence, self._encoder, sentences, focus, on_sentence)

    def chapters(self, evidence: AssetEvidence, *, count: int | None = None) -> list[Chapter]:
        """Where everything changes: see :mod:`videlicet.analyze.qa.chapters`."""
        from videlicet.analyze.qa.chapters import chapters

        return chapters(evidence, self._encoder, count)

    def highlights(
        self, evidence: AssetEvidence, *, count: int = 5, query: str | None = None
    ) -> list[Highlight]:
        """Highlights: see :mod:`videlicet.analyze.qa.highlights`."""
        from videlicet.analyze.qa.highlights import highlights

        return highlights(evidence, self._encoder, count, query)

    def ask(
        self,
        all_evidence: Sequence[AssetEvidence],
        question: str,
        *,
        on_sentence: OnSentence = ignore_sentence,
    ) -> Answer:
        """The sentences that answer a question: see :mod:`videlicet.analyze.qa.answers`."""
        from videlicet.analyze.qa.answers import ask

        return _flagged(ask(all_evidence, question, self._encoder, on_sentence=on_sentence))

    def extract(
        self, all_evidence: Sequence[AssetEvidence], schema: Mapping[str, Any], prompt: str = ""
    ) -> Answer:
        """A schema filled from evidence: see :mod:`videlicet.analyze.extraction`."""
        from videlicet.analyze.extraction.extract import extract

        return _flagged(extract(all_evidence, schema, prompt, self._encoder))

    def respond(
        self,
        all_evidence: Sequence[AssetEvidence],
        request: PromptRequest,
        *,
        on_sentence: OnSentence = ignore_sentence,
    ) -> Answer:
        """What an open request asks for: see :mod:`videlicet.analyze.qa.prompts`."""
        from videlicet.analyze.qa.prompts import respond

        return respond(self, all_evidence, request, self._encoder, on_sentence)


def _flagged(answer: Answer) -> Answer:
    """An answer that tells whether something it rests on reads like instructions."""
    return replace(answer, untrusted=any_untrusted(answer.citations))
