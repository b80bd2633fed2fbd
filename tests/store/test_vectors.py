"""Vectors: exact while few, approximate with measured recall beyond, never the wrong asset."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.store.samples import EXPORT, INGEST, MANAGE, SEARCH, asset, enter, settings

from videlicet.errors import InvalidInput, StoreError
from videlicet.settings import Settings
from videlicet.store import Store, VectorMatch, VectorRow, open_store
from videlicet.store.vectors import ivf
from videlicet.types import Index, Modality, Span, derived_id

SPACE, MODALITY = "space", Modality.VISUAL
Floats = NDArray[np.float32]


def _clustered(rows: int, dimensions: int = 24, seed: int = 0) -> Floats:
    """Unit rows as encoders give them: topics, and shots that repeat themselves."""
    random = np.random.default_rng(seed)
    weights = (np.arange(1, dimensions + 1) ** -0.5).astype(np.float32)
    topics = random.standard_normal((40, dimensions)) * weights
    found = topics[random.integers(0, 40, rows)]
    found = found + 0.4 * random.standard_normal((rows, dimensions)) * weights
    found = found / np.linalg.norm(found, axis=1, keepdims=True)
    return np.ascontiguousarray(found, np.float32)


def _put(store: Store, index: Index, name: str, rows: Floats, space: str = SPACE) -> str:
    id = enter(store, index, asset(name)).id
    store.vectors.put(
        store.scope(INGEST, index.id), MODALITY, space, id,
        [
            VectorRow(derived_id(id, str(n)), Span(Fraction(n, 3), Fraction(n + 1, 3)), row)
            for n, row in enumerate(rows)
        ],
    )  # fmt: skip
    return id


def _search(
    store: Store, index: Index, queries: Floats, k: int, within: Any = None
) -> list[list[VectorMatch]]:
    return store.vectors.search(store.scope(SEARCH, index.id), MODALITY, SPACE, queries, k, within)


class _Shelf:
    """Some assets with rows, and what a plain product finds among them."""

    def __init__(self, store: Store, index: Index, rows: Floats, per: int) -> None:
        self.rows: dict[str, Floats] = {}
        self.store, self.index = store, index
        for first in range(0, len(rows), per):
            part = rows[first : first + per]
            self.rows[_put(store, index, str(first), part)] = part

    def truth(self, query: Floats, k: int, within: Sequence[str] | None = None) -> list[float]:
        rows = np.concatenate([r for a, r in self.rows.items() if within is None or a in within])
        return [float(v) for v in np.sort(rows @ query)[::-1][:k]]

    def row(self, match: VectorMatch) -> Floats:
        n = int(match.span.start * 3)
        assert match.id == derived_id(match.asset_id, str(n))
        assert match.span == Span(Fraction(n, 3), Fraction(n + 1, 3))
        found: Floats = self.rows[match.asset_id][n]
        return found

    def check(self, queries: Floats, k: int, within: Sequence[str] | None = None) -> None:
        """Assert that a search finds exactly what a plain product finds."""
        for query, found in zip(
            queries, _search(self.store, self.index, queries, k, within), strict=True
        ):
            assert [m.score for m in found] == pytest.approx(self.truth(query, k, within), abs=1e-5)
            for match in found:
                assert float(self.row(match) @ query) == pytest.approx(match.score, abs=1e-5)
            assert len({(m.asset_id, m.id) for m in found}) == len(found)


def test_a_small_space_is_searched_exactly(store: Store, index: Index) -> None:
    shelf = _Shelf(store, index, _clustered(230), 17)
    queries = _clustered(5, seed=1)
    shelf.check(queries, 10)
    shelf.check(queries, 1000)
    names = list(shelf.rows)
    for within in ([names[3]], names[2:9], [*names[:1], derived_id("nobody")], names):
        shelf.check(queries, 10, within)
    assert _search(store, index, queries, 5, []) == [[] for _ in queries]
    assert _search(store, index, queries[0], 5) == _search(store, index, queries[:1], 5)
    assert _search(store, index, queries, 0) == [[] for _ in queries]
    assert store.vectors.is_exact(store.scope(SEARCH, index.id), MODALITY, SPACE)


def test_queries_need_not_be_of_unit_length(store: Store, index: Index) -> None:
    shelf = _Shelf(store, index, _clustered(40), 10)
    query = _clustered(1, seed=2)
    assert _search(store, index, query * 8, 3) == _search(store, index, query, 3)
    assert all(m.score == 0 for m in _search(store, index, query * 0, 3)[0])
    shelf.check(query, 3)


def test_rows_are_kept_at_unit_length_and_zeros_stay_zeros(store: Store, index: Index) -> None:
    rows = np.array([[3, 4], [0, 0], [0.6, 0.8]], np.float32)
    _put(store, index, "a", rows)
    (batch,) = store.vectors.scan(store.scope(EXPORT, index.id), MODALITY, SPACE)
    assert batch.vectors.tolist() == pytest.approx(np.array([[0.6, 0.8], [0, 0], [0.6, 0.8]]))
    assert [m.score for m in _search(store, index, np.array([[0, 1]], np.float32), 9)[0]] == (
        pytest.approx([0.8, 0.8, 0.0])
    )


def test_spaces_modalities_and_indexes_are_apart(store: Store, index: Index) -> None:
    other = store.catalog.create_index(store.scope(INGEST), "other", {})
    rows = _clustered(9)
    _put(store, index, "a", rows)
    _put(store, index, "b", rows[:, :5], "small")
    _put(store, other, "c", rows)
    assert {m.asset_id for m in _search(store, index, rows[:1], 99)[0]} == {asset("a").id}
    assert store.vectors.search(
        store.scope(SEARCH, index.id), Modality.SOUND, SPACE, rows[:1], 9
    ) == [[]]
    spaces = {s["space"]: s for s in store.vectors.statistics(store.scope(MANAGE, index.id))}
    assert {s: (v["rows"], v["dimensions"]) for s, v in spaces.items()} == {
        SPACE: (9, 24), "small": (9, 5),
    }  # fmt: skip


def test_putting_replaces_and_is_seen_by_open_readers(place: Settings, store: Store) -> None:
    index = store.catalog.create_index(store.scope(INGEST), "main", {})
    rows = _clustered(40)
    query = rows[7:8]
    with open_store(place) as reader:
        assert _search(reader, index, query, 1) == [[]]
        _put(store, index, "a", rows[:20])
        assert _search(reader, index, query, 1)[0][0].score == pytest.approx(1)
        _put(store, index, "a", rows[20:])
        assert _search(reader, index, query, 1)[0][0].score < 0.9999
        assert _search(reader, index, rows[25:26], 1)[0][0].score == pytest.approx(1)
        _put(store, index, "b", rows[:20])
        assert len(_search(reader, index, query, 99)[0]) == 40
        store.vectors.put(store.scope(INGEST, index.id), MODALITY, SPACE, asset("a").id, [])
        assert len(_search(reader, index, query, 99)[0]) == 20
        store.vectors.delete_asset(store.scope(MANAGE, index.id), asset("b").id)
        store.vectors.delete_asset(store.scope(MANAGE, index.id), derived_id("nobody"))
        assert _search(reader, index, query, 99) == [[]]


def test_of_rows_with_one_id_the_last_stays(store: Store, index: Index) -> None:
    made = enter(store, index, asset())
    rows = [VectorRow("same", Span.of(n, n + 1), _clustered(3)[n]) for n in range(3)]
    store.vectors.put(store.scope(INGEST, index.id), MODALITY, SPACE, made.id, rows)
    (found,) = _search(store, index, _clustered(3)[:1], 9)
    assert [m.span for m in found] == [Span.of(2, 3)]


_GOOD = VectorRow("id", Span.of(0, 1), np.ones(24, np.float32))


@pytest.mark.parametrize(
    "bad",
    [
        replace(_GOOD, id=""),
        replace(_GOOD, id="x" * 25),
        replace(_GOOD, id="ü"),
        replace(_GOOD, id="a\x00"),
        replace(_GOOD, vector=np.ones(23, np.float32)),
        replace(_GOOD, vector=np.ones((1, 24), np.float32)),
        replace(_GOOD, vector=np.full(24, np.nan, np.float32)),
        replace(_GOOD, span=Span(Fraction(0), Fraction(1, 2**63))),
    ],
)
def test_rows_that_cannot_be_kept_are_refused_and_nothing_changes(
    store: Store, index: Index, bad: VectorRow
) -> None:
    before = _clustered(4)
    id = _put(store, index, "a", before)
    with pytest.raises(InvalidInput):
        store.vectors.put(
            store.scope(INGEST, index.id), MODALITY, SPACE, id, [replace(_GOOD, id="o"), bad]
        )
    (batch,) = store.vectors.scan(store.scope(EXPORT, index.id), MODALITY, SPACE)
    assert np.array_equal(batch.vectors, before)


def test_a_space_has_one_number_of_dimensions(store: Store, index: Index) -> None:
    _put(store, index, "a", _clustered(4))
    with pytest.raises(InvalidInput, match="dimensions"):
        _put(store, index, "b", _clustered(4, 5))
    with pytest.raises(InvalidInput, match="dimensions"):
        _search(store, index, _clustered(1, 5), 1)
    with pytest.raises(InvalidInput, match="finite"):
        _search(store, index, np.full((1, 24), np.inf, np.float32), 1)


def test_a_scan_gives_every_row_as_it_was_put(store: Store, index: Index) -> None:
    shelf = _Shelf(store, index, _clustered(50), 9)
    batches = list(store.vectors.scan(store.scope(EXPORT, index.id), MODALITY, SPACE))
    assert {b.asset_id for b in batches} == set(shelf.rows)
    for batch in batches:
        assert np.array_equal(batch.vectors, shelf.rows[batch.asset_id])
        assert batch.ids == tuple(derived_id(batch.asset_id, str(n)) for n in range(len(batch.ids)))
        assert batch.spans[1] == Span(Fraction(1, 3), Fraction(2, 3))
    assert list(store.vectors.scan(store.scope(EXPORT, index.id), MODALITY, "nothing")) == []


# -- beyond ann_threshold_rows -----------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Floats], Index]:
    """A data directory where anything over 300 rows is indexed, with 3000 rows of 60 assets."""
    home = tmp_path_factory.mktemp("large") / "home"
    with open_store(settings(home, ann_threshold_rows=300), write=True, create=True) as store:
        index = store.catalog.create_index(store.scope(INGEST), "main", {})
        shelf = _Shelf(store, index, _clustered(3000), 50)
    return home, shelf.rows, index


@pytest.fixture
def large(request: pytest.FixtureRequest, place: Settings) -> Iterator[_Shelf]:
    if place.database_url:
        # What stands in a database cannot be copied: made anew for each test.
        with open_store(
            place.model_copy(update={"ann_threshold_rows": 300}), write=True, create=True
        ) as store:
            index = store.catalog.create_index(store.scope(INGEST), "main", {})
            yield _Shelf(store, index, _clustered(3000), 50)
        return
    home, rows, index = request.getfixturevalue("built")
    shutil.copytree(home, place.home)
    with open_store(place.model_copy(update={"ann_threshold_rows": 300}), write=True) as store:
        shelf = _Shelf(store, index, _clustered(0), 1)
        shelf.rows = dict(rows)
        yield shelf


def _recall(shelf: _Shelf, queries: Floats, within: Sequence[str] | None = None) -> float:
    shares = []
    found = _search(shelf.store, shelf.index, queries, 10, within)
    for query, matches in zip(queries, found, strict=True):
        least = shelf.truth(query, 10, within)[-1]
        shares.append(sum(m.score >= least - 1e-6 for m in matches) / 10)
        for match in matches:
            assert float(shelf.row(match) @ query) == pytest.approx(match.score, abs=1e-5)
            assert within is None or match.asset_id in within
    return float(np.mean(shares))


def test_a_large_space_is_indexed_by_itself_with_measured_recall(large: _Shelf) -> None:
    store, index = large.store, large.index
    assert not store.vectors.is_exact(store.scope(SEARCH, index.id), MODALITY, SPACE)
    (space,) = store.vectors.statistics(store.scope(MANAGE, index.id))
    built = space["index"]
    assert built["recall_at_10"] >= 0.95
    assert built["nprobe"] < built["nlist"]
    assert space["rows"] == 3000
    assert built["rows"] >= 3000 / 1.25
    assert _recall(large, _clustered(60, seed=3)) >= 0.95
    assert len(list(store.home.ann.iterdir())) == 1, "old generations are removed"


def test_a_filter_is_exact_where_it_leaves_few_rows(large: _Shelf) -> None:
    names = list(large.rows)
    queries = _clustered(8, seed=4)
    large.check(queries, 10, names[5:6])
    large.check(queries, 40, names[52:])
    large.check(queries, 10, [*names[1:3], names[-1]])
    assert _recall(large, _clustered(40, seed=5), names[::2]) >= 0.95
    assert _search(large.store, large.index, queries, 5, []) == [[] for _ in queries]


def test_new_rows_beside_the_index_are_found_and_old_ones_are_not(large: _Shelf) -> None:
    store, index = large.store, large.index
    fresh = _clustered(60, seed=6)
    names = list(large.rows)
    large.rows[_put(store, index, "fresh", fresh)] = fresh
    changed = _clustered(50, seed=7)
    name = asset(str(50)).id
    assert name == names[1]
    large.rows[_put(store, index, "50", changed)] = changed
    store.vectors.put(store.scope(INGEST, index.id), MODALITY, SPACE, names[2], [])
    old = large.rows.pop(names[2])
    for rows in (fresh, changed):
        for match in _search(store, index, rows[:5], 1):
            assert match[0].score == pytest.approx(1, abs=1e-5)
    for found in _search(store, index, old, 5):
        assert all(m.asset_id != names[2] for m in found)
    assert _recall(large, _clustered(40, seed=8)) >= 0.95
    built = store.vectors.optimize(store.scope(MANAGE, index.id), force=True)
    assert [b.rows for b in built] == [3000 + 60 - 50]
    assert _recall(large, _clustered(40, seed=9)) >= 0.95
    assert store.vectors.optimize(store.scope(MANAGE, index.id)) == []


@pytest.mark.embedded("files are lost that are copies elsewhere")
def test_a_lost_index_falls_back_to_exact_search(large: _Shelf, place: Settings) -> None:
    for folder in large.store.home.ann.iterdir():
        (folder / "vectors.f32").unlink()
    with open_store(place) as reader:
        shelf = large
        shelf.store = reader
        shelf.check(_clustered(4, seed=10), 10)


def test_a_disk_that_fills_up_while_indexing_leaves_the_old_index(
    large: _Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = large.store.vectors.statistics(large.store.scope(MANAGE, large.index.id))
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(StoreError) as refused:
            large.store.vectors.optimize(large.store.scope(MANAGE, large.index.id), force=True)
    assert refused.value.code == "disk_full"
    assert large.store.vectors.statistics(large.store.scope(MANAGE, large.index.id)) == before
    assert len(list(large.store.home.ann.iterdir())) == 1
    assert _recall(large, _clustered(20, seed=11)) >= 0.95


def test_an_index_is_computed_outside_of_any_transaction(
    large: _Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, index = large.store, large.index
    gone = list(large.rows)[2]
    real = ivf._centroids

    def watched(*arguments: Any) -> Floats:
        store.vectors.put(store.scope(INGEST, index.id), MODALITY, SPACE, gone, [])
        assert store.database.checkpoint(timeout=0), "no reader is in the way"
        return real(*arguments)

    monkeypatch.setattr(ivf, "_centroids", watched)
    (built,) = store.vectors.optimize(store.scope(MANAGE, index.id), force=True)
    assert built.rows == 3000
    old = large.rows.pop(gone)
    assert all(m.asset_id != gone for found in _search(store, index, old, 5) for m in found)
    assert _recall(large, _clustered(40, seed=12)) >= 0.95
    if not store.blobs.remote:
        (folder,) = store.home.ann.iterdir()
        assert not [path for path in folder.iterdir() if path.name.startswith("staged")]


_tiny = st.lists(st.tuples(*[st.sampled_from([-1.0, 0.0, 0.5, 1.0])] * 3), min_size=1, max_size=6)


@given(assets=st.lists(_tiny, min_size=1, max_size=5), k=st.integers(1, 12), data=st.data())
@examples(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ties_duplicates_and_zeros_lose_nothing(
    store: Store, assets: list[Any], k: int, data: st.DataObject
) -> None:
    index = store.catalog.create_index(store.scope(INGEST), os.urandom(8).hex(), {})
    shelf = _Shelf(store, index, np.zeros((0, 3), np.float32), 1)
    for n, rows in enumerate(assets):
        unit = np.array(rows, np.float32)
        lengths = np.linalg.norm(unit, axis=1, keepdims=True)
        unit = unit / np.where(lengths > 0, lengths, 1)
        shelf.rows[_put(store, index, f"{n}", unit)] = unit
    queries = np.eye(3, dtype=np.float32)
    shelf.check(queries, k)
    within = data.draw(st.sets(st.sampled_from(sorted(shelf.rows)), min_size=1))
    shelf.check(queries, k, sorted(within))
    store.vectors.optimize(store.scope(MANAGE, index.id), force=True)
    if (
        shelf.store.vectors.statistics(shelf.store.scope(MANAGE, index.id))[0]["index"][
            "recall_at_10"
        ]
        == 1.0
    ):
        shelf.check(queries, k, sorted(within))
