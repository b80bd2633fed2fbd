"""Two videos side by side: what is in both, what is in one only, and which moments are alike.

What both say in nearly the same words comes first among what they share, as it was said; then the
things seen in both, and the words that carry meaning in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.evidence.pack import centrality
from videlicet.analyze.qa.phrases import is_filler, is_filler_word
from videlicet.search.words import terms, tokens
from videlicet.types import EvidenceItem, Modality, Sentence, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

#: Cosines from which on two texts say the same, two things seen are alike, and two pictures show
#: the same. Between videos that have nothing to do with each other the middle ones are about 0.15,
#: 0.35 and 0.5.
SAME_TEXT, SAME_THING, SAME_PICTURE = 0.5, 0.75, 0.85
#: Cosine from which on two sentences are the same but for a few letters.
SAME_WORDS = 0.9
#: Items cited for one topic of one video.
CITED = 3
#: Letters of a word that is a topic.
_LETTERS = 3
_WORD = re.compile(r"\w[\w'’-]*")
_WORDS = (Modality.SPEECH, Modality.TEXT)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two moments that are nearest to each other. ``likeness`` is 0..1; ``left`` and ``right`` are
    what is said, written or seen there (nothing, where pictures are alike that nothing names)."""

    left_span: Span
    right_span: Span
    likeness: float
    left: tuple[EvidenceItem, ...] = ()
    right: tuple[EvidenceItem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        def side(span: Span, items: Sequence[EvidenceItem]) -> dict[str, Any]:
            return {
                "start": float(span.start),
                "end": float(span.end),
                "citations": [item.to_json() for item in items],
            }

        return {
            "likeness": self.likeness,
            "left": side(self.left_span, self.left),
            "right": side(self.right_span, self.right),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """``shared`` are sentences, things and topics of both, each cited from both; ``only_left`` and
    ``only_right`` what the other one has nothing like, the most typical first; ``pairs`` the
    moments that are alike, the surest first."""

    left: str
    right: str
    shared: tuple[Sentence, ...]
    only_left: tuple[Sentence, ...]
    only_right: tuple[Sentence, ...]
    pairs: tuple[Pair, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "left": self.left,
            "right": self.right,
            "shared": [one.to_json() for one in self.shared],
            "only_left": [one.to_json() for one in self.only_left],
            "only_right": [one.to_json() for one in self.only_right],
            "pairs": [pair.to_json() for pair in self.pairs],
        }


def compare(left: AssetEvidence, right: AssetEvidence, count: int = 10) -> Comparison:
    """Compare two assets, with at most ``count`` of everything.

    Items are alike as their meanings are (the cosine of their vectors) or as their words are (the
    Jaccard index of their stems), whichever is more; assets of indexes with different text models
    are compared by words alone. Words are compared with words, and what is seen with what is seen.
    """
    same_space = left.index.cards.get("text") == right.index.cards.get("text")
    pairs: list[Pair] = []
    alone: tuple[list[tuple[float, EvidenceItem]], list[tuple[float, EvidenceItem]]] = ([], [])
    for modalities, least in ((_WORDS, SAME_TEXT), ((Modality.VISUAL,), SAME_THING)):
        ours, theirs = left.indices_of(*modalities), right.indices_of(*modalities)
        alike = _likeness(left, ours, right, theirs, same_space)
        for row, column in _mutual(alike, least):
            one, other = left.items[ours[row]], right.items[theirs[column]]
            likeness = min(1.0, float(alike[row, column]))
            pairs.append(Pair(one.span, other.span, likeness, (one,), (other,)))
        for side, evidence, own, best in (
            (0, left, ours, alike.max(axis=1, initial=0.0)),
            (1, right, theirs, alike.max(axis=0, initial=0.0)),
        ):
            merits = centrality(evidence.vectors[own]) if own else np.zeros(0, np.float32)
            alone[side].extend(
                (float(merits[n]), evidence.items[own[n]])
                for n in range(len(own))
                if best[n] < least
            )
    pairs += _pictures(left, right, same_space)
    pairs.sort(key=lambda pair: (-pair.likeness, pair.left_span, pair.right_span))
    said = _said_in_both(pairs)
    return Comparison(
        left.asset.id,
        right.asset.id,
        tuple([*said, *_shared(left, right, said)][:count]),
        tuple(_only(alone[0])[:count]),
        tuple(_only(alone[1])[:count]),
        tuple(pairs[:count]),
    )


def _likeness(
    left: AssetEvidence,
    ours: Sequence[int],
    right: AssetEvidence,
    theirs: Sequence[int],
    same_space: bool,
) -> Floats:
    """How alike each item of one is to each of the other, shape (ours, theirs)."""
    alike = np.zeros((len(ours), len(theirs)), np.float32)
    if not alike.size:
        return alike
    if same_space and left.vectors.shape[1] == right.vectors.shape[1]:
        alike = np.asarray(left.vectors[ours] @ right.vectors[theirs].T, np.float32)
    stems = [set(tokens(right.items[n].text)) for n in theirs]
    for row, number in enumerate(ours):
        own = set(tokens(left.items[number].text))
        for column, other in enumerate(stems):
            if common := len(own & other):
                shared = common / len(own | other)
                alike[row, column] = max(alike[row, column], shared)
    return alike


def _mutual(alike: Floats, least: float) -> list[tuple[int, int]]:
    """Rows and columns that are each other's nearest, and near enough."""
    if not alike.size:
        return []
    columns, rows = alike.argmax(axis=1), alike.argmax(axis=0)
    return [
        (row, int(column))
        for row, column in enumerate(columns)
        if rows[column] == row and alike[row, column] >= least
    ]


def _pictures(left: AssetEvidence, right: AssetEvidence, same_space: bool) -> list[Pair]:
    """Stretches whose pictures are alike, with what is seen there."""
    ours, theirs = left.frame_vectors.rows, right.frame_vectors.rows
    if not same_space or not len(ours) or not len(theirs) or ours.shape[1] != theirs.shape[1]:
        return []
    alike = np.asarray(ours @ theirs.T, np.float32)
    found = []
    for row, column in _mutual(alike, SAME_PICTURE):
        one, other = left.frame_vectors.spans[row], right.frame_vectors.spans[column]
        likeness = min(1.0, float(alike[row, column]))
        found.append(Pair(one, other, likeness, _seen_in(left, one), _seen_in(right, other)))
    return found


def _seen_in(evidence: AssetEvidence, span: Span) -> tuple[EvidenceItem, ...]:
    seen = (evidence.items[n] for n in evidence.indices_of(Modality.VISUAL))
    return tuple(item for item in seen if item.span.overlap(span))[:CITED]


def _said_in_both(pairs: Sequence[Pair]) -> list[Sentence]:
    """What is said or written in both in nearly the same words, in those of the left one."""
    found: dict[str, Sentence] = {}
    for pair in pairs:
        one, other = pair.left[:1], pair.right[:1]
        if not one or not other or Modality.VISUAL in (one[0].modality, other[0].modality):
            continue
        text = one[0].text
        if pair.likeness >= SAME_WORDS and " " in text and not is_filler(text):
            found.setdefault(text.casefold(), Sentence(text, one + other))
    return list(found.values())


def _shared(left: AssetEvidence, right: AssetEvidence, said: Sequence[Sentence]) -> list[Sentence]:
    """Things seen in both, then words that carry meaning in both: what comes often in both first,
    longer words before shorter ones. A word that occurs in both only in what is ``said`` in both
    tells no more."""
    cited = {item.id for sentence in said for item in sentence.citations}
    found = []
    for names in (_things, _terms):
        ours, theirs = names(left), names(right)
        both = sorted(
            ours.keys() & theirs.keys(),
            key=lambda key: (-min(len(ours[key]), len(theirs[key])), -len(key), key),
        )
        for key in both:
            if all(item.id in cited for rows in (ours, theirs) for _, item in rows[key]):
                continue
            citations = tuple(item for rows in (ours, theirs) for _, item in rows[key][:CITED])
            found.append(Sentence(ours[key][0][0], citations))
    return found


Named = dict[str, list[tuple[str, EvidenceItem]]]


def _things(evidence: AssetEvidence) -> Named:
    found: Named = {}
    for number in evidence.indices_of(Modality.VISUAL):
        item = evidence.items[number]
        found.setdefault(item.text.casefold(), []).append((item.text, item))
    return found


def _terms(evidence: AssetEvidence) -> Named:
    """By stem: each item that contains the word, with the word as written there. Words that are
    about nothing and bare numbers are none."""
    items = [evidence.items[n] for n in evidence.indices_of(*_WORDS)]
    wanted = set(terms(" ".join(item.text for item in items)))
    found: Named = {}
    for item in items:
        once = set()
        for word in _WORD.findall(item.text):
            if is_filler_word(word) or not any(letter.isalpha() for letter in word):
                continue
            for stem in tokens(word)[:1]:
                if stem in wanted and stem not in once and len(word) >= _LETTERS:
                    once.add(stem)
                    found.setdefault(stem, []).append((word, item))
    return found


def _only(rows: Iterable[tuple[float, EvidenceItem]]) -> list[Sentence]:
    """One sentence for each text, the most typical first, with where it is."""
    by_text: dict[str, list[tuple[float, EvidenceItem]]] = {}
    for merit, item in rows:
        by_text.setdefault(item.text.casefold(), []).append((merit, item))
    groups = sorted(by_text.values(), key=lambda group: -max(merit for merit, _ in group))
    return [
        Sentence(group[0][1].text, tuple(item for _, item in group[:CITED])) for group in groups
    ]
