"""A language model as an analysis backend."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from videlicet.analyze.backend import OnSentence, PromptRequest, ignore_sentence
from videlicet.analyze.evidence.pack import Pack, pack
from videlicet.analyze.evidence.relevance import is_relevant
from videlicet.analyze.llm import headings, map_reduce, prompts, structured_output
from videlicet.analyze.llm.backends.base import Final
from videlicet.analyze.llm.checking import SentenceReader, split_citations
from videlicet.analyze.llm.injection import SafeEvidence, without_injections
from videlicet.analyze.llm.prompts import Line
from videlicet.analyze.llm.session import Session, line_tokens
from videlicet.analyze.llm.visual_check import VisualVerifier
from videlicet.errors import AnalysisError
from videlicet.types import (
    Answer,
    Chapter,
    Finish,
    Gist,
    Highlight,
    Sentence,
    Usage,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from videlicet.analyze.evidence.load import AssetEvidence

    Floats = NDArray[np.float32]

_log = logging.getLogger(__name__)

#: The sampling temperature unless the request sets one.
TEMPERATURE = 0.2
#: Tokens of evidence that a question is asked with, of what has most to do with it, before all of
#: the rest is read. Models that read slowly are first asked with less.
LOOK_TOKENS = 1500
#: Seconds that a model may read the parts of much evidence, in about.
READING_ALL = 90
#: Tokens that an answer to a question, and one sentence of a summary, may take.
ANSWER_TOKENS, SENTENCE_TOKENS = 400, 60


@dataclass(frozen=True, slots=True)
class _Draft:
    """The supported part of what a model wrote."""

    sentences: tuple[Sentence, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish: Finish = Finish.STOP
    dropped: int = 0


class LanguageModel(Session):
    """Asks a language model with evidence, and tells what of its reply evidence supports.

    Nothing that the model says is returned unchecked, whatever a video instructed it to say: see
    :mod:`videlicet.analyze.llm.checking`. It has no tools, and reads nothing but the evidence.
    """

    def ask(
        self,
        all_evidence: Sequence[AssetEvidence],
        question: str,
        *,
        on_sentence: OnSentence = ignore_sentence,
    ) -> Answer:
        """See :class:`~videlicet.analyze.backend.AnalysisBackend`."""
        read = without_injections(all_evidence)
        query = (question, self.vector(question))
        task = prompts.question(question)
        room = self.evidence_budget(task, ANSWER_TOKENS)
        draft, left_out = _Draft(), 1
        for tokens in sorted({min(room, self.backend.quick_tokens), min(room, LOOK_TOKENS)}):
            if left_out and not _found(draft):
                packed = self.pack_evidence(read, tokens, query)
                left_out = packed.left_out
                draft = _joined(draft, self._write(packed, task, read, ANSWER_TOKENS, on_sentence))
        if left_out and not _found(draft):
            rest = self._noted(read, question, query, ANSWER_TOKENS)
            draft = _joined(draft, self._write_from(*rest, task, read, ANSWER_TOKENS, on_sentence))
        return self._answer(draft, read, on_sentence)

    def summarize(
        self,
        all_evidence: Sequence[AssetEvidence],
        *,
        sentences: int = 5,
        focus: str | None = None,
        on_sentence: OnSentence = ignore_sentence,
    ) -> Answer:
        """See :class:`~videlicet.analyze.backend.AnalysisBackend`."""
        task = prompts.summary(sentences, focus)
        most = min(100 + SENTENCE_TOKENS * sentences, self.backend.context // 3)
        sent = 0

        def tell_some(sentence: Sentence) -> None:
            nonlocal sent
            sent += 1
            if sent <= sentences:
                on_sentence(sentence)

        answer = self._long(all_evidence, task, focus, most, TEMPERATURE, tell_some)
        off = bool(focus and focus.strip()) and not is_relevant(
            all_evidence, str(focus), self.vector(str(focus))
        )
        return replace(answer, sentences=answer.sentences[:sentences], off_focus=off)

    def respond(
        self,
        all_evidence: Sequence[AssetEvidence],
        request: PromptRequest,
        *,
        on_sentence: OnSentence = ignore_sentence,
    ) -> Answer:
        """See :class:`~videlicet.analyze.backend.AnalysisBackend`."""
        most = max(1, min(request.max_tokens, self.backend.context // 2))
        if request.schema is not None:
            return structured_output.fill_schema(
                self, all_evidence, request.schema, request.prompt,
                temperature=request.temperature, max_tokens=most,
            )  # fmt: skip
        task = prompts.prompt(request.prompt)
        return self._long(
            all_evidence, task, request.prompt, most, request.temperature, on_sentence
        )

    def extract(
        self, all_evidence: Sequence[AssetEvidence], schema: Mapping[str, Any], prompt: str = ""
    ) -> Answer:
        """See :class:`~videlicet.analyze.backend.AnalysisBackend`."""
        return structured_output.fill_schema(
            self, all_evidence, schema, prompt,
            temperature=0.0, max_tokens=self.backend.context // 4,
        )  # fmt: skip

    def gist(self, evidence: AssetEvidence) -> Gist:
        """See :class:`~videlicet.analyze.backend.AnalysisBackend`. What the model words without
        support is as the built-in backend has it."""
        return headings.gist(self, evidence)

    def chapters(self, evidence: AssetEvidence, *, count: int | None = None) -> list[Chapter]:
        """See :class:`~videlicet.analyze.backend.AnalysisBackend`. The model names the chapters
        that the built-in backend finds."""
        return headings.chapters(self, evidence, count)

    def highlights(
        self, evidence: AssetEvidence, *, count: int = 5, query: str | None = None
    ) -> list[Highlight]:
        """See :class:`~videlicet.analyze.backend.AnalysisBackend`. The model names the highlights
        that the built-in backend finds."""
        return headings.highlights(self, evidence, count, query)

    # -- writing --------------------------------------------------------------------------------

    def _long(
        self,
        all_evidence: Sequence[AssetEvidence],
        task: str,
        purpose: str | None,
        max_tokens: int,
        temperature: float,
        on_sentence: OnSentence,
    ) -> Answer:
        """The answer to a task that is about all of the evidence, however much there is."""
        read = without_injections(all_evidence)
        query = (purpose, self.vector(purpose)) if purpose else None
        packed = self.pack_evidence(read, self.evidence_budget(task, max_tokens), query)
        if packed.left_out:
            rest = self._noted(read, purpose or task, query, max_tokens)
            draft = self._write_from(*rest, task, read, max_tokens, on_sentence, temperature)
        else:
            draft = self._write(packed, task, read, max_tokens, on_sentence, temperature)
        return self._answer(draft, read, on_sentence)

    def _noted(
        self,
        read: SafeEvidence,
        purpose: str,
        query: tuple[str, Floats] | None,
        max_tokens: int,
    ) -> tuple[list[Line], Usage]:
        task = prompts.notes(purpose)
        room = self.evidence_budget(task, max(max_tokens, ANSWER_TOKENS))
        usage = Usage()

        def noted(part: Sequence[AssetEvidence]) -> Sequence[Sentence]:
            nonlocal usage
            self.check()
            packed = pack(part, room, line_tokens, query)
            draft = self._write(packed, task, read, ANSWER_TOKENS, ignore_sentence)
            usage += draft.usage
            return draft.sentences

        most = READING_ALL * self.backend.quick_tokens // max(1, room)
        most = max(1, min(map_reduce.MOST_PARTS, most))
        return map_reduce.notes(read.all_evidence, room, line_tokens, noted, most), usage

    def _write(
        self,
        packed: Pack,
        task: str,
        read: SafeEvidence,
        max_tokens: int,
        on_sentence: OnSentence,
        temperature: float = TEMPERATURE,
    ) -> _Draft:
        lines = prompts.evidence_lines(packed.items, read.assets)
        return self._write_from(lines, Usage(), task, read, max_tokens, on_sentence, temperature)

    def _write_from(
        self,
        lines: Sequence[Line],
        usage: Usage,
        task: str,
        read: SafeEvidence,
        max_tokens: int,
        on_sentence: OnSentence,
        temperature: float = TEMPERATURE,
    ) -> _Draft:
        """The reply to a task, sentence by sentence as it is written and checked."""
        if not lines:
            return _Draft(usage=usage)
        began = time.monotonic()
        frames = self.frames(lines, read)
        messages = prompts.build_messages(lines, read.names, task, frames)
        checker, reader = self.checker(lines, read), SentenceReader()
        verifier = VisualVerifier(self.backend, frames, checker, self.check)
        kept: dict[str, Sentence] = {}
        dropped, heard, first = 0, False, 0.0
        final: Final | None = None

        def take(text: str) -> None:
            nonlocal dropped, heard
            heard = True
            sentence = checker.sentence(text)
            if sentence is None or sentence.text in kept:
                return
            if not sentence.supported:
                seen = verifier.support(sentence.text, split_citations(text)[1])
                sentence = replace(sentence, citations=seen)
            if not sentence.supported and not self.keep_unsupported:
                dropped += 1
                return
            kept[sentence.text] = sentence
            on_sentence(sentence)

        for part in self.backend.complete(
            messages, temperature=temperature, max_tokens=max_tokens, check=self.check
        ):
            if isinstance(part, Final):
                final = part
                break
            first = first or time.monotonic() - began
            for text in reader.feed(part):
                take(text)
        assert final is not None
        for text in reader.rest(whole=final.finish is Finish.STOP):
            take(text)
        if not heard and (final.broken or not final.text.strip()):
            raise AnalysisError(
                "language_model_failed", final.broken or "The language model said nothing."
            )
        if not heard:
            # Too short a limit for one whole sentence.
            for text in reader.rest(whole=True):
                take(text)
        _log.info(
            "language model answered",
            extra={
                "seconds": round(time.monotonic() - began, 3), "first_token_s": round(first, 3),
                "kept": len(kept), "dropped": dropped, **final.usage.to_json(),
            },
        )  # fmt: skip
        usage += final.usage + verifier.usage
        return _Draft(tuple(kept.values()), usage, final.finish, dropped)

    def _answer(self, draft: _Draft, read: SafeEvidence, on_sentence: OnSentence) -> Answer:
        if not _found(draft) and not (self.keep_unsupported and draft.sentences):
            answer = self.not_found(read, draft.usage, draft.dropped)
            on_sentence(answer.sentences[0])
            return answer
        return Answer(
            draft.sentences, _found(draft), self.id, usage=draft.usage, finish=draft.finish,
            dropped=draft.dropped, untrusted=read.untrusted,
        )  # fmt: skip


def _found(draft: _Draft) -> bool:
    return any(sentence.supported for sentence in draft.sentences)


def _joined(before: _Draft, after: _Draft) -> _Draft:
    return replace(
        after, usage=before.usage + after.usage, dropped=before.dropped + after.dropped,
        sentences=before.sentences + after.sentences,
    )  # fmt: skip
