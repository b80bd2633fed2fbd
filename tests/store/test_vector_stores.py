"""Another vector store takes the place of the built-in one by its name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, select
from tests.store.samples import INGEST, MANAGE, SEARCH, SPACE, add, check_whole, settings, vectors

from videlicet.errors import InvalidInput
from videlicet.registry import Registry
from videlicet.rights import IndexScope, authorize
from videlicet.settings import Settings
from videlicet.store import Level, VectorBatch, VectorMatch, VectorRow, open_store
from videlicet.store import store as store_module
from videlicet.store.catalog.schema import memberships_table
from videlicet.store.doctor import doctor
from videlicet.store.records import EXPORTING, MANAGING, SEARCHING, WRITING, Finding
from videlicet.store.vectors import VectorContext, VectorStore
from videlicet.store.vectors.chunks import Floats
from videlicet.types import Modality

Place = tuple[str, str, str]


class Lists:
    """Rows in lists, for as long as the process runs."""

    def __init__(self, context: VectorContext) -> None:
        #: By (index, modality, space), and in these by asset.
        self.rows: dict[Place, dict[str, list[VectorRow]]] = {}
        self.broken = True

    def _of(self, scope: IndexScope, modality: Modality, space: str) -> dict[str, list[VectorRow]]:
        return self.rows.setdefault((scope.index_id, modality.value, space), {})

    def put(
        self,
        scope: IndexScope,
        modality: Modality,
        space: str,
        asset_id: str,
        rows: Sequence[VectorRow],
    ) -> None:
        authorize(scope, WRITING, "vectors")
        self._of(scope, modality, space)[asset_id] = list(rows)

    def delete_asset(self, scope: IndexScope, asset_id: str) -> None:
        authorize(scope, MANAGING, "vectors")
        for rows in self.rows.values():
            rows.pop(asset_id, None)

    def search(
        self,
        scope: IndexScope,
        modality: Modality,
        space: str,
        queries: Floats,
        k: int,
        asset_ids: Collection[str] | None = None,
    ) -> list[list[VectorMatch]]:
        authorize(scope, SEARCHING, "vectors")
        found = [
            VectorMatch(row.id, asset_id, row.span, float(row.vector @ query))
            for query in np.atleast_2d(queries)
            for asset_id, rows in self._of(scope, modality, space).items()
            if asset_ids is None or asset_id in asset_ids
            for row in rows
        ]
        return [sorted(found, key=lambda match: -match.score)[:k]]

    def is_exact(self, scope: IndexScope, modality: Modality, space: str) -> bool:
        return True

    def of_asset(
        self, scope: IndexScope, modality: Modality, space: str, asset_id: str
    ) -> VectorBatch | None:
        authorize(scope, EXPORTING, "vectors")
        rows = self._of(scope, modality, space).get(asset_id)
        return _batch(asset_id, rows) if rows else None

    def scan(self, scope: IndexScope, modality: Modality, space: str) -> Iterator[VectorBatch]:
        authorize(scope, EXPORTING, "vectors")
        for asset_id, rows in self._of(scope, modality, space).items():
            yield _batch(asset_id, rows)

    def statistics(self, scope: IndexScope) -> list[dict[str, Any]]:
        return []

    def delete_slot(self, connection: Connection, slot: int) -> None:
        row = connection.execute(
            select(memberships_table).where(memberships_table.c.key == slot)
        ).one()
        for (index_id, _, _), rows in self.rows.items():
            if index_id == row.index_id:
                rows.pop(row.asset_id, None)

    def delete_index(self, connection: Connection, index_id: str) -> None:
        self.rows = {place: rows for place, rows in self.rows.items() if place[0] != index_id}

    def purge_deleted(self) -> int:
        return 0

    def evict_stale_copies(self) -> None:
        pass

    def build_due_indexes(self) -> None:
        pass

    def check(self, fix: bool) -> Iterator[Finding]:
        if self.broken:
            self.broken = not fix
            yield Finding(Level.ERROR, "lists", "A list is torn.", "Glue it.", fixed=fix)


def _batch(asset_id: str, rows: Sequence[VectorRow]) -> VectorBatch:
    return VectorBatch(
        asset_id,
        tuple(row.id for row in rows),
        tuple(row.span for row in rows),
        np.stack([row.vector for row in rows]),
    )


def test_a_vector_store_is_chosen_by_its_name(
    place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry: Registry[Any] = Registry("videlicet.vector_stores", "vector store")
    registry.add("lists", Lists)
    monkeypatch.setattr(store_module, "VECTOR_STORES", registry)
    chosen = settings(place.home, vector_store="lists")
    with open_store(chosen, write=True, create=True) as store:
        vector_store: VectorStore = store.vectors
        assert isinstance(vector_store, Lists)
        index = store.catalog.create_index(store.scope(INGEST), "main", {})
        made = [add(store, index, f"{n}.mp4") for n in range(3)]
        for one in made:
            check_whole(store, index, one)
        store.remove_video(store.scope(MANAGE, index.id), made[0].id)
        query = vectors(made[0], 1)[0].vector
        (rows,) = vector_store.search(
            store.scope(SEARCH, index.id), Modality.SPEECH, SPACE, query, 99
        )
        assert {match.asset_id for match in rows} == {one.id for one in made[1:]}
        store.delete_index(store.scope(MANAGE, index.id))
        assert vector_store.rows == {}
        store.evict_stale_copies()
        store.build_due_indexes()


@pytest.mark.parametrize("fix", [False, True])
def test_the_doctor_asks_the_vector_store(
    place: Settings, monkeypatch: pytest.MonkeyPatch, fix: bool
) -> None:
    registry: Registry[Any] = Registry("videlicet.vector_stores", "vector store")
    opened: list[Lists] = []

    def open_lists(context: VectorContext) -> Lists:
        opened.append(Lists(context))
        return opened[-1]

    registry.add("lists", open_lists)
    monkeypatch.setattr(store_module, "VECTOR_STORES", registry)
    chosen = settings(place.home, vector_store="lists")
    with open_store(chosen, write=True, create=True) as store:
        add(store, store.catalog.create_index(store.scope(INGEST), "main", {}), "a.mp4")
    found = [one for one in doctor(chosen, fix=fix) if one.subject == "lists"]
    assert found == [Finding(Level.ERROR, "lists", "A list is torn.", "Glue it.", fixed=fix)]
    assert opened[-1].broken is not fix


def test_an_unknown_vector_store_is_refused_by_name(place: Settings) -> None:
    with pytest.raises(InvalidInput, match="'elsewhere'; there are builtin"):
        open_store(settings(place.home, vector_store="elsewhere"), write=True, create=True)
    assert not [one for one in doctor(place) if one.level is Level.ERROR]
