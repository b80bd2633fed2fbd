"""Summaries that are made of what was said, written and seen, word for word.

A sentence is chosen for how central it is (Erkan and Radev, *LexRank*, 2004, in its continuous
form over the vectors of the items), for how self-contained it is, and for how little it
repeats what is chosen already (Carbonell and Goldstein, *The Use of MMR*, 1998).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from videlicet.analyze.backend import OnSentence, ignore_sentence
from videlicet.analyze.evidence.pack import relevance
from videlicet.analyze.evidence.relevance import is_relevant
from videlicet.analyze.evidence.statements import Statement, screens, seen, spoken
from videlicet.analyze.evidence.topics import topic_spans
from videlicet.analyze.evidence.untrusted import any_untrusted
from videlicet.analyze.qa.phrases import is_filler
from videlicet.embedding.texts import embed_texts
from videlicet.search.words import is_function_word
from videlicet.types import Answer, EvidenceItem, Modality, Sentence, Usage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.models.base import TextEncoder

    Floats = NDArray[np.float32]

BACKEND_ID = "builtin"
#: What is said where there is no evidence at all.
NOTHING = "Nothing of substance was said, written or recognised here."
#: LexRank: the chance to jump anywhere; statements that are ranked together; rounds.
JUMP, TOGETHER, ROUNDS = 0.15, 2048, 30
#: How much likeness to what is chosen counts against a statement; that of sentences of one item,
#: whose vectors are the same.
ALIKE, KIN = 0.6, 0.6
#: What is left of a statement's weight where its part is already covered; or of that of a text on
#: the screen where another has been quoted.
AGAIN = 0.5
#: Statements that share this much of the words of the shorter one say the same.
SAME = 0.75
#: How much of its weight a statement keeps that has nothing to do with the focus.
ASIDE = 0.15
#: How much the commonness of its words counts beside the vector.
WORDS = 0.3

#: How a sentence begins that goes on from the one before it; and, with a small letter and without
#: a comma, one whose beginning was not heard.
_HANGING = tuple(f"{word} " for word in "and but so or because he she they it this that".split())
_INSIDE = frozenset(
    "of in on at by for from to with into onto over under through between among about against "
    "during without within than".split()
)


def summarize(
    all_evidence: Sequence[AssetEvidence],
    encoder: TextEncoder,
    sentences: int = 5,
    focus: str | None = None,
    on_sentence: OnSentence = ignore_sentence,
) -> Answer:
    """At most ``sentences`` sentences, in the order of ``all_evidence`` and of time. ``focus``
    makes what has to do with it weigh more; the rest fills up where there is too little. Where
    nothing has, it does not count, and the answer says so (``off_focus``).

    ``found`` is false where there is no evidence at all. ``on_sentence`` is called with each
    sentence once all are chosen.
    """
    items = [item for evidence in all_evidence for item in evidence.items]
    wanted = _focus(all_evidence, encoder, focus)
    off = wanted is not None and not is_relevant(all_evidence, *wanted)
    chosen = select_statements(all_evidence, max(1, sentences), None if off else wanted)
    written = tuple(statement.sentence() for statement in chosen) or (Sentence(NOTHING),)
    for sentence in written:
        on_sentence(sentence)
    return Answer(
        written,
        bool(chosen),
        BACKEND_ID,
        usage=usage(encoder, items, written),
        untrusted=any_untrusted(items),
        off_focus=off,
    )


def usage(
    encoder: TextEncoder, items: Sequence[EvidenceItem], sentences: Sequence[Sentence]
) -> Usage:
    """What was read and written, in the encoder's tokens."""
    return Usage(
        sum(encoder.count_tokens(item.text) for item in items),
        sum(encoder.count_tokens(sentence.text) for sentence in sentences),
    )


Focus = tuple[str, "Floats"] | None


def _focus(all_evidence: Sequence[AssetEvidence], encoder: TextEncoder, focus: str | None) -> Focus:
    if focus is None or not focus.strip() or not any(one.items for one in all_evidence):
        return None
    return focus, embed_texts(encoder, [focus])[0]


