"""Search over many rows: an inverted file whose recall is measured, not assumed.

Rows are grouped around k-means centroids and laid end to end by group in a memory-mapped file; a
query looks at the groups whose centroids are nearest, exactly (IVF-Flat: Jégou, Douze and Schmid,
*Product Quantization for Nearest Neighbor Search*, 2011, without the quantization). How many
groups is settled when the file is built, by comparing with exact search over sampled queries.
docs/decisions/0003-vectors.md has the comparison with other engines.

A folder holds one generation and never changes, except that erased rows are overwritten with zeros.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videlicet.store.home import sync_folder
from videlicet.store.vectors.chunks import ID_BYTES, ID_TYPE, SPAN_INTS, Chunk, Floats, best
from videlicet.store.vectors.files import laid, mapped, saved, zeroed

#: Least measured recall of the ten best rows.
RECALL = 0.97
_SAMPLES_PER_CENTROID = 64
_ROUNDS = 8
#: Sampled queries of each kind.
_QUERIES = 128
_SEED = 20_261

Chunks = Callable[[], Iterable[tuple[int, int, Chunk]]]


@dataclass(frozen=True, slots=True)
class Sketch:
    """What the catalog keeps of a built index: where it is and how good it was measured to be."""

    generation: str
    version: int
    rows: int
    groups: int
    probes: int
    recall_at_10: float
    recall_at_100: float

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Sketch:
        return cls(**row)


class Inverted:
    """One generation, opened for reading (and, by the writer, for erasing)."""

    def __init__(self, folder: Path, dimensions: int, sketch: Sketch) -> None:
        self.folder = folder
        self.sketch = sketch
        self.dimensions = dimensions
        rows = sketch.rows
        self.vectors = mapped(folder / "vectors.f32", "<f4", (rows, dimensions))
        self.ids = mapped(folder / "ids.bin", ID_TYPE, (rows,))
        self.spans = mapped(folder / "spans.i64", "<i8", (rows, SPAN_INTS))
        #: Position in ``slots`` of each row's slot.
        self.owners = mapped(folder / "owners.i32", "<i4", (rows,))
        #: Rows in the order of their owner, and where each owner's begin.
        self.by_owner = mapped(folder / "by_owner.i64", "<i8", (rows,))
        self.centroids = np.fromfile(folder / "centroids.f32", "<f4").reshape(-1, dimensions)
        self.offsets = np.fromfile(folder / "offsets.i64", "<i8")
        table = np.fromfile(folder / "slots.i64", "<i8").reshape(-1, 3)
        self.slots, self.versions, self.firsts = table[:, 0], table[:, 1], table[:, 2]

    def held(self) -> dict[int, int]:
        """Version by slot."""
        return dict(zip(self.slots.tolist(), self.versions.tolist(), strict=True))

    def rows_of(self, owners: NDArray[np.intp]) -> NDArray[np.intp]:
        """Positions of all rows of these owners (positions in ``slots``), ascending."""
        ends = np.append(self.firsts[1:], len(self.by_owner))
        parts = [self.by_owner[self.firsts[o] : ends[o]] for o in owners.tolist()]
        if not parts:
            return np.empty(0, np.intp)
        return np.sort(np.concatenate(parts)).astype(np.intp)

    def search(
        self, query: Floats, k: int, allowed: NDArray[np.bool_], *, probes: int | None = None
    ) -> tuple[NDArray[np.intp], Floats]:
        """Of the rows whose owner is allowed, the ``k`` nearest found in the nearest groups.

        More groups than measured are looked at until they hold ``4 k`` allowed rows, so that a
        narrow filter does not starve the result.
        """
        order = np.argsort(-(self.centroids @ query), kind="stable")
        wanted = self.sketch.probes if probes is None else probes
        rows: list[NDArray[np.intp]] = []
        scores: list[Floats] = []
        seen = 0
        for nth, group in enumerate(order.tolist()):
            if nth >= wanted and (probes is not None or seen >= 4 * k):
                break
            first, last = int(self.offsets[group]), int(self.offsets[group + 1])
            if first == last:
                continue
            open_to = np.flatnonzero(allowed[self.owners[first:last]])
            if open_to.size:
                rows.append(open_to + first)
                scores.append((self.vectors[first:last] @ query)[open_to])
                seen += open_to.size
        if not rows:
            return np.empty(0, np.intp), np.empty(0, np.float32)
        positions, values = np.concatenate(rows), np.concatenate(scores)
        top = best(values, k)
        return positions[top], values[top]

    def is_erased(self, owner: int) -> bool:
        """Whether an owner's rows are overwritten already (an id is never empty)."""
        return not self.ids[self.by_owner[self.firsts[owner]]]

    def erase(self, owners: NDArray[np.intp]) -> int:
        """Overwrite all rows of these owners with zeros, and whatever was averaged from them."""
        gone = self.rows_of(owners)
        if not gone.size:
            return 0
        groups = np.unique(np.searchsorted(self.offsets, gone, side="right") - 1)
        for name, width in (
            ("vectors.f32", 4 * self.dimensions), ("ids.bin", ID_BYTES), ("spans.i64", 32),
        ):  # fmt: skip
            zeroed(self.folder / name, gone, width)
        # A centroid averages its group: where one asset fills a group it *is* that asset's vector.
        for group in groups.tolist():
            rows = self.vectors[self.offsets[group] : self.offsets[group + 1]]
            self.centroids[group] = _unit(rows.sum(axis=0, dtype=np.float64)[None])[0]
        saved(self.folder / "centroids.f32", self.centroids)
        return int(gone.size)


