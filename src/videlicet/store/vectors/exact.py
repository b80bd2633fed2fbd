"""Exact search: every row in memory, one matrix product per query."""

from __future__ import annotations

from collections.abc import Mapping
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

    def changed(self, keep: set[int], new: Mapping[int, tuple[int, Chunk]]) -> Matrix:
        """The rows of the slots in ``keep`` and the new ones, in the order of slots."""
        parts: dict[int, tuple[int, Chunk]] = {}
        for slot, version, start, count in zip(
            self.slots.tolist(), self.versions.tolist(),
            self.starts.tolist(), self.counts.tolist(), strict=True,
        ):  # fmt: skip
            if slot in keep:
                rows = slice(start, start + count)
                chunk = Chunk(self.ids[rows], self.spans[rows], self.vectors[rows])
                parts[slot] = (version, chunk)
        parts.update(new)
        if not parts:
            return Matrix.empty(self.vectors.shape[1])
        order = sorted(parts)
        chunks = [parts[slot][1] for slot in order]
        counts = np.array([len(chunk.ids) for chunk in chunks], np.int64)
        return Matrix(
            slots=np.array(order, np.int64),
            versions=np.array([parts[slot][0] for slot in order], np.int64),
            starts=np.cumsum(counts) - counts,
            counts=counts,
            ids=np.concatenate([chunk.ids for chunk in chunks]),
            spans=np.concatenate([chunk.spans for chunk in chunks]),
            vectors=np.concatenate([chunk.vectors for chunk in chunks]),
        )

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
