"""Answers to questions about a knowledge store: find items, load their evidence, answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from videlicet.analyze.backend import Check, PromptRequest, unchecked
from videlicet.analyze.evidence.load import AssetEvidence, load_evidence
from videlicet.embedding.texts import truncate
from videlicet.errors import NotFound
from videlicet.rights import Purpose
from videlicet.search.words import parse
from videlicet.services.analysis.answers import open_backend
from videlicet.services.knowledge.citations import CitedText, TextCitation
from videlicet.services.knowledge.search import rank_items
from videlicet.services.knowledge.sessions import store_turn
from videlicet.types import Answer, GroupBy, Sentence, Usage, Video

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.services.knowledge.sessions import Turn

#: Items that an answer is looked for in, and evidence items after which no further item is
#: loaded.
MAX_ITEMS, MAX_PIECES = 8, 20_000
#: The backend that has no use for names and instructions.
_BUILT_IN = "builtin"
_NOTHING = Sentence("There is nothing in the knowledge store yet that could be asked about.")


@dataclass(frozen=True, slots=True)
class StoreQuestion:
    """One turn, with a schema of the answer and further instructions for a language model."""

    turn: Turn
    schema: Mapping[str, Any] | None = None
    instructions: Sequence[str] = ()

    def prompt(self, backend_id: str) -> str:
        """The words that a backend is asked with."""
        turn = self.turn
        if backend_id == _BUILT_IN:
            return turn.search_text
        parts = list(self.instructions)
        if turn.earlier is not None:
            parts.append(f"The question before: {turn.earlier['question']}")
        return "\n\n".join([*parts, turn.question(named=True)])


@dataclass(frozen=True, slots=True)
class ReadItem:
    """An item whose evidence was read."""

    video: Video
    evidence: AssetEvidence


@dataclass(frozen=True, slots=True)
class WrittenAnswer:
    """An answer as a text with markers, and what each of them cites."""

    answer: Answer
    text: str
    citations: Sequence[TextCitation]


class TurnSteps:
    """The steps by which a question is answered, each to be taken once and in this order:
    :meth:`search`, :meth:`read`, :meth:`write`."""

    def __init__(self, caller: Caller, question: StoreQuestion) -> None:
        self._caller = caller
        self._question = question
        self._found: list[Video] = []
        self._read: list[ReadItem] = []

    def search(self) -> list[Video]:
        """The items to look at, the most promising first."""
        self._found = find_items(self._caller, self._question.turn)
        return self._found

    def read(self) -> list[ReadItem]:
        """The evidence of the items that were found."""
        loaded = load_items(self._caller, self._question.turn, self._found)
        by_asset = {video.asset_id: video for video in self._found}
        self._read = [ReadItem(by_asset[one.asset.id], one) for one in loaded]
        return self._read

    def write(
        self, response_id: str, on_text: Callable[[str], None], check: Check = unchecked
    ) -> WrittenAnswer:
        """The answer, which is kept for questions that refer to it. ``on_text`` is called with
        each part of its text as it comes.

        Raises:
            AnalysisError: a language model failed.
        """
        question, text = self._question, CitedText({v.asset_id: v for v in self._found})

        def on_sentence(sentence: Sentence) -> None:
            on_text(text.add(sentence))

        evidence = [one.evidence for one in self._read]
        found = answer(self._caller, question, evidence, on_sentence, check)
        if question.schema is not None:
            data = json.dumps(found.value, ensure_ascii=False)
            on_text(text.add_data(data, found.citations))
        elif not text.text:
            for sentence in found.sentences:
                on_sentence(sentence)
        store_turn(self._caller, question.turn, response_id, text.item_ids)
        return WrittenAnswer(found, text.text, text.citations)


def answer(
    caller: Caller,
    question: StoreQuestion,
    evidence: Sequence[AssetEvidence],
    on_sentence: Callable[[Sentence], None],
    check: Check = unchecked,
) -> Answer:
    """The answer to a question from the evidence of items. ``on_sentence`` is called with each
    sentence as it comes, ``check`` while a language model is waited for.

    Raises:
        AnalysisError: a language model failed.
    """
    backend = open_backend(caller, question.turn.index.cards, check)
    prompt = question.prompt(backend.id)
    if question.schema is not None:
        return backend.extract(evidence, question.schema, prompt)
    if not evidence:
        return Answer((_NOTHING,), False, backend.id, usage=Usage())
    return backend.respond(evidence, PromptRequest(prompt), on_sentence=on_sentence)


def find_items(caller: Caller, turn: Turn) -> list[Video]:
    """The items to look at: those that the question before was answered from, if this one refers
    to it, then those that match, the best first, then the newest."""
    ranked: list[str] = []
    if turn.items:
        encoder = caller.platform.encoders(turn.index.cards).text
        # No phrase must be matched exactly, and of a long message the end counts.
        text = truncate(encoder, parse(turn.search_text).text)[-1]
        found = rank_items(caller, turn.index, text, turn.items, ("visual", "audio"), GroupBy.ASSET)
        ranked = [best.asset_id for ranking in found for best, _ in ranking.groups]
    before = set(turn.earlier["items"]) if turn.earlier is not None else set()
    cited = [video.asset_id for video in turn.items if video.item_id in before]
    by_asset = {video.asset_id: video for video in turn.items}
    order = dict.fromkeys([*cited, *ranked, *by_asset])
    return [by_asset[id] for id in order if id in by_asset][:MAX_ITEMS]


def load_items(caller: Caller, turn: Turn, videos: Sequence[Video]) -> list[AssetEvidence]:
    """The evidence of items, the most promising first."""
    scope = caller.scope(Purpose.ANALYZE, turn.index.id)
    found: list[AssetEvidence] = []
    for video in videos:
        try:
            found.append(load_evidence(scope, caller.store, video.asset_id))
        except NotFound:
            continue  # deleted meanwhile
        if sum(len(one.items) for one in found) >= MAX_PIECES:
            break
    return found
