"""From class probabilities into the space of a text encoder: ConSE.

Norouzi et al., 2014, "Zero-Shot Learning by Convex Combination of Semantic Embeddings": a picture
becomes the probability-weighted mean of the text vectors of its likeliest classes, and so lives in
the text encoder's space, where any query can be compared with it. It serves any classifier whose
classes have names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from videlicet.models.base import Floats


class Conse:
    """``vectors`` holds the unit text vector of each class, shape (classes, dimensions); ``top``
    classes of each picture count."""

    def __init__(self, vectors: Floats, top: int) -> None:
        self._vectors = vectors
        self._top = top

    def translate(self, probabilities: Floats) -> Floats:
        """Unit rows in the text space for probabilities of shape (n, classes)."""
        rows = np.zeros((len(probabilities), self._vectors.shape[1]), np.float32)
        for number, row in enumerate(probabilities):
            best = np.argsort(-row, kind="stable")[: self._top]
            rows[number] = unit(row[best] @ self._vectors[best])
        return rows


def unit(row: Floats) -> Floats:
    """A vector at unit length; zeros stay zeros."""
    length = float(np.linalg.norm(row))
    return np.asarray(row / length if length else row, dtype=np.float32)
