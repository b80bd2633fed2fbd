"""Answers to questions about a knowledge store: find items, load their evidence, answer."""

from __future__ import annotations

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
from videlicet.services.knowledge.search import rank_items
from videlicet.types import Answer, GroupBy, Resource, Sentence, Usage

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.services.knowledge.sessions import Turn

#: Items that an answer is looked for in, and pieces of evidence after which no further item is
#: loaded.
MAX_ITEMS, MAX_PIECES = 8, 20_000
#: The backend that has no use for names and instructions.
_BUILT_IN = "builtin"
_NOTHING = Sentence("There is nothing in the knowledge store yet that could be asked about.")


@dataclass(frozen=True, slots=True)
class StoreQuestion:
    """One turn, with a schema of the answer and what a language model is told beside it."""

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


def find_items(caller: Caller, turn: Turn) -> list[Resource]:
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
    cited = [row.id for row in turn.items if row.body["item_id"] in before]
    by_id = {row.id: row for row in turn.items}
    order = dict.fromkeys([*cited, *ranked, *by_id])
    return [by_id[id] for id in order if id in by_id][:MAX_ITEMS]


def load_items(caller: Caller, turn: Turn, rows: Sequence[Resource]) -> list[AssetEvidence]:
    """The evidence of items, the most promising first."""
    scope = caller.scope(Purpose.ANALYZE, turn.index.id)
    found: list[AssetEvidence] = []
    for row in rows:
        try:
            found.append(load_evidence(scope, caller.store, row.id))
        except NotFound:
            continue  # deleted meanwhile
        if sum(len(one.items) for one in found) >= MAX_PIECES:
            break
    return found
