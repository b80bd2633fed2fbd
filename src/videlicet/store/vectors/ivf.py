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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videlicet.store.home import sync_folder
from videlicet.store.vectors.chunks import ID_BYTES, ID_TYPE, SPAN_INTS, Chunk, Floats, top_k
from videlicet.store.vectors.mapped_files import map_array, new_mapped_array, save_array, zero_rows

#: Least measured recall of the ten best rows.
RECALL = 0.97
_SAMPLES_PER_CENTROID = 64
_ROUNDS = 8
#: Sampled queries of each kind.
_QUERIES = 128
_SEED = 20_261

#: Rows copied at once.
_COPY_ROWS = 16_384
#: Files of the rows that an index is being built of.
_STAGED = ("staged.f32", "staged.ids", "staged.i64")


@dataclass(frozen=True, slots=True)
class IvfMetadata:
    """What the catalog keeps of a built index: where it is and how good it was measured to be."""

    generation: str
    version: int
    rows: int
    nlist: int
    nprobe: int
    recall_at_10: float
    recall_at_100: float

    def to_json(self) -> dict[str, Any]:
        return {
            "generation": self.generation,
            "version": self.version,
            "rows": self.rows,
            "nlist": self.nlist,
            "nprobe": self.nprobe,
            "recall_at_10": self.recall_at_10,
            "recall_at_100": self.recall_at_100,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> IvfMetadata:
        return cls(
            generation=row["generation"],
            version=row["version"],
            rows=row["rows"],
            nlist=row["nlist"],
            nprobe=row["nprobe"],
            recall_at_10=row["recall_at_10"],
            recall_at_100=row["recall_at_100"],
        )


class IvfIndex:
    """One generation, opened for reading (and, by the writer, for erasing)."""

    def __init__(self, folder: Path, dimensions: int, metadata: IvfMetadata) -> None:
        self.folder = folder
        self.metadata = metadata
        self.dimensions = dimensions
        rows = metadata.rows
        self.vectors = map_array(folder / "vectors.f32", "<f4", (rows, dimensions))
        self.ids = map_array(folder / "ids.bin", ID_TYPE, (rows,))
        self.spans = map_array(folder / "spans.i64", "<i8", (rows, SPAN_INTS))
        #: Position in ``slots`` of each row's slot.
        self.owners = map_array(folder / "owners.i32", "<i4", (rows,))
        #: Rows in the order of their owner, and where each owner's begin.
        self.by_owner = map_array(folder / "by_owner.i64", "<i8", (rows,))
        self.centroids = np.fromfile(folder / "centroids.f32", "<f4").reshape(-1, dimensions)
        self.offsets = np.fromfile(folder / "offsets.i64", "<i8")
        table = np.fromfile(folder / "slots.i64", "<i8").reshape(-1, 3)
        self.slots, self.versions, self.firsts = table[:, 0], table[:, 1], table[:, 2]

    def versions_by_slot(self) -> dict[int, int]:
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
        self, query: Floats, k: int, allowed: NDArray[np.bool_], *, nprobe: int | None = None
    ) -> tuple[NDArray[np.intp], Floats]:
        """Of the rows whose owner is allowed, the ``k`` nearest found in the nearest groups.

        More groups than measured are looked at until they hold ``4 k`` allowed rows, so that a
        narrow filter does not starve the result.
        """
        order = np.argsort(-(self.centroids @ query), kind="stable")
        wanted = self.metadata.nprobe if nprobe is None else nprobe
        rows: list[NDArray[np.intp]] = []
        scores: list[Floats] = []
        seen = 0
        for nth, group in enumerate(order.tolist()):
            if nth >= wanted and (nprobe is not None or seen >= 4 * k):
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
        top = top_k(values, k)
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
            zero_rows(self.folder / name, gone, width)
        # A centroid averages its group: where one asset fills a group it *is* that asset's vector.
        for group in groups.tolist():
            rows = self.vectors[self.offsets[group] : self.offsets[group + 1]]
            self.centroids[group] = _unit(rows.sum(axis=0, dtype=np.float64)[None])[0]
        save_array(self.folder / "centroids.f32", self.centroids)
        return int(gone.size)


def stage(
    folder: Path, chunks: Iterable[tuple[int, int, Chunk]], *, rows: int, dimensions: int
) -> NDArray[np.int64]:
    """Copy the rows that an index is to be built of beside ``folder`` (which must not exist), for
    :func:`build`. ``chunks`` gives (slot, version, chunk); returned is (slot, version, first row)
    of each. So rows can be read in a short transaction, and the index be built after it."""
    partial = _partial(folder)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    table = []
    first = 0
    with (
        new_mapped_array(partial / _STAGED[0], "<f4", (rows, dimensions)) as vectors,
        new_mapped_array(partial / _STAGED[1], ID_TYPE, (rows,)) as ids,
        new_mapped_array(partial / _STAGED[2], "<i8", (rows, SPAN_INTS)) as spans,
    ):
        for slot, version, chunk in chunks:
            here = slice(first, first + len(chunk.ids))
            vectors[here], ids[here], spans[here] = chunk.vectors, chunk.ids, chunk.spans
            table.append((slot, version, first))
            first = here.stop
    return np.array(table, "<i8").reshape(-1, 3)


