"""Whether evidence has to do with given words at all, or is merely the nearest there is.

The floors were measured with the starter text encoder on the development corpus: of 80 pairs of
words and recordings that belong together 72 are above one of them, of 870 pairs that do not 12 are,
half of which are near to each other (tennis where a ball is played).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from videlicet.analyze.evidence.pack import relevance
from videlicet.types import Modality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.analyze.evidence.load import AssetEvidence

    Floats = NDArray[np.float32]

#: From which relevance on an item has to do with some words, by its kind. Names of things seen are
#: one word, as queries often are, and single words are near to each other.
FLOORS: Mapping[Modality, float] = {Modality.SPEECH: 0.35, Modality.TEXT: 0.35}
LABEL_FLOOR = 0.48
#: From which cosine on pictures have to do with them by how they look.
FRAME_FLOOR = 0.6


def item_relevance(evidence: AssetEvidence, words: str, vector: Floats) -> Floats:
    """How much each item has to do with some words of that vector (d,), about 0..1 (n,): 0 where
    that is too little to be more than chance."""
    if not evidence.items:
        return np.zeros(0, np.float32)
    values = relevance(evidence.items, evidence.vectors, words, vector)
    floors = [FLOORS.get(item.modality, LABEL_FLOOR) for item in evidence.items]
    return np.asarray(np.where(values >= np.array(floors, np.float32), values, 0), np.float32)


def frame_relevance(rows: Floats, vector: Floats) -> Floats:
    """The same for pictures by how they look (m, d)."""
    if rows.shape[1] != len(vector):
        return np.zeros(len(rows), np.float32)
    near = rows @ vector
    return np.asarray(np.where(near >= FRAME_FLOOR, near, 0), np.float32)


def is_relevant(all_evidence: Sequence[AssetEvidence], words: str, vector: Floats) -> bool:
    """Whether anything said, written or seen has to do with some words of that vector (d,)."""
    return any(
        item_relevance(one, words, vector).any()
        or frame_relevance(one.frame_vectors.rows, vector).any()
        for one in all_evidence
    )
