"""A pack: as much evidence as fits into a number of tokens, chosen by how much it tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from videlicet.search.words import terms, tokens
from videlicet.types import EvidenceItem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.analyze.evidence.load import AssetEvidence

    Floats = NDArray[np.float32]

#: How much what is alike already in the pack counts against an item (Carbonell and Goldstein,
#: *The Use of MMR*, 1998: 1 - lambda).
SIMILARITY_PENALTY = 0.3
#: What an item takes beside its words: its number, times and line end.
FRAME_TOKENS = 12


class HasText(Protocol):
    """Anything with a text: an item, or a part of one."""

    @property
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Pack:
    """Evidence in the order of assets and time. ``names`` are those of the assets; ``left_out``
    counts items that did not fit."""

    items: tuple[EvidenceItem, ...]
    names: Mapping[str, str]
    tokens: int
    left_out: int

    def __add__(self, other: Pack) -> Pack:
        return Pack(
            self.items + other.items,
            {**self.names, **other.names},
            self.tokens + other.tokens,
            self.left_out + other.left_out,
        )


def pack(
    all_evidence: Sequence[AssetEvidence],
    budget: int,
    count: Callable[[str], int],
    query: tuple[str, Floats] | None = None,
) -> Pack:
    """The items of ``all_evidence`` that tell most, in at most ``budget`` tokens as ``count``
    counts them. ``query`` is a question with its vector (d,); without one, what is typical of its
    own asset tells most. Of items that are alike the first one chosen makes the others less
    welcome.

    The choice is greedy by maximal marginal relevance (Carbonell and Goldstein, 1998).
    """
    items = [item for evidence in all_evidence for item in evidence.items]
    if not items:
        return Pack((), _names(all_evidence), 0, 0)
    wide = max(evidence.vectors.shape[1] for evidence in all_evidence)
    if query is not None:
        wide = max(wide, len(query[1]))
    vectors = np.vstack([_widened(evidence.vectors, wide) for evidence in all_evidence])
    merits = (
        np.concatenate([centrality(evidence.vectors) for evidence in all_evidence])
        if query is None
        else relevance(items, vectors, *query)
    )
    sizes = [count(item.text) + FRAME_TOKENS for item in items]
    chosen: list[int] = []
    spent = 0
    alike = np.zeros(len(items), np.float32)
    open_ = np.ones(len(items), bool)
    while open_.any():
        best = int(np.argmax(np.where(open_, merits - SIMILARITY_PENALTY * alike, -np.inf)))
        open_[best] = False
        if spent + sizes[best] > budget:
            continue
        chosen.append(best)
        spent += sizes[best]
        np.maximum(alike, vectors @ vectors[best], out=alike)
    chosen.sort()
    return Pack(
        tuple(items[n] for n in chosen), _names(all_evidence), spent, len(items) - len(chosen)
    )


def relevance(
    items: Sequence[HasText], vectors: Floats, question: str, vector: Floats
) -> NDArray[np.float32]:
    """How much each item has to do with a question, about 0..1: the greater of what its meaning
    and its words share with it."""
    wanted = set(terms(question))
    shared = [len(wanted & set(tokens(item.text))) / max(1, len(wanted)) for item in items]
    return np.asarray(np.maximum(vectors @ vector, np.array(shared, np.float32)))


def centrality(vectors: Floats) -> NDArray[np.float32]:
    """How near each item is to the middle of all (n,): the cosine with the mean direction."""
    middle = vectors.mean(axis=0)
    length = float(np.linalg.norm(middle))
    return np.asarray(vectors @ middle / (length or 1.0), np.float32)


def _names(all_evidence: Sequence[AssetEvidence]) -> dict[str, str]:
    return {evidence.asset.id: evidence.asset.name for evidence in all_evidence}


def _widened(rows: Floats, wide: int) -> Floats:
    return np.pad(rows, ((0, 0), (0, wide - rows.shape[1])))
