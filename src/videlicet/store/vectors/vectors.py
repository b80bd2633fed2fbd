"""Reads and writes of the vectors of one store.

The rows of record stand in the database, one packed row per asset and space, so that replacing and
erasing an asset is part of one transaction with everything else. What searches is derived from
them: a matrix in memory while there are at most ``exact_rows``, and an inverted file beyond, with
the rows put since it was built still searched exactly.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from videlicet.errors import InvalidInput
from videlicet.rights import Grant, authorize
from videlicet.store.catalog.part import Part
from videlicet.store.catalog.schema import slots, vector_chunks, vector_spaces
from videlicet.store.catalog.slots import chunked, ensure_slot, slot_of, slots_within
from videlicet.store.database import Database
from videlicet.store.home import Home, translated
from videlicet.store.records import (
    EXPORTING,
    MANAGING,
    SEARCHING,
    WRITING,
    VectorBatch,
    VectorMatch,
    VectorRow,
)
from videlicet.store.vectors.chunks import Chunk, Floats, best, pack, span_at, unpack
from videlicet.store.vectors.exact import Matrix
from videlicet.store.vectors.inverted import Inverted, Sketch, build
from videlicet.types import Modality, random_id

#: Share of new rows (of those in the index) at which the index is built anew.
_STALE = 0.25


@dataclass(frozen=True, slots=True)
class _State:
    """What is searched at one version of a space: the index, if any, and the rows beside it."""

    version: int
    inverted: Inverted | None
    alive: NDArray[np.bool_]
    matrix: Matrix
    assets: dict[int, str]


class Vectors(Part):
    """Vectors by (index, modality, space); each such table has one number of dimensions."""

    def __init__(self, database: Database, *, writable: bool, home: Home, exact_rows: int) -> None:
        super().__init__(database, writable=writable)
        self._home = home
        self._exact_rows = exact_rows
        self._states: dict[int, _State] = {}
        self._lock = threading.Lock()

    # -- writing --------------------------------------------------------------------------------

    def put(
        self,
        grant: Grant,
        index_id: str,
        modality: Modality,
        space: str,
        asset_id: str,
        rows: Sequence[VectorRow],
    ) -> None:
        """Replace the rows of an asset in one space, in one transaction. Rows are scaled to unit
        length; no rows takes the asset out of the space.

        Raises:
            InvalidInput: an id, span or vector that cannot be kept, or of other dimensions.
            NotFound: ``index_not_found``.
        """
        authorize(grant, WRITING, "vectors")
        self.require_writer()
        chunk = pack(rows) if rows else None
        with self._writing() as connection:
            slot = ensure_slot(connection, index_id, asset_id)
            if chunk is None:
                _delete(connection, slot, modality, space)
                return
            found = _ensure_space(connection, index_id, modality, space, chunk.vectors.shape[1])
            connection.execute(
                delete(vector_chunks).where(
                    vector_chunks.c.space == found.key, vector_chunks.c.slot == slot
                )
            )
            connection.execute(
                insert(vector_chunks).values(
                    space=found.key,
                    slot=slot,
                    version=found.version + 1,
                    count=len(chunk.ids),
                    ids=chunk.ids.tobytes(),
                    spans=chunk.spans.tobytes(),
                    vectors=chunk.vectors.tobytes(),
                )
            )
            _changed(connection, [found.key])

    def delete_asset(self, grant: Grant, index_id: str, asset_id: str) -> None:
        """Take all vectors of an asset in an index away, bytes included."""
        authorize(grant, MANAGING, "vectors")
        self.require_writer()
        with self._writing() as connection:
            slot = slot_of(connection, index_id, asset_id)
            if slot is not None:
                self.forget(connection, slot)
        self.scrub()
        self._database.checkpoint()

    def optimize(self, grant: Grant, index_id: str, *, force: bool = False) -> list[Sketch]:
        """Build the indexes that are due: spaces with more than ``exact_rows`` rows where none is
        built yet or a quarter of the rows is new. Returns those built, with their recall."""
        authorize(grant, MANAGING, "vectors")
        self.require_writer()
        with self._reading() as connection:
            found = connection.execute(
                select(vector_spaces).where(vector_spaces.c.index_id == index_id)
            ).all()
        return [sketch for row in found if (sketch := self._optimize(row.key, force))]

    # -- reading --------------------------------------------------------------------------------

    def search(
        self,
        grant: Grant,
        index_id: str,
        modality: Modality,
        space: str,
        queries: Floats,
        k: int,
        asset_ids: Collection[str] | None = None,
    ) -> list[list[VectorMatch]]:
        """For each query the ``k`` rows of highest cosine similarity, best first.

        ``queries`` has shape (q, dimensions) or (dimensions,); rows need not be of unit length.
        With ``asset_ids`` only rows of those assets are considered.

        Raises:
            InvalidInput: queries of other dimensions, or not finite.
        """
        authorize(grant, SEARCHING, "vectors")
        lines = np.atleast_2d(np.asarray(queries, np.float32))
        if not np.isfinite(lines).all():
            raise InvalidInput("invalid_argument", "A query vector is not finite.")
        lengths = np.linalg.norm(lines, axis=1, keepdims=True)
        lines = (lines / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
        with self._reading() as connection:
            found = _space(connection, index_id, modality, space)
            if found is None or k < 1:
                return [[] for _ in lines]
            if lines.shape[1] != found.dimensions:
                raise InvalidInput(
                    "invalid_argument",
                    f"Queries of {lines.shape[1]} dimensions in a space of {found.dimensions}.",
                    subject=space,
                )
            state = self._state(connection, found)
            within = None
            if asset_ids is not None:
                within = np.array(slots_within(connection, index_id, asset_ids), np.int64)
        if state.inverted is not None:
            return _merged(state, state.inverted, lines, k, within, self._exact_rows)
        return [
            [_row_match(state, row, score) for row, score in zip(*top, strict=True)]
            for top in state.matrix.search(lines, k, within)
        ]

    def is_exact(self, grant: Grant, index_id: str, modality: Modality, space: str) -> bool:
        """Whether every row of the space is compared with a query."""
        authorize(grant, SEARCHING, "vectors")
        with self._reading() as connection:
            found = _space(connection, index_id, modality, space)
        return found is None or found.sketch is None

    def scan(
        self, grant: Grant, index_id: str, modality: Modality, space: str
    ) -> Iterator[VectorBatch]:
        """Every row of a space, asset by asset, as of the moment of the call."""
        authorize(grant, EXPORTING, "vectors")
        return self._scan(index_id, modality, space)

    def _scan(self, index_id: str, modality: Modality, space: str) -> Iterator[VectorBatch]:
        with self._reading() as connection:
            found = _space(connection, index_id, modality, space)
            if found is None:
                return
            names = _asset_names(connection, found.key)
            for slot, _, chunk in _chunks(connection, found.key, found.dimensions):
                yield VectorBatch(
                    names[slot],
                    tuple(id.decode("ascii") for id in chunk.ids.tolist()),
                    tuple(span_at(chunk.spans, i) for i in range(len(chunk.ids))),
                    chunk.vectors,
                )

    def statistics(self, grant: Grant, index_id: str) -> list[dict[str, Any]]:
        """By space: modality, space, dimensions, rows, assets, and the index with its recall."""
        authorize(grant, MANAGING | SEARCHING, "vectors")
        with self._reading() as connection:
            rows = connection.execute(
                select(
                    vector_spaces,
                    func.coalesce(func.sum(vector_chunks.c.count), 0).label("rows"),
                    func.count(vector_chunks.c.key).label("assets"),
                )
                .outerjoin(vector_chunks, vector_chunks.c.space == vector_spaces.c.key)
                .where(vector_spaces.c.index_id == index_id)
                .group_by(vector_spaces.c.key)
            ).all()
        return [
            {
                "modality": row.modality,
                "space": row.space,
                "dimensions": row.dimensions,
                "rows": int(row.rows),
                "assets": int(row.assets),
                "index": row.sketch,
            }
            for row in rows
        ]

    # -- erasing, inside or after a caller's transaction ------------------------------------------

    def forget(self, connection: Connection, slot: int) -> None:
        """Take a slot's rows away in every space."""
        keys = connection.execute(
            select(vector_chunks.c.space).where(vector_chunks.c.slot == slot)
        ).scalars()
        _changed(connection, list(keys))
        connection.execute(delete(vector_chunks).where(vector_chunks.c.slot == slot))

    def forget_index(self, connection: Connection, index_id: str) -> None:
        """Take the spaces of an index away (``scrub`` then removes their files)."""
        keys = select(vector_spaces.c.key).where(vector_spaces.c.index_id == index_id)
        connection.execute(delete(vector_chunks).where(vector_chunks.c.space.in_(keys)))
        connection.execute(delete(vector_spaces).where(vector_spaces.c.index_id == index_id))

    def scrub(self) -> int:
        """Make the built indexes forget what the database no longer holds, and remove files that
        belong to no index. Returns how many rows were overwritten; safe to repeat."""
        self.require_writer()
        self._states.clear()
        overwritten = 0
        wanted: set[str] = set()
        with self._reading() as connection:
            spaces = connection.execute(
                select(vector_spaces).where(vector_spaces.c.sketch.is_not(None))
            ).all()
            for row in spaces:
                sketch = Sketch.from_json(row.sketch)
                wanted.add(sketch.generation)
                folder = self._home.sketches / sketch.generation
                if not folder.is_dir():
                    continue
                index = Inverted(folder, row.dimensions, sketch)
                current = _versions(connection, row.key)
                dead = [
                    owner
                    for owner, (slot, version) in enumerate(index.held().items())
                    if current.get(slot) != version
                ]
                overwritten += index.erase(np.array(dead, np.intp))
        for folder in self._home.sketches.iterdir():
            if folder.name not in wanted:
                shutil.rmtree(folder)
        return overwritten

    def is_whole(self, space: Row[Any]) -> bool:
        """Whether the files of a space's index are all there."""
        try:
            Inverted(
                self._home.sketches / space.sketch["generation"],
                space.dimensions,
                Sketch.from_json(space.sketch),
            )
        except (FileNotFoundError, ValueError):
            return False
        return True

    def rebuild(self, key: int) -> None:
        """Build a space's index anew."""
        self.require_writer()
        self._optimize(key, force=True)

    # -- what is searched -------------------------------------------------------------------------

    def _state(self, connection: Connection, space: Row[Any]) -> _State:
        state = self._states.get(space.key)
        if state is not None and state.version == space.version:
            return state
        with self._lock:
            state = self._states.get(space.key)
            if state is None or state.version != space.version:
                state = self._load(connection, space, state)
                self._states[space.key] = state
        return state

    def _load(self, connection: Connection, space: Row[Any], old: _State | None) -> _State:
        current = _versions(connection, space.key)
        inverted = self._open(space, old)
        built = inverted.held() if inverted else {}
        alive = np.array([current.get(slot) == v for slot, v in built.items()], np.bool_)
        rest = {slot: v for slot, v in current.items() if built.get(slot) != v}
        matrix = old.matrix if old is not None else Matrix.empty(space.dimensions)
        held = matrix.held()
        keep = {slot for slot, version in rest.items() if held.get(slot) == version}
        new = {
            slot: (version, chunk)
            for slot, version, chunk in _chunks(
                connection, space.key, space.dimensions, sorted(rest.keys() - keep)
            )
        }
        if new or len(keep) != len(held):
            matrix = matrix.changed(keep, new)
        return _State(space.version, inverted, alive, matrix, _asset_names(connection, space.key))

    def _open(self, space: Row[Any], old: _State | None) -> Inverted | None:
        if space.sketch is None:
            return None
        sketch = Sketch.from_json(space.sketch)
        if old is not None and old.inverted is not None and old.inverted.sketch == sketch:
            return old.inverted
        folder = self._home.sketches / sketch.generation
        try:
            return Inverted(folder, space.dimensions, sketch)
        except (FileNotFoundError, ValueError):
            # Derived, so nothing is lost: all rows are searched exactly until it is built again,
            # and the doctor reports it.
            return None

    def _optimize(self, key: int, force: bool) -> Sketch | None:
        with self._reading() as connection:
            space = connection.execute(
                select(vector_spaces).where(vector_spaces.c.key == key)
            ).one()
            total, fresh = self._pending(connection, space)
            due = total > self._exact_rows and fresh > _STALE * (total - fresh)
            if not total or not (due or force):
                return None
            generation = random_id()
            with translated(self._home.root):
                sketch = build(
                    self._home.sketches / generation,
                    lambda: _chunks(connection, key, space.dimensions),
                    rows=total,
                    dimensions=space.dimensions,
                    generation=generation,
                    version=space.version,
                )
        with self._writing() as connection:
            connection.execute(
                update(vector_spaces)
                .where(vector_spaces.c.key == key)
                .values(sketch=sketch.to_json(), version=vector_spaces.c.version + 1)
            )
        self.scrub()
        return sketch

    def _pending(self, connection: Connection, space: Row[Any]) -> tuple[int, int]:
        """Rows in the space, and rows that its index does not cover."""
        rows = connection.execute(
            select(vector_chunks.c.version, vector_chunks.c.count).where(
                vector_chunks.c.space == space.key
            )
        ).all()
        total = sum(int(row[1]) for row in rows)
        if space.sketch is None or not (self._home.sketches / space.sketch["generation"]).is_dir():
            return total, total
        built = space.sketch["version"]
        return total, sum(int(row[1]) for row in rows if row.version > built)


