"""All evidence there is, ready to be asked many things at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from videlicet.analyze.extraction.finding.literals import LiteralMatch
from videlicet.embedding.texts import embed_texts
from videlicet.search.words import inverse_frequency, tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.analyze.extraction.finding.field_intent import FieldIntent
    from videlicet.models.base import TextEncoder
    from videlicet.types import EvidenceItem, Span

    Floats: TypeAlias = NDArray[np.float32]
    Places: TypeAlias = NDArray[np.intp]

#: Characters of an item that are read for numbers and the like.
READ = 2_000
#: Letters that two stems share at their beginning to be of one family: departs, departure.
FAMILY = 5


class Sources:
    """The items of all evidence with what is asked of them.

    ``texts`` is everything that will be asked, encoded in one go.
    """

    def __init__(
        self, all_evidence: Sequence[AssetEvidence], texts: Iterable[str], encoder: TextEncoder
    ) -> None:
        self.all_evidence = tuple(all_evidence)
        self.assets = {one.asset.id: one.asset for one in all_evidence}
        self.items: tuple[EvidenceItem, ...] = tuple(p for one in all_evidence for p in one.items)
        asked = list(dict.fromkeys(texts))
        self._numbers = {text: number for number, text in enumerate(asked)}
        queries = self._queries = embed_texts(encoder, asked)
        self.tokens = sum(encoder.count_tokens(text) for text in asked)
        rows = [one.vectors for one in all_evidence if len(one.items)]
        wide = max([queries.shape[1], *(row.shape[1] for row in rows)])
        vectors = np.vstack([_widened(row, wide) for row in rows]) if rows else np.zeros((0, wide))
        self.vectors: Floats = np.asarray(vectors, np.float32)
        self._cosines = np.asarray(_widened(queries, wide) @ self.vectors.T, np.float32)
        self.words = [tokens(item.text[:READ]) for item in self.items]
        self._starts = np.array([float(item.span.start) for item in self.items])
        self._ends = np.array([float(item.span.end) for item in self.items])
        self._holding: dict[str, list[int]] = {}
        for place, words in enumerate(self.words):
            for word in dict.fromkeys(words):
                self._holding.setdefault(word, []).append(place)
        self._read: dict[tuple[int, str], tuple[LiteralMatch, ...]] = {}
        self._covered: dict[tuple[str, ...], Floats] = {}
        self._family: dict[str, tuple[str, ...]] = {}

    @property
    def all(self) -> Places:
        return np.arange(len(self.items))

    def inside(self, places: Places, span: Span) -> Places:
        """Those of some items of which, or of whose part of it, a stretch holds the better part;
        and instants in it."""
        start, end = float(span.start), float(span.end)
        first, last = self._starts[places], self._ends[places]
        shared = np.minimum(last, end) - np.maximum(first, start)
        better = (shared > 0) & (2 * shared >= np.minimum(last - first, end - start))
        instant = (first == last) & (start <= first) & (first < end)
        return np.asarray(places[better | instant])

    def beside(self, places: Places, others: Sequence[int]) -> Places:
        """Those of some items that share time with one of the others."""
        shares = np.zeros(len(places), bool)
        for other in others:
            asset = self.items[other].asset_id
            same = np.array([self.items[int(n)].asset_id == asset for n in places], bool)
            first, last = self._starts[places], self._ends[places]
            shares |= same & (first <= self._ends[other]) & (last >= self._starts[other])
        return np.asarray(places[shares])

    def cosine(self, text: str) -> Floats:
        """How near each item is in meaning to a text that was announced (n,)."""
        return np.asarray(self._cosines[self._numbers[text]])

    def likeness(self, text: str, rows: Floats) -> Floats:
        """The same for other vectors of the encoder's space (m,)."""
        if rows.shape[1] != self._queries.shape[1]:
            return np.zeros(len(rows), np.float32)
        return np.asarray(rows @ self._queries[self._numbers[text]])

    def coverage(self, keys: tuple[str, ...]) -> Floats:
        """The share, by how rare each is, of some stems that each item holds (n,), 0..1."""
        found = self._covered.get(keys)
        if found is None:
            found = np.zeros(len(self.items), np.float32)
            weights = {key: self.weight(key) for key in keys}
            for key, weight in weights.items():
                places = {n for stem in self.family(key) for n in self._holding[stem]}
                found[list(places)] += weight
            found /= sum(weights.values()) or 1.0
            self._covered[keys] = found
        return found

    def share(self, intent: FieldIntent) -> Floats:
        """The coverage of a field's name, or of what is said of it (n,)."""
        if len(intent.more) < 2:
            return self.coverage(intent.keys)
        return np.maximum(self.coverage(intent.keys), self.coverage(intent.more))

    def weight(self, key: str) -> float:
        """How rare a stem is in the evidence; one that is nowhere weighs like the rarest."""
        matching = sum(len(self._holding[stem]) for stem in self.family(key))
        return inverse_frequency(max(1, min(matching, len(self.items))), max(1, len(self.items)))

    def family(self, key: str) -> tuple[str, ...]:
        """The stems in the evidence that are this one, or begin alike."""
        found = self._family.get(key)
        if found is None:
            found = tuple(stem for stem in self._holding if same_word(key, stem))
            self._family[key] = found
        return found

    def relevance(self, intent: FieldIntent) -> Floats:
        """How much each item has to do with a field (n,): the greater of what its meaning and
        its words share with it, and a little of the lesser."""
        near, covered = self.cosine(intent.text), self.share(intent)
        return np.asarray(np.maximum(near, covered) + 0.1 * np.minimum(near, covered), np.float32)

    def read(
        self, place: int, reader: Callable[[str], Iterable[LiteralMatch]]
    ) -> tuple[LiteralMatch, ...]:
        """The values in an item, parsed once."""
        key = (place, reader.__name__)
        if key not in self._read:
            self._read[key] = tuple(reader(self.items[place].text[:READ]))
        return self._read[key]


@lru_cache(maxsize=65536)
def same_word(one: str, other: str) -> bool:
    """Whether two stems are of one family."""
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= FAMILY and longer.startswith(shorter)


def _widened(rows: Floats, wide: int) -> Floats:
    return np.pad(rows, ((0, 0), (0, wide - rows.shape[1])))