def select_statements(
    all_evidence: Sequence[AssetEvidence], count: int, focus: Focus = None
) -> list[Statement]:
    """The statements that tell most of ``all_evidence``, in order; fewer than ``count`` where there
    are no more."""
    said = [one for evidence in all_evidence for one in (*spoken(evidence), *screens(evidence))]
    pictured = [evidence for evidence in all_evidence if evidence.indices_of(Modality.VISUAL)]
    said = speech_statements(said) or ([] if pictured else on_screen(said))
    # One sentence in three or so says what is seen where there is something else to say; it is the
    # whole summary where nothing can.
    room = count if not said else (1 if pictured and count > 2 else 0)
    places = _places(all_evidence, said)
    chosen = select(said, count - room, focus, places)
    views = _views(pictured, count - len(chosen), focus)
    if len(chosen) + len(views) < count:
        chosen = select(said, count - len(views), focus, places)
    order = {evidence.asset.id: number for number, evidence in enumerate(all_evidence)}
    return sorted([*chosen, *views], key=lambda one: (order[one.asset_id], one.span))


def speech_statements(said: Sequence[Statement]) -> list[Statement]:
    """The statements that say something: no mere greetings, fillers and numbers, and where there is
    anything else none that breaks off in the middle ("between the train and...")."""
    found = [one for one in said if not is_filler(_words_of(one))]
    return [one for one in found if not _breaks_off(one)] or found


def on_screen(said: Sequence[Statement]) -> list[Statement]:
    """Those that stand on the screen: a mere figure there is more than a mere word that is said."""
    return [one for one in said if one.modality is Modality.TEXT]


def _breaks_off(one: Statement) -> bool:
    words = one.text.rstrip(".… ").split()
    return one.text.endswith(("...", "…")) and bool(words) and is_function_word(words[-1].lower())


def _places(all_evidence: Sequence[AssetEvidence], said: Sequence[Statement]) -> list[int]:
    """In which chapter, counted over all assets, each statement lies."""
    found, first = {}, 0
    for evidence in all_evidence:
        starts = [span.start for span in topic_spans(evidence)]
        found[evidence.asset.id] = (first, starts)
        first += len(starts)
    return [
        found[one.asset_id][0] + bisect_right(found[one.asset_id][1], one.span.midpoint)
        for one in said
    ]


def select(
    statements: Sequence[Statement],
    count: int,
    focus: Focus = None,
    places: Sequence[int] | None = None,
) -> list[Statement]:
    """The best ``count`` of ``statements``, unlike each other, best first. ``places`` are numbers
    of the parts they lie in: each part is to have its say."""
    if not statements or count < 1:
        return []
    vectors = np.stack([one.vector for one in statements])
    merit = self_contained_scores(statements, vectors)
    if focus is not None:
        near = np.maximum(relevance(statements, vectors, *focus), 0)
        merit *= ASIDE + (1 - ASIDE) * near / (float(near.max()) or 1.0)
    alike = np.zeros(len(statements), np.float32)
    written = np.array([one.modality is Modality.TEXT for one in statements])
    open_ = merit > 0
    chosen: list[int] = []
    while open_.any() and len(chosen) < count:
        best = int(np.argmax(np.where(open_, merit * (1 - ALIKE * alike), -np.inf)))
        chosen.append(best)
        open_[best] = False
        one = statements[best]
        shared = np.array([_overlap(one, other) for other in statements], np.float32)
        open_ &= shared < SAME
        # Sentences of one item have the same vector; their words tell them apart.
        meant = np.where([_kin(one, other) for other in statements], KIN, vectors @ vectors[best])
        np.maximum(alike, np.maximum(meant, shared), out=alike)
        if one.modality is Modality.TEXT:
            merit[written] *= AGAIN
        if places is not None and focus is None:
            merit[np.array(places) == places[best]] *= AGAIN
    return [statements[n] for n in chosen]


def self_contained_scores(statements: Sequence[Statement], vectors: Floats) -> Floats:
    """How much each statement tells and how well it reads by itself (n,), 0..1; 0 for what no one
    should read."""
    merit = np.zeros(len(statements), np.float32)
    of_asset: dict[str, list[int]] = {}
    for number, one in enumerate(statements):
        of_asset.setdefault(one.asset_id, []).append(number)
    for rows in of_asset.values():
        blocks = [rows[first : first + TOGETHER] for first in range(0, len(rows), TOGETHER)]
        for block in blocks:
            own = [statements[n] for n in block]
            central = lexrank(vectors[block], [one.items[0].id for one in own])
            common = _commonness(own)
            merit[block] = (1 - WORDS) * central + WORDS * common
    return merit * np.array([_reads(one) for one in statements], np.float32)