def _merged(
    state: _State,
    inverted: Inverted,
    queries: Floats,
    k: int,
    within: NDArray[np.int64] | None,
    exact_rows: int,
) -> list[list[VectorMatch]]:
    """The best of the index and of the rows beside it."""
    allowed = state.alive
    subset: NDArray[np.intp] | None = None
    if within is not None:
        allowed = allowed & np.isin(inverted.slots, within)
        rows = inverted.rows_of(np.flatnonzero(allowed))
        if rows.size <= exact_rows:
            subset = rows
    beside = state.matrix.search(queries, k, within)
    gathered = inverted.vectors[subset] if subset is not None else None
    found = []
    for query, (rows, scores) in zip(queries, beside, strict=True):
        matches = [_row_match(state, r, s) for r, s in zip(rows, scores, strict=True)]
        if subset is not None and gathered is not None:
            values = gathered @ query
            top = best(values, k)
            inner, inner_scores = subset[top], values[top]
        else:
            inner, inner_scores = inverted.search(query, k, allowed)
        for row, score in zip(inner.tolist(), inner_scores.tolist(), strict=True):
            slot = int(inverted.slots[inverted.owners[row]])
            matches.append(
                VectorMatch(
                    inverted.ids[row].decode("ascii"),
                    state.assets[slot],
                    span_at(inverted.spans, row),
                    score,
                )
            )
        matches.sort(key=lambda m: (-m.score, m.asset_id, m.id))
        found.append(matches[:k])
    return found


