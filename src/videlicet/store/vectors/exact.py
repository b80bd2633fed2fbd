"""Exact search: every row in memory, one matrix product per query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videlicet.store.vectors.chunks import ID_TYPE, SPAN_INTS, Chunk, Floats, best

#: Scores computed at once, so that many queries over many rows stay within 64 MB.
_SCORES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows laid end to end by slot. ``starts`` and ``counts`` locate each slot's rows;
    ``versions`` says which state of the slot they are."""

    slots: NDArray[np.int64]
    versions: NDArray[np.int64]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    ids: NDArray[np.bytes_]
    spans: NDArray[np.int64]
    vectors: Floats

    @classmethod
    def empty(cls, dimensions: int) -> Matrix:
        none = np.empty(0, np.int64)
        return cls(
            none, none, none, none,
            np.empty(0, ID_TYPE), np.empty((0, SPAN_INTS), np.int64),
            np.empty((0, dimensions), np.float32),
        )  # fmt: skip

    def held(self) -> dict[int, int]:
        """Version by slot."""
        return dict(zip(self.slots.tolist(), self.versions.tolist(), strict=True))

    def changed(
        self, layout: Sequence[tuple[int, int, int]], new: Iterable[tuple[int, int, Chunk]]
    ) -> Matrix:
        """The rows of ``layout`` (slot, version, rows; in the order of slots): those held here in
        that version, and those of ``new``. Memory is taken once, for the result."""
        slots, versions, counts = np.array(layout, np.int64).reshape(-1, 3).T
        starts = np.cumsum(counts) - counts
        total = int(counts.sum())
        made = Matrix(
            slots, versions, starts, counts,
            np.empty(total, ID_TYPE),
            np.empty((total, SPAN_INTS), np.int64),
            np.empty((total, self.vectors.shape[1]), np.float32),
        )  # fmt: skip
        places = dict(zip(slots.tolist(), starts.tolist(), strict=True))
        wanted = made.held()
        for slot, version, start, count in zip(
            self.slots.tolist(), self.versions.tolist(),
            self.starts.tolist(), self.counts.tolist(), strict=True,
        ):  # fmt: skip
            if wanted.get(slot) == version:
                rows = slice(start, start + count)
                made._place(
                    places[slot], Chunk(self.ids[rows], self.spans[rows], self.vectors[rows])
                )
        for slot, _, chunk in new:
            made._place(places[slot], chunk)
        return made

    def _place(self, start: int, chunk: Chunk) -> None:
        rows = slice(start, start + len(chunk.ids))
        self.ids[rows] = chunk.ids
        self.spans[rows] = chunk.spans
        self.vectors[rows] = chunk.vectors

    def search(
        self, queries: Floats, k: int, within: NDArray[np.int64] | None
    ) -> list[tuple[NDArray[np.intp], Floats]]:
        """For each query the ``k`` best rows (of the slots ``within``) with their scores."""
        rows: NDArray[np.intp] | None = None
        vectors = self.vectors
        if within is not None:
            chosen = np.flatnonzero(np.isin(self.slots, within))
            rows = _ranges(self.starts[chosen], self.counts[chosen])
            # A product with every row is cheaper than gathering most of them.
            if 4 * rows.size < len(vectors):
                vectors = vectors[rows]
        found = []
        step = max(1, _SCORES // max(1, len(vectors)))
        for first in range(0, len(queries), step):
            scores = vectors @ queries[first : first + step].T
            for column in range(scores.shape[1]):
                line = np.ascontiguousarray(scores[:, column])
                if rows is not None and len(line) != rows.size:
                    line = line[rows]
                top = best(line, k)
                found.append((top if rows is None else rows[top], line[top]))
        return found


def _ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.intp]:
    """Every position of the ranges ``starts[i] .. starts[i] + counts[i]``, in order."""
    if not counts.sum():
        return np.empty(0, np.intp)
    offsets = np.repeat(starts - (np.cumsum(counts) - counts), counts)
    found: NDArray[np.intp] = (np.arange(counts.sum()) + offsets).astype(np.intp)
    return found
