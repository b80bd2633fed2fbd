"""Latency and recall of vector search, beside an exact product in NumPy and LanceDB.

``python -m bench vectors [SIZE…]``. Vectors are drawn as encoders make them: topics, shots that
repeat themselves, a spectrum that falls off, a common direction; never independent noise, on which
every index looks bad and none is. Half of the queries are rows moved a little, half directions with
the rows' covariance but like none of them. Writes bench/results/vectors.md. LanceDB is measured
where it is installed (`pip install lancedb`); Videlicet does not need it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.entries import enter_asset
from videlicet.rights import Grant, Purpose
from videlicet.settings import Settings, load
from videlicet.store import VectorRow, open_store
from videlicet.store.vectors.vectors import Vectors
from videlicet.types import (
    MediaInfo,
    Modality,
    Span,
    derived_id,
)

SIZES = (10_000, 100_000, 1_000_000)
DIMENSIONS = 384
PER_ASSET = 100
QUERIES = 120
INGEST, SEARCH = Grant("bench", Purpose.INGEST), Grant("bench", Purpose.SEARCH)
SPACE = "minilm"
_MEDIA, _NOW = MediaInfo("mp4", Span.of(0, 5 * PER_ASSET), None, (), None), datetime.now(UTC)

Floats = NDArray[np.float32]
Find = Callable[[Floats], list[int]]


def rows_of(count: int) -> Floats:
    """``count`` unit rows in assets of 100: 2 to 3 topics each, every shot about five times."""
    rng = np.random.default_rng(0)
    spectrum = (np.arange(1, DIMENSIONS + 1) ** -0.6).astype(np.float32)
    topics = rng.standard_normal((3000, DIMENSIONS), dtype=np.float32) * spectrum
    weights = rng.zipf(1.3, len(topics)).clip(1, 200).astype(float)
    found = np.empty((count, DIMENSIONS), np.float32)
    for first in range(0, count, PER_ASSET):
        many = min(PER_ASSET, count - first)
        chosen = topics[rng.choice(len(topics), 3, p=weights / weights.sum())]
        shots = chosen[rng.integers(0, 3, many // 5 + 1)]
        shots = shots + 0.5 * rng.standard_normal(shots.shape, dtype=np.float32) * spectrum
        noise = rng.standard_normal((many, DIMENSIONS), dtype=np.float32)
        found[first : first + many] = np.repeat(shots, 5, axis=0)[:many] + 0.35 * noise * spectrum
    found += 0.3 * spectrum
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


def queries_of(rows: Floats) -> Floats:
    rng = np.random.default_rng(1)
    half = QUERIES // 2
    near = rows[rng.choice(len(rows), half)]
    near = near + 0.3 * rng.standard_normal(near.shape) / np.sqrt(DIMENSIONS)
    sample = rows[rng.choice(len(rows), 2048)]
    far = rng.standard_normal((half, len(sample))) @ (sample - sample.mean(axis=0))
    found = np.concatenate([near, far])
    unit: Floats = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
    return unit


def fill(settings: Settings, rows: Floats) -> tuple[str, float, float]:
    """Put the rows asset by asset; index id, seconds to put (with the indexes that become due on
    the way), seconds to build the index once more over all of them."""
    with open_store(settings, write=True, create=True) as store:
        index = store.catalog.create_index(store.scope(INGEST), "main", {})
        began = time.perf_counter()
        for first in range(0, len(rows), PER_ASSET):
            asset = derived_id(str(first))
            enter_asset(store, store.scope(INGEST), index, asset, asset, _MEDIA)
            store.vectors.put(
                store.scope(INGEST, index.id), Modality.VISUAL, SPACE, asset,
                [
                    VectorRow(str(first + n), Span(Fraction(5 * n), Fraction(5 * n + 5)), row)
                    for n, row in enumerate(rows[first : first + PER_ASSET])
                ],
            )  # fmt: skip
        put = time.perf_counter() - began
        began = time.perf_counter()
        if len(rows) > settings.ann_threshold_rows:
            assert isinstance(store.vectors, Vectors)
            store.vectors.optimize(store.scope(INGEST, index.id), force=True)
        return index.id, put, time.perf_counter() - began


def measured(find: Find, queries: Floats, truth: list[set[int]]) -> tuple[float, float, float]:
    """p50 and p95 in milliseconds, and recall@10."""
    find(queries[0])
    times, shares = [], []
    for query, right in zip(queries, truth, strict=True):
        began = time.perf_counter()
        found = find(query)
        times.append(time.perf_counter() - began)
        shares.append(len(right.intersection(found)) / len(right))
    p50, p95 = np.percentile(times, [50, 95]) * 1000
    return float(p50), float(p95), float(np.mean(shares))


def cold(settings: Settings, index_id: str) -> tuple[float, float]:
    """Milliseconds of the first search in a fresh process with the library imported, and its
    memory in MB."""
    code = (
        "import sys, time, numpy as np\n"
        "from bench.vectors import *\n"
        f"store = open_store(load({str(settings.home)!r}))\n"
        f"query = np.ones({DIMENSIONS}, np.float32)\n"
        "began = time.perf_counter()\n"
        f"scope = store.scope(SEARCH, {index_id!r})\n"
        "store.vectors.search(scope, Modality.VISUAL, SPACE, query, 10)\n"
        "print(1000 * (time.perf_counter() - began))\n"
        # Not getrusage: that remembers the memory of the process that started this one.
        "line = next(x for x in open('/proc/self/status') if x.startswith('VmHWM'))\n"
        "print(int(line.split()[1]) / 1024)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, memory = out.stdout.split()
    return float(first), float(memory)


def after_a_put(settings: Settings, index_id: str, queries: Floats) -> float:
    """How many times as long as a search takes what puts an asset of one row and then searches."""
    with open_store(settings, write=True) as store:
        within, ingest = store.scope(SEARCH, index_id), store.scope(INGEST, index_id)
        asset = derived_id(str(0))

        def search(query: Floats) -> float:
            began = time.perf_counter()
            store.vectors.search(within, Modality.VISUAL, SPACE, query, 10)
            return time.perf_counter() - began

        def put(query: Floats) -> float:
            began = time.perf_counter()
            row = VectorRow("new", Span(Fraction(0), Fraction(5)), query)
            store.vectors.put(ingest, Modality.VISUAL, SPACE, asset, [row])
            return time.perf_counter() - began

        search(queries[0])
        alone = [search(query) for query in queries[:20]]
        both = [put(query) + search(query) for query in queries[:20]]
    return float(np.median(both) / np.median(alone))


def ours(rows: Floats, queries: Floats, truth: list[set[int]]) -> Iterator[list[str]]:
    home = Path(tempfile.mkdtemp(prefix="videlicet-bench-"))
    try:
        settings = load(home)
        index_id, put, built = fill(settings, rows)
        with open_store(settings) as store:

            def find(query: Floats) -> list[int]:
                matches = store.vectors.search(
                    store.scope(SEARCH, index_id), Modality.VISUAL, SPACE, query, 10
                )
                return [int(match.id) for match in matches[0]]

            p50, p95, recall = measured(find, queries, truth)
            (space,) = store.vectors.statistics(store.scope(SEARCH, index_id))
        first, memory = cold(settings, index_id)
        ratio = after_a_put(settings, index_id, queries)
        index = space["index"]
        how = "exact" if index is None else (
            f"{index['nprobe']} of {index['nlist']} lists, "
            f"measured {index['recall_at_10']:.3f}"
        )  # fmt: skip
        how += f"; {ratio:.1f} times as long with a put before it"
        yield [
            f"**Videlicet** ({how})", f"{p50:.1f}", f"{p95:.1f}", f"{recall:.3f}",
            f"{put:.0f} + {built:.0f}", f"{first:.0f}", f"{memory:.0f}",
        ]  # fmt: skip
    finally:
        shutil.rmtree(home)


def numpy_rows(rows: Floats, queries: Floats, truth: list[set[int]]) -> Iterator[list[str]]:
    def find(query: Floats) -> list[int]:
        scores = rows @ query
        return [int(row) for row in np.argpartition(-scores, 10)[:10]]

    p50, p95, recall = measured(find, queries, truth)
    yield ["NumPy, exact, in memory", f"{p50:.1f}", f"{p95:.1f}", f"{recall:.3f}", "–", "–", "–"]


def lance(rows: Floats, queries: Floats, truth: list[set[int]]) -> Iterator[list[str]]:
    try:
        import lancedb
        import pyarrow as pa
    except ModuleNotFoundError:
        print("LanceDB is not installed: left out", flush=True)
        return
    home = tempfile.mkdtemp(prefix="videlicet-bench-")
    try:
        schema = pa.schema([("id", pa.int64()), ("vector", pa.list_(pa.float32(), DIMENSIONS))])

        def batches() -> Iterator[Any]:
            for first in range(0, len(rows), 50_000):
                part = rows[first : first + 50_000]
                vectors = pa.FixedSizeListArray.from_arrays(pa.array(part.ravel()), DIMENSIONS)
                yield pa.record_batch(
                    [pa.array(range(first, first + len(part))), vectors], schema=schema
                )

        began = time.perf_counter()
        table = lancedb.connect(home).create_table(
            "rows", pa.RecordBatchReader.from_batches(schema, batches())
        )
        put = time.perf_counter() - began

        def find(query: Floats) -> list[int]:
            found = (
                table.search(query).distance_type("cosine").limit(10).select(["id", "_distance"])
            )
            return [int(row) for row in found.to_arrow()["id"].to_pylist()]

        p50, p95, recall = measured(find, queries, truth)
        yield [
            "LanceDB, flat", f"{p50:.1f}", f"{p95:.1f}", f"{recall:.3f}", f"{put:.0f}", "–", "–",
        ]  # fmt: skip
        began = time.perf_counter()
        table.create_index(metric="cosine", vector_column_name="vector")
        built = time.perf_counter() - began
        p50, p95, recall = measured(find, queries, truth)
        yield [
            "LanceDB, its default index", f"{p50:.1f}", f"{p95:.1f}", f"{recall:.3f}",
            f"{put:.0f} + {built:.0f}", "–", "–",
        ]  # fmt: skip
    finally:
        shutil.rmtree(home)


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    lines = [
        "# Vector search",
        "",
        f"One lane, {DIMENSIONS} dimensions, ten best rows, {QUERIES} queries; milliseconds. "
        "*Built*: seconds to put all rows, and to build the index. *First*: the first search of a "
        "fresh process. *Memory*: its peak, MB. Recall is against the exact product.",
        "",
        "| rows | engine | p50 | p95 | recall@10 | built | first | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for size in sizes:
        rows = rows_of(size)
        queries = queries_of(rows)
        truth = [set(map(int, np.argpartition(-(rows @ query), 10)[:10])) for query in queries]
        for engine in (numpy_rows, ours, lance):
            for cells in engine(rows, queries, truth):
                lines.append(f"| {size:,} | {' | '.join(cells)} |")
                print(lines[-1], flush=True)
        del rows
    out = Path(__file__).parent / "results" / "vectors.md"
    out.parent.mkdir(exist_ok=True)
    out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