def _row_match(state: _State, row: Any, score: Any) -> VectorMatch:
    matrix = state.matrix
    return VectorMatch(
        matrix.ids[row].decode("ascii"),
        state.assets[matrix.slot_at(int(row))],
        span_at(matrix.spans, int(row)),
        float(score),
    )


def _space(
    connection: Connection, index_id: str, modality: Modality, space: str
) -> Row[Any] | None:
    return connection.execute(
        select(vector_spaces).where(
            vector_spaces.c.index_id == index_id,
            vector_spaces.c.modality == modality.value,
            vector_spaces.c.space == space,
        )
    ).first()


def _ensure_space(
    connection: Connection, index_id: str, modality: Modality, space: str, dimensions: int
) -> Row[Any]:
    found = _space(connection, index_id, modality, space)
    if found is None:
        connection.execute(
            insert(vector_spaces).values(
                index_id=index_id, modality=modality.value, space=space,
                dimensions=dimensions, version=0,
            )
        )  # fmt: skip
        found = _space(connection, index_id, modality, space)
        assert found is not None
    if found.dimensions != dimensions:
        raise InvalidInput(
            "invalid_argument",
            f"Vectors of {dimensions} dimensions in a space of {found.dimensions}.",
            subject=space,
        )
    return found


def _delete(connection: Connection, slot: int, modality: Modality, space: str) -> None:
    keys = (
        select(vector_chunks.c.space)
        .join(vector_spaces, vector_spaces.c.key == vector_chunks.c.space)
        .where(
            vector_chunks.c.slot == slot,
            vector_spaces.c.modality == modality.value,
            vector_spaces.c.space == space,
        )
    )
    found = list(connection.execute(keys).scalars())
    _changed(connection, found)
    connection.execute(
        delete(vector_chunks).where(vector_chunks.c.slot == slot, vector_chunks.c.space.in_(found))
    )


