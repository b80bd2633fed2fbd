"""The rows in memory: what is found, what a change copies, and how much memory all of it takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.store.samples import EXPORT, INGEST, MANAGE, SEARCH, asset, enter, settings

from videlicet.settings import Settings
from videlicet.store import Store, VectorRow, open_store
from videlicet.store.vectors import exact
from videlicet.store.vectors.chunks import ID_TYPE, Chunk, Floats
from videlicet.store.vectors.exact import VectorMatrix
from videlicet.types import Index, Modality, Span, derived_id

DIMENSIONS = 3
SPACE = "space"
#: Exact in floats, so that scores are equal whatever the order of sums, and many are.
_values = st.lists(st.tuples(*[st.sampled_from([-1.0, 0.0, 0.5, 1.0])] * DIMENSIONS), max_size=6)
_change = st.dictionaries(st.integers(1, 9), st.none() | _values, max_size=4)


def _chunk(slot: int, version: int, values: list[tuple[float, ...]]) -> Chunk:
    count = len(values)
    return Chunk(
        np.array([f"{slot}.{version}.{n}".encode() for n in range(count)], ID_TYPE),
        np.arange(4 * count, dtype=np.int64).reshape(count, 4) + slot,
        np.array(values, np.float32).reshape(count, DIMENSIONS),
    )


Rows = dict[int, tuple[int, Chunk]]


def _found_in_a_copy(
    rows: Rows, query: Floats, k: int, within: NDArray[np.int64] | None
) -> list[tuple[Any, ...]]:
    """All rows laid end to end in the order of slots, scored, and the best of them."""
    scored = [
        (-float(chunk.vectors[n] @ query), slot, n, chunk)
        for slot, (_, chunk) in sorted(rows.items())
        if within is None or slot in within
        for n in range(len(chunk.ids))
    ]
    scored.sort(key=lambda row: row[:3])
    return [
        (-score, slot, chunk.ids[n], chunk.spans[n].tolist())
        for score, slot, n, chunk in scored[:k]
    ]


def _found(
    matrix: VectorMatrix, queries: Floats, k: int, within: NDArray[np.int64] | None
) -> list[list[tuple[Any, ...]]]:
    found = []
    for positions, scores in matrix.search(queries, k, within):
        slots, ids, spans = matrix.rows_at(positions)
        found.append(
            list(zip(scores.tolist(), slots.tolist(), ids.tolist(), spans.tolist(), strict=True))
        )
    return found


@given(
    changes=st.lists(_change, min_size=1, max_size=12),
    within=st.none() | st.sets(st.integers(1, 10)),
    k=st.integers(1, 40),
    block=st.integers(3, 40),
)
@examples(max_examples=150)
def test_what_is_found_is_what_a_copy_of_all_rows_gives(
    changes: list[dict[int, Any]], within: set[int] | None, k: int, block: int
) -> None:
    rows: Rows = {}
    matrix = VectorMatrix.empty(DIMENSIONS)
    queries = np.eye(DIMENSIONS, dtype=np.float32)
    chosen = None if within is None else np.array(sorted(within), np.int64)
    earlier: list[tuple[VectorMatrix, Rows]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "_BLOCK_VALUES", block)
        patch.setattr(exact, "_LEAST_ROWS", 2)
        for version, change in enumerate(changes):
            for slot, values in change.items():
                rows.pop(slot, None)
                if values:
                    rows[slot] = (version, _chunk(slot, version, values))
            layout = [(slot, v, len(chunk.ids)) for slot, (v, chunk) in sorted(rows.items())]
            versions = matrix.versions_by_slot()
            fresh = [(s, v, c) for s, (v, c) in sorted(rows.items()) if versions.get(s) != v]
            matrix = matrix.with_changes(layout, fresh)
            earlier.append((matrix, dict(rows)))
            assert matrix.rows == sum(count for _, _, count in layout)
        # Earlier versions return what they returned before.
        for one, then in earlier:
            assert _found(one, queries, k, chosen) == [
                _found_in_a_copy(then, query, k, chosen) for query in queries
            ]


def test_two_versions_that_follow_one_do_not_write_over_each_other() -> None:
    old = VectorMatrix.empty(DIMENSIONS).with_changes(
        [(1, 1, 1)], [(1, 1, _chunk(1, 1, [(1, 0, 0)]))]
    )
    first = old.with_changes([(1, 1, 1), (2, 2, 1)], [(2, 2, _chunk(2, 2, [(0, 1, 0)]))])
    second = old.with_changes([(1, 1, 1), (3, 2, 1)], [(3, 2, _chunk(3, 2, [(0, 0, 1)]))])
    query = np.eye(DIMENSIONS, dtype=np.float32)
    assert [row[0][1] for row in _found(first, query[1:2], 1, None)] == [2]
    assert [row[0][1] for row in _found(second, query[2:3], 1, None)] == [3]


# -- in a store ---------------------------------------------------------------------------------


def _put(store: Store, index: Index, name: str, rows: Floats, space: str = SPACE) -> str:
    id = enter(store, index, asset(name)).id
    store.vectors.put(
        store.scope(INGEST, index.id), Modality.VISUAL, space, id,
        [VectorRow(derived_id(id, str(n)), Span.of(n, n + 1), row) for n, row in enumerate(rows)],
    )  # fmt: skip
    return id


def _rows(count: int, seed: int = 0, dimensions: int = 24) -> Floats:
    rows = np.random.default_rng(seed).standard_normal((count, dimensions))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _matrix(store: Store) -> VectorMatrix:
    (entry,) = store.vectors._states._entries.values()
    assert entry.value is not None
    return entry.value.matrix


def test_a_put_after_a_search_copies_no_row_that_stays(store: Store, index: Index) -> None:
    query = _rows(1, 1)

    def search() -> int:
        found = store.vectors.search(
            store.scope(SEARCH, index.id), Modality.VISUAL, SPACE, query, 10_000
        )
        return len(found[0])

    for n in range(20):
        _put(store, index, f"{n}", _rows(200, n))
    assert search() == 4000
    before = _matrix(store)
    for n in range(4):
        _put(store, index, f"new {n}", _rows(10, 100 + n))
        assert search() == 4000 + 10 * (n + 1)
    after = _matrix(store)
    assert all(
        a is b for a, b in zip(before.blocks, after.blocks[: len(before.blocks)], strict=True)
    )
    assert sum(block.capacity for block in after.blocks[len(before.blocks) :]) < 4000
    # Neither does one that replaces an asset, or takes one away.
    _put(store, index, "3", _rows(150, 200))
    store.vectors.delete_asset(store.scope(MANAGE, index.id), asset("4").id)
    assert search() == 4040 - 50 - 200
    assert all(a is b for a, b in zip(before.blocks, _matrix(store).blocks, strict=False))


def test_rows_that_are_gone_take_no_memory_for_long(store: Store, index: Index) -> None:
    query = _rows(1, 1)
    for n in range(4):
        _put(store, index, f"{n}", _rows(100, n))
    for n in range(30):
        _put(store, index, "0", _rows(100, n))
        store.vectors.search(store.scope(SEARCH, index.id), Modality.VISUAL, SPACE, query, 5)
        matrix = _matrix(store)
        assert matrix.rows == 400
        assert sum(block.filled for block in matrix.blocks) <= 400 / 0.75 + 100


def test_all_spaces_together_keep_to_their_memory(place: Settings) -> None:
    each = 200 * (24 * 4 + 24 + 32)
    place = settings(place.home, vector_cache_bytes=int(3.5 * each))
    with open_store(place, write=True, create=True) as store:
        indexes = [store.catalog.create_index(store.scope(INGEST), f"{n}", {}) for n in range(3)]
        spaces = [(index, f"space{n}") for index in indexes for n in range(3)]
        for index, space in spaces:
            _put(store, index, f"{index.name} {space}", _rows(200, int(index.name)), space)
        cache = store.vectors._states
        for index, space in [*spaces, *reversed(spaces)]:
            (found,) = store.vectors.search(
                store.scope(SEARCH, index.id), Modality.VISUAL, space, _rows(1, 1), 500
            )
            assert len(found) == 200
            assert each <= cache.size <= place.vector_cache_bytes
        assert 2 <= len(cache) <= 3
        batch, *_ = store.vectors.scan(
            store.scope(EXPORT, indexes[0].id), Modality.VISUAL, "space0"
        )
        assert len(batch.ids) == 200
