"""Exact search: every row in memory, a matrix product of each block with the queries.

Rows stand in blocks that are only ever added to, so that a change copies no row that stays: what
is new is written behind the last row, and rows that are gone are passed over until they are a
share of all. A :class:`VectorMatrix` is one version of the rows and never changes; several versions
share their blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from videlicet.store.vectors.chunks import ID_BYTES, ID_TYPE, SPAN_INTS, Chunk, Floats

#: Scores computed at once, so that many queries over many rows stay within 64 MB.
_SCORES = 16 * 1024 * 1024
#: Values in a block: 32 MB of vectors.
_BLOCK_VALUES = 8 * 1024 * 1024
#: Rows of the smallest block; later ones have room for a quarter of what is there already.
_LEAST_ROWS = 256
_GROWTH = 0.25
#: Share of rows that are gone at which the others are copied into blocks of their own.
_COMPACTION_SHARE = 0.25


class Block:
    """Room for rows. Rows that were written never change, so versions may share them; ``filled``
    is how many the newest version has written."""

    def __init__(self, room: int, dimensions: int) -> None:
        self.ids = np.empty(room, ID_TYPE)
        self.spans = np.empty((room, SPAN_INTS), np.int64)
        self.vectors = np.empty((room, dimensions), np.float32)
        self.filled = 0

    @property
    def capacity(self) -> int:
        return len(self.ids)

    def append(self, chunk: Chunk) -> None:
        rows = slice(self.filled, self.filled + len(chunk.ids))
        self.ids[rows] = chunk.ids
        self.spans[rows] = chunk.spans
        self.vectors[rows] = chunk.vectors
        self.filled = rows.stop


class Rows(NamedTuple):
    """Some rows of a matrix: the slot of each, its id, and its span."""

    slots: NDArray[np.int64]
    ids: NDArray[np.bytes_]
    spans: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class VectorMatrix:
    """One version of the rows of a space.

    A row's position counts the rows before it, block by block; ``ends`` is the position after the
    last row of each block. ``slots``, ``versions``, ``starts`` and ``counts`` locate the rows of
    each slot, in the order of positions; ``gaps`` are (position, rows) that are gone.
    """

    dimensions: int
    blocks: tuple[Block, ...]
    ends: NDArray[np.int64]
    slots: NDArray[np.int64]
    versions: NDArray[np.int64]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    deleted_ranges: NDArray[np.int64]

    @classmethod
    def empty(cls, dimensions: int) -> VectorMatrix:
        none = np.empty(0, np.int64)
        return cls(dimensions, (), none, none, none, none, none, np.empty((0, 2), np.int64))

    @property
    def rows(self) -> int:
        """How many rows there are, those that are gone not counted."""
        return int(self.counts.sum())

    @property
    def nbytes(self) -> int:
        """Memory that the rows take, those included that are gone."""
        row = ID_BYTES + 8 * SPAN_INTS + 4 * self.dimensions
        return row * self._last + 32 * len(self.slots)

    @property
    def _last(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def versions_by_slot(self) -> dict[int, int]:
        """Version by slot."""
        return dict(zip(self.slots.tolist(), self.versions.tolist(), strict=True))

    def with_changes(
        self, layout: Sequence[tuple[int, int, int]], new: Iterable[tuple[int, int, Chunk]]
    ) -> VectorMatrix:
        """The rows of ``layout`` (slot, version, rows): those that are here in that version, and
        those of ``new``, which are all others."""
        wanted = {slot: version for slot, version, _ in layout}
        stays = np.array(
            [wanted.get(slot) == version for slot, version in self.versions_by_slot().items()],
            np.bool_,
        )
        gaps = np.concatenate(
            [self.deleted_ranges, np.stack([self.starts[~stays], self.counts[~stays]], axis=1)]
        )
        total = sum(count for _, _, count in layout)
        arriving = total - int(self.counts[stays].sum())
        made = VectorMatrix(
            self.dimensions, self.blocks, self.ends, self.slots[stays], self.versions[stays],
            self.starts[stays], self.counts[stays], gaps,
        )  # fmt: skip
        gone = int(gaps[:, 1].sum())
        if gone > _COMPACTION_SHARE * (total + gone):
            made = VectorMatrix.empty(self.dimensions)._append(made._chunks(), made.rows, total)
        return made._append(new, arriving, total)

    def _append(
        self, new: Iterable[tuple[int, int, Chunk]], arriving: int, total: int
    ) -> VectorMatrix:
        """These rows and new ones behind them: ``arriving`` many, to make ``total``."""
        blocks, ends, last = list(self.blocks), self.ends.tolist(), self._last
        table: list[tuple[int, int, int, int]] = []
        for slot, version, chunk in new:
            count = len(chunk.ids)
            if not blocks or not self._continues(blocks, ends, count):
                blocks.append(Block(max(count, self._room(arriving, total)), self.dimensions))
                ends.append(last)
            blocks[-1].append(chunk)
            table.append((slot, version, last, count))
            last += count
            arriving -= count
            ends[-1] = last
        slots, versions, starts, counts = np.array(table, np.int64).reshape(-1, 4).T
        return VectorMatrix(
            self.dimensions, tuple(blocks), np.array(ends, np.int64),
            np.append(self.slots, slots), np.append(self.versions, versions),
            np.append(self.starts, starts), np.append(self.counts, counts), self.deleted_ranges,
        )  # fmt: skip

    def _continues(self, blocks: Sequence[Block], ends: Sequence[int], count: int) -> bool:
        """Whether the last block has room, and no other version has written behind this one."""
        used = ends[-1] - (ends[-2] if len(ends) > 1 else 0)
        return blocks[-1].filled == used and blocks[-1].capacity - used >= count

    def _room(self, arriving: int, total: int) -> int:
        return min(
            max(arriving, int(_GROWTH * total), _LEAST_ROWS), _BLOCK_VALUES // self.dimensions
        )

    def _chunks(self) -> Iterable[tuple[int, int, Chunk]]:
        table = zip(
            self.slots.tolist(), self.versions.tolist(), self.starts.tolist(),
            self.counts.tolist(), strict=True,
        )  # fmt: skip
        for slot, version, start, count in table:
            block, first = self._place(start)
            rows = slice(first, first + count)
            yield slot, version, Chunk(block.ids[rows], block.spans[rows], block.vectors[rows])

    def _place(self, position: int) -> tuple[Block, int]:
        number = int(np.searchsorted(self.ends, position, side="right"))
        return self.blocks[number], position - (int(self.ends[number - 1]) if number else 0)

    def search(
        self, queries: Floats, k: int, within: NDArray[np.int64] | None
    ) -> list[tuple[NDArray[np.intp], Floats]]:
        """For each query the positions of the ``k`` best rows (of the slots ``within``) with their
        scores, best first; of equal scores the lower slot, and the row put first, comes first."""
        positions: NDArray[np.intp] | None = None
        gather = False
        if within is not None:
            chosen = np.flatnonzero(np.isin(self.slots, within))
            positions = _ranges(self.starts[chosen], self.counts[chosen])
            # A product with every row is cheaper than gathering most of them.
            gather = 4 * positions.size < self._last
        elif len(self.deleted_ranges):
            positions = _ranges(self.starts, self.counts)
        found = []
        rows = positions.size if gather and positions is not None else self._last
        step = max(1, _SCORES // max(1, rows))
        for first in range(0, len(queries), step):
            some = queries[first : first + step]
            scores = self._scores(some, positions if gather else None)
            for column in range(scores.shape[1]):
                line = np.ascontiguousarray(scores[:, column])
                if positions is not None and not gather:
                    line = line[positions]
                found.append(self._best(line, positions, k))
        return found

    def _scores(self, queries: Floats, positions: NDArray[np.intp] | None) -> Floats:
        """The product of rows (all, or those at ascending positions) with each query."""
        size = self._last if positions is None else positions.size
        scores = np.empty((size, len(queries)), np.float32)
        first = done = 0
        for block, end in zip(self.blocks, self.ends.tolist(), strict=True):
            rows = block.vectors[: end - first]
            if positions is not None:
                low, high = np.searchsorted(positions, (first, end))
                rows = rows[positions[low:high] - first]
            np.matmul(rows, queries.T, out=scores[done : done + len(rows)])
            done += len(rows)
            first = end
        return scores

    def _best(
        self, scores: Floats, positions: NDArray[np.intp] | None, k: int
    ) -> tuple[NDArray[np.intp], Floats]:
        near = np.arange(scores.size)
        if k < scores.size:
            border = np.partition(scores, scores.size - k)[scores.size - k]
            near = np.flatnonzero(scores >= border)
        at = near if positions is None else positions[near]
        owners = self._owners(at)
        top = np.lexsort((at - self.starts[owners], self.slots[owners], -scores[near]))[:k]
        return at[top], scores[near][top]

    def _owners(self, positions: NDArray[np.intp]) -> NDArray[np.intp]:
        """For each position the place of its slot in ``slots``."""
        return np.searchsorted(self.starts, positions, side="right") - 1

    def rows_at(self, positions: NDArray[np.intp]) -> Rows:
        """The rows at some positions."""
        ids = np.empty(positions.size, ID_TYPE)
        spans = np.empty((positions.size, SPAN_INTS), np.int64)
        first = 0
        for block, end in zip(self.blocks, self.ends.tolist(), strict=True):
            mine = np.flatnonzero((positions >= first) & (positions < end))
            ids[mine] = block.ids[positions[mine] - first]
            spans[mine] = block.spans[positions[mine] - first]
            first = end
        return Rows(self.slots[self._owners(positions)], ids, spans)


def _ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.intp]:
    """Every position of the ranges ``starts[i] .. starts[i] + counts[i]``, in order."""
    if not counts.sum():
        return np.empty(0, np.intp)
    offsets = np.repeat(starts - (np.cumsum(counts) - counts), counts)
    found: NDArray[np.intp] = (np.arange(counts.sum()) + offsets).astype(np.intp)
    return found