def _changed(connection: Connection, spaces: list[int]) -> None:
    connection.execute(
        update(vector_spaces)
        .where(vector_spaces.c.key.in_(spaces))
        .values(version=vector_spaces.c.version + 1)
    )


def _versions(connection: Connection, space: int) -> dict[int, int]:
    """Version by slot, in the order of slots."""
    rows = connection.execute(
        select(vector_chunks.c.slot, vector_chunks.c.version)
        .where(vector_chunks.c.space == space)
        .order_by(vector_chunks.c.slot)
    )
    return {int(row[0]): int(row[1]) for row in rows}


def _asset_names(connection: Connection, space: int) -> dict[int, str]:
    rows = connection.execute(
        select(slots.c.key, slots.c.asset_id)
        .join(vector_chunks, vector_chunks.c.slot == slots.c.key)
        .where(vector_chunks.c.space == space)
    )
    return {int(row[0]): str(row[1]) for row in rows}


def _chunks(
    connection: Connection, space: int, dimensions: int, only: Sequence[int] | None = None
) -> Iterable[tuple[int, int, Chunk]]:
    """(slot, version, rows) in the order of slots."""
    columns = (
        vector_chunks.c.slot, vector_chunks.c.version, vector_chunks.c.ids,
        vector_chunks.c.spans, vector_chunks.c.vectors,
    )  # fmt: skip
    query = select(*columns).where(vector_chunks.c.space == space).order_by(vector_chunks.c.slot)
    batches = [query]
    if only is not None:
        batches = [
            query.where(vector_chunks.c.slot.in_([int(slot) for slot in part]))
            for part in chunked(map(str, only))
        ]
    for batch in batches:
        rows = connection.execution_options(yield_per=64).execute(batch)
        for row in rows:
            yield int(row[0]), int(row[1]), unpack(row[2], row[3], row[4], dimensions)