def lexrank(vectors: Floats, origins: Sequence[str]) -> Floats:
    """The centrality of each row (n,): the highest is 1. Rows of one origin do not back each
    other."""
    numbers = np.unique(np.array(origins), return_inverse=True)[1]
    likeness = np.maximum(vectors @ vectors.T, 0)
    likeness[numbers[:, None] == numbers] = 0
    degree = likeness.sum(axis=1)
    flow = likeness / np.where(degree > 0, degree, 1)[:, None]
    rank = np.full(len(vectors), 1 / len(vectors), np.float32)
    for _ in range(ROUNDS):
        rank = JUMP / len(vectors) + (1 - JUMP) * (rank @ flow)
    return np.asarray(rank / rank.max(), np.float32)


def _commonness(statements: Sequence[Statement]) -> Floats:
    """The mean over a statement's words of how many statements hold them, by logarithm (n,)."""
    counts = Counter(stem for one in statements for stem in one.stems)
    most = math.log1p(max(counts.values(), default=1))
    return np.array(
        [
            sum(math.log1p(counts[stem]) for stem in one.stems) / len(one.stems) / most
            if one.stems
            else 0.0
            for one in statements
        ],
        np.float32,
    )


def _reads(one: Statement) -> float:
    """How self-contained a statement is, 0..1."""
    sure = 0.4 + 0.6 * one.confidence
    words = one.text.count(" ") + 1
    if one.modality is Modality.TEXT:
        letters = sum(letter.isalpha() for letter in _words_of(one))
        # Fragments and numbers are hardly worth a sentence.
        return 0.8 * sure * min(1.0, max(letters, 1) / 12)
    length = 0.2 if words < 4 else 0.6 if words < 6 else 1.0 if words <= 35 else 0.7
    ended = 1.0 if one.whole else 0.85
    bound = 0.9 if one.text.lower().startswith(_HANGING) else 1.0
    first = one.text.partition(" ")[0].lower()
    bound *= 0.75 if not one.begun and first in _INSIDE and "," not in one.text else 1.0
    bound *= 0.6 if one.text.endswith(("...", "…")) else 1.0
    asked = 0.85 if one.text.endswith("?") else 1.0
    return sure * length * ended * bound * asked * (1.0 if one.stems else 0.1)


def _words_of(one: Statement) -> str:
    return " ".join(item.text for item in one.items) if one.modality is Modality.TEXT else one.text


def _overlap(one: Statement, other: Statement) -> float:
    shorter = min(len(one.stems), len(other.stems))
    if not shorter:
        return float(one.text == other.text)
    return len(one.stems & other.stems) / shorter


def _kin(one: Statement, other: Statement) -> bool:
    return any(item is mine for item in other.items for mine in one.items)


def _views(all_evidence: Sequence[AssetEvidence], count: int, focus: Focus) -> list[Statement]:
    """At most ``count`` sentences on what is seen: one for each asset, or where there are more of
    them than assets, for each of its stretches."""
    found: list[Statement] = []
    for number, evidence in enumerate(all_evidence):
        share = (count - len(found)) // (len(all_evidence) - number)
        if share < 1 and len(found) >= count:
            break
        found += _stretches(evidence, max(1, share), _name_weights(evidence, focus))
    return found[:count]


def _stretches(
    evidence: AssetEvidence, count: int, weights: Mapping[str, float] | None
) -> list[Statement]:
    spans = topic_spans(evidence, count, exactly=False)
    found: list[Statement] = []
    for span in spans:
        one = seen(evidence, span, weights)
        if one is not None and all(one.text != other.text for other in found):
            found.append(one)
    return found


def _name_weights(evidence: AssetEvidence, focus: Focus) -> Mapping[str, float] | None:
    if focus is None:
        return None
    near = np.maximum(relevance(evidence.items, evidence.vectors, *focus), 0)
    most = float(near.max()) or 1.0
    return {
        item.id: ASIDE + (1 - ASIDE) * float(value) / most
        for item, value in zip(evidence.items, near, strict=True)
    }
