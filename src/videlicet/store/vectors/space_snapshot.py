"""What is searched at one version of a space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videlicet.store.records import VectorMatch
from videlicet.store.vectors.chunks import Floats, span_at, top_k
from videlicet.store.vectors.exact import VectorMatrix
from videlicet.store.vectors.ivf import IvfIndex

_BLOCK = 16_384
#: Bytes that an asset takes in ``assets``, about.
_ASSET = 200


@dataclass(frozen=True, slots=True)
class SpaceSnapshot:
    """The index, if one is built, and in ``matrix`` the rows it does not cover.

    ``alive`` says of each owner in the index whether the database still holds it as it was when
    the index was built; ``assets`` names the asset of each slot.
    """

    version: int
    inverted: IvfIndex | None
    alive: NDArray[np.bool_]
    matrix: VectorMatrix
    assets: dict[int, str]

    @property
    def nbytes(self) -> int:
        """Memory that it takes. Mapped files are the system's to keep or to drop."""
        return self.matrix.nbytes + _ASSET * len(self.assets)

    def search(
        self, queries: Floats, k: int, within: NDArray[np.int64] | None, threshold_rows: int
    ) -> list[list[VectorMatch]]:
        """For each unit query the ``k`` best rows of the slots ``within`` (all where ``None``).

        A filter that leaves at most ``threshold_rows`` rows of the index is searched exactly.
        """
        beside = self.matrix.search(queries, k, within)
        if self.inverted is None:
            return [self._matrix_matches(*top) for top in beside]
        inside = self._search_index(self.inverted, queries, k, within, threshold_rows)
        found = []
        for first, second in zip(beside, inside, strict=True):
            both = [*self._matrix_matches(*first), *self._index_matches(self.inverted, *second)]
            both.sort(key=lambda m: (-m.score, m.asset_id, m.id))
            found.append(both[:k])
        return found

    def _search_index(
        self,
        index: IvfIndex,
        queries: Floats,
        k: int,
        within: NDArray[np.int64] | None,
        threshold_rows: int,
    ) -> list[tuple[NDArray[np.intp], Floats]]:
        if within is None:
            return [index.search(query, k, self.alive) for query in queries]
        allowed = self.alive & np.isin(index.slots, within)
        rows = index.rows_of(np.flatnonzero(allowed))
        if rows.size > threshold_rows:
            return [index.search(query, k, allowed) for query in queries]
        scores = np.empty((rows.size, len(queries)), np.float32)
        for first in range(0, rows.size, _BLOCK):
            block = slice(first, first + _BLOCK)
            scores[block] = index.vectors[rows[block]] @ queries.T
        found = []
        for column in np.ascontiguousarray(scores.T):
            top = top_k(column, k)
            found.append((rows[top], column[top]))
        return found

    def _matrix_matches(self, rows: NDArray[np.intp], scores: Floats) -> list[VectorMatch]:
        slots, ids, spans = self.matrix.rows_at(rows)
        return self._matches(ids, slots, spans, scores)

    def _index_matches(
        self, index: IvfIndex, rows: NDArray[np.intp], scores: Floats
    ) -> list[VectorMatch]:
        slots = index.slots[index.owners[rows]]
        return self._matches(index.ids[rows], slots, index.spans[rows], scores)

    def _matches(
        self,
        ids: NDArray[np.bytes_],
        slots: NDArray[np.int64],
        spans: NDArray[np.int64],
        scores: Floats,
    ) -> list[VectorMatch]:
        return [
            VectorMatch(id.decode("ascii"), self.assets[slot], span_at(span), score)
            for id, slot, span, score in zip(
                ids.tolist(), slots.tolist(), spans.tolist(), scores.tolist(), strict=True
            )
        ]