def discard(folder: Path) -> None:
    """Remove what is left of a generation that was not finished."""
    shutil.rmtree(_partial(folder), ignore_errors=True)


def build(
    folder: Path,
    table: NDArray[np.int64],
    *,
    rows: int,
    dimensions: int,
    generation: str,
    version: int,
) -> IvfMetadata:
    """Build one generation in ``folder`` from the rows that :func:`stage` copied, and measure it.
    Memory stays near 64 rows per centroid."""
    partial = _partial(folder)
    random = np.random.default_rng(_SEED)
    groups = max(16, 1 << round(np.log2(max(1.0, rows)) / 2))
    vectors = map_array(partial / _STAGED[0], "<f4", (rows, dimensions))
    sample = vectors[np.sort(_sample_rows(rows, groups * _SAMPLES_PER_CENTROID, random))]
    centroids = _centroids(sample, groups, random)
    assigned = _nearest(vectors, centroids)
    counts = np.bincount(assigned, minlength=len(centroids))
    places = np.empty(rows, np.int64)
    places[np.argsort(assigned, kind="stable")] = np.arange(rows)
    _write_rows(partial, table, places, rows, dimensions)
    save_array(partial / "centroids.f32", centroids)
    save_array(partial / "offsets.i64", np.concatenate([[0], np.cumsum(counts)]).astype("<i8"))
    save_array(partial / "slots.i64", table)
    # ``places`` runs in the order of owners already.
    save_array(partial / "by_owner.i64", places)
    draft = IvfMetadata(generation, version, rows, len(centroids), len(centroids), 1.0, 1.0)
    metadata = measure(IvfIndex(partial, dimensions, draft), random)
    (partial / "metadata.json").write_text(json.dumps(metadata.to_json()))
    for name in _STAGED:
        (partial / name).unlink()
    sync_folder(partial)
    partial.rename(folder)
    sync_folder(folder.parent)
    return metadata


def _partial(folder: Path) -> Path:
    return folder.with_name(folder.name + ".partial")


def measure(index: IvfIndex, random: np.random.Generator) -> IvfMetadata:
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
            found = [index.search(q, 100, allowed, nprobe=probes)[0] for q in part]
            shallow = min(shallow, _recall(found, truth, 10))
            deep = min(deep, _recall(found, truth, 100))
        if shallow >= RECALL or probes == groups:
            old = index.metadata
            return IvfMetadata(
                old.generation, old.version, old.rows, groups, probes,
                round(shallow, 4), round(deep, 4),
            )  # fmt: skip
        probes = int(np.ceil(probes * 1.4))


def _queries(index: IvfIndex, random: np.random.Generator) -> list[Floats]:
    each = min(_QUERIES, index.metadata.rows)

    def some(count: int) -> Floats:
        chosen = np.sort(random.choice(index.metadata.rows, count, replace=False))
        found: Floats = index.vectors[chosen][random.permutation(count)]
        return found

    noise = random.standard_normal((each, index.dimensions))
    near = _unit(some(each) + 0.2 * _unit(noise))
    between = _unit(some(each) + 0.8 * some(each))
    sample = some(min(index.metadata.rows, 2048))
    weights = random.standard_normal((each, len(sample)))
    far = _unit(weights @ (sample - sample.mean(axis=0)))
    return [near, between, far]


def _exact(index: IvfIndex, queries: Floats, k: int) -> list[NDArray[np.intp]]:
    """The true ``k`` nearest rows of each query, read in blocks."""
    k = min(k, index.metadata.rows)
    scores = np.empty((len(queries), 0), np.float32)
    rows = np.empty((len(queries), 0), np.int64)
    for first in range(0, index.metadata.rows, 16_384):
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


def _sample_rows(rows: int, wanted: int, random: np.random.Generator) -> NDArray[np.intp]:
    found: NDArray[np.intp] = random.choice(rows, min(rows, wanted), replace=False)
    return found


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


def _write_rows(
    folder: Path, table: NDArray[np.int64], places: NDArray[np.int64], rows: int, dimensions: int
) -> None:
    """Lay the staged rows out at their places, and beside each the number of its owner."""
    counts = np.diff(np.append(table[:, 2], rows))
    with new_mapped_array(folder / "owners.i32", "<i4", (rows,)) as owners:
        owners[places] = np.repeat(np.arange(len(table)), counts)
    for staged, name, kind, shape in (
        (_STAGED[0], "vectors.f32", np.dtype("<f4"), (rows, dimensions)),
        (_STAGED[1], "ids.bin", ID_TYPE, (rows,)),
        (_STAGED[2], "spans.i64", np.dtype("<i8"), (rows, SPAN_INTS)),
    ):
        source = map_array(folder / staged, kind, shape)
        with new_mapped_array(folder / name, kind, shape) as target:
            for first in range(0, rows, _COPY_ROWS):
                target[places[first : first + _COPY_ROWS]] = source[first : first + _COPY_ROWS]


def _unit(rows: NDArray[Any]) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