def build(
    folder: Path, chunks: Chunks, *, rows: int, dimensions: int, generation: str, version: int
) -> Sketch:
    """Build one generation in ``folder`` (which must not exist) and measure it.

    ``chunks()`` gives (slot, version, chunk) in the order of slots, the same each time. Memory
    stays near 64 rows per centroid; the rows are read three times.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        random = np.random.default_rng(_SEED)
        groups = max(16, 1 << round(np.log2(max(1.0, rows)) / 2))
        centroids = _centroids(_sample(chunks, rows, groups, random), groups, random)
        table, assigned = _assign(chunks, centroids)
        counts = np.bincount(assigned, minlength=len(centroids))
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype("<i8")
        places = np.empty(rows, np.int64)
        places[np.argsort(assigned, kind="stable")] = np.arange(rows)
        _lay(partial, chunks, places, rows, dimensions)
        saved(partial / "centroids.f32", centroids)
        saved(partial / "offsets.i64", offsets)
        saved(partial / "slots.i64", table)
        # ``places`` runs in the order of owners already.
        saved(partial / "by_owner.i64", places)
        draft = Sketch(generation, version, rows, len(centroids), len(centroids), 1.0, 1.0)
        sketch = measure(Inverted(partial, dimensions, draft), random)
        (partial / "sketch.json").write_text(json.dumps(sketch.to_json()))
        sync_folder(partial)
        partial.rename(folder)
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return sketch


def measure(index: Inverted, random: np.random.Generator) -> Sketch:
    """Choose how many groups to look at: the fewest whose recall@10 reaches ``RECALL``.

    Three kinds of queries are tried and the worst decides: rows moved a little (the same shot
    again), points between two rows, and directions like none of the rows, drawn with the rows' own
    covariance (words that describe a picture).
    """
    queries = _queries(index, random)
    exact = [_exact(index, part, 100) for part in queries]
    allowed = np.ones(len(index.slots), np.bool_)
    groups = len(index.centroids)
    probes = 4
    while True:
        probes = min(probes, groups)
        shallow = deep = 1.0
        for part, truth in zip(queries, exact, strict=True):
            found = [index.search(q, 100, allowed, probes=probes)[0] for q in part]
            shallow = min(shallow, _recall(found, truth, 10))
            deep = min(deep, _recall(found, truth, 100))
        if shallow >= RECALL or probes == groups:
            old = index.sketch
            return Sketch(
                old.generation, old.version, old.rows, groups, probes,
                round(shallow, 4), round(deep, 4),
            )  # fmt: skip
        probes = int(np.ceil(probes * 1.4))


def _queries(index: Inverted, random: np.random.Generator) -> list[Floats]:
    each = min(_QUERIES, index.sketch.rows)

    def some(count: int) -> Floats:
        chosen = np.sort(random.choice(index.sketch.rows, count, replace=False))
        found: Floats = index.vectors[chosen][random.permutation(count)]
        return found

    noise = random.standard_normal((each, index.dimensions))
    near = _unit(some(each) + 0.2 * _unit(noise))
    between = _unit(some(each) + 0.8 * some(each))
    sample = some(min(index.sketch.rows, 2048))
    weights = random.standard_normal((each, len(sample)))
    far = _unit(weights @ (sample - sample.mean(axis=0)))
    return [near, between, far]


def _exact(index: Inverted, queries: Floats, k: int) -> list[NDArray[np.intp]]:
    """The true ``k`` nearest rows of each query, read in blocks."""
    k = min(k, index.sketch.rows)
    scores = np.empty((len(queries), 0), np.float32)
    rows = np.empty((len(queries), 0), np.int64)
    for first in range(0, index.sketch.rows, 16_384):
        block = index.vectors[first : first + 16_384]
        scores = np.hstack([scores, queries @ block.T])
        numbers = np.arange(first, first + len(block))
        rows = np.hstack([rows, np.broadcast_to(numbers, (len(queries), len(block)))])
        if scores.shape[1] > k:
            top = np.argpartition(-scores, k - 1, axis=1)[:, :k]
            scores = np.take_along_axis(scores, top, axis=1)
            rows = np.take_along_axis(rows, top, axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")
    return list(np.take_along_axis(rows, order, axis=1).astype(np.intp))


def _recall(found: list[NDArray[np.intp]], truth: list[NDArray[np.intp]], k: int) -> float:
    shares = [
        np.intersect1d(mine[:k], right[:k]).size / min(k, right.size)
        for mine, right in zip(found, truth, strict=True)
    ]
    return float(np.mean(shares))


def _sample(chunks: Chunks, rows: int, groups: int, random: np.random.Generator) -> Floats:
    wanted = min(rows, groups * _SAMPLES_PER_CENTROID)
    chosen = np.sort(random.choice(rows, wanted, replace=False))
    parts = []
    first = 0
    for _, _, chunk in chunks():
        low, high = np.searchsorted(chosen, (first, first + len(chunk.ids)))
        parts.append(chunk.vectors[chosen[low:high] - first])
        first += len(chunk.ids)
    return np.concatenate(parts)


def _centroids(sample: Floats, groups: int, random: np.random.Generator) -> Floats:
    """Spherical k-means; empty groups are dropped."""
    found = _unit(sample[random.choice(len(sample), min(groups, len(sample)), replace=False)])
    for _ in range(_ROUNDS):
        nearest = _nearest(sample, found)
        order = np.argsort(nearest, kind="stable")
        firsts = np.flatnonzero(np.diff(nearest[order], prepend=-1))
        found = _unit(np.add.reduceat(sample[order], firsts, axis=0))
    return found


def _nearest(vectors: Floats, centroids: Floats) -> NDArray[np.intp]:
    return np.concatenate(
        [
            (vectors[first : first + 8192] @ centroids.T).argmax(axis=1)
            for first in range(0, len(vectors), 8192)
        ]
    )


def _assign(chunks: Chunks, centroids: Floats) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """(slot, version, first row) of each chunk, and the group of each row."""
    table = []
    parts = []
    first = 0
    for slot, version, chunk in chunks():
        table.append((slot, version, first))
        parts.append(_nearest(chunk.vectors, centroids))
        first += len(chunk.ids)
    return np.array(table, "<i8"), np.concatenate(parts)


def _lay(
    folder: Path, chunks: Chunks, places: NDArray[np.int64], rows: int, dimensions: int
) -> None:
    with (
        laid(folder / "vectors.f32", "<f4", (rows, dimensions)) as vectors,
        laid(folder / "ids.bin", ID_TYPE, (rows,)) as ids,
        laid(folder / "spans.i64", "<i8", (rows, SPAN_INTS)) as spans,
        laid(folder / "owners.i32", "<i4", (rows,)) as owners,
    ):
        first = 0
        for owner, (_, _, chunk) in enumerate(chunks()):
            where = places[first : first + len(chunk.ids)]
            vectors[where] = chunk.vectors
            ids[where] = chunk.ids
            spans[where] = chunk.spans
            owners[where] = owner
            first += len(chunk.ids)


def _unit(rows: NDArray[Any]) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
