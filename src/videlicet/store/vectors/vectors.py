"""Reads and writes of the vectors of one store.

The rows of record are in the database, one packed row per asset and space, so that replacing and
erasing an asset is part of one transaction with everything else. What searches is derived from
them: a matrix in memory up to ``threshold_rows``, and an inverted file beyond, with the rows put
since it was built still searched exactly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, delete, func, insert, select

from videlicet.errors import InvalidInput, NotFound
from videlicet.rights import IndexScope, authorize
from videlicet.store.catalog.memberships import find_slots, require_slot, slot_of
from videlicet.store.catalog.schema import vector_chunks, vector_spaces
from videlicet.store.records import (
    EXPORTING,
    MANAGING,
    SEARCHING,
    WRITING,
    VectorBatch,
    VectorMatch,
    VectorRow,
)
from videlicet.store.vectors.chunks import Chunk, Floats, pack, pack_bytes, span_at
from videlicet.store.vectors.exact import VectorMatrix
from videlicet.store.vectors.ivf import IvfIndex, IvfMetadata
from videlicet.store.vectors.maintenance import VectorMaintenance
from videlicet.store.vectors.space_snapshot import SpaceSnapshot
from videlicet.store.vectors.tables import (
    asset_names,
    blobs_of,
    bump_versions,
    chunk_versions,
    delete_chunk,
    ensure_space,
    read_chunks,
    space_row,
    unpack_rows,
)
from videlicet.store.vectors.vector_store import VectorContext
from videlicet.types import Modality, random_id

#: So few assets are read by themselves where the whole space is not in memory.
MAX_UNCACHED_ASSETS = 4


def open_builtin(context: VectorContext) -> Vectors:
    """The vectors of a store, in its own database and objects."""
    return Vectors(
        context.database,
        writable=context.writable,
        home=context.home,
        blobs=context.blobs,
        threshold_rows=context.settings.ann_threshold_rows,
        cache_bytes=context.settings.vector_cache_bytes,
        policy=context.policy,
    )


class Vectors(VectorMaintenance):
    """Vectors by (index, modality, space); each such table has one number of dimensions."""

    # -- writing --------------------------------------------------------------------------------

    def put(
        self,
        scope: IndexScope,
        modality: Modality,
        space: str,
        asset_id: str,
        rows: Sequence[VectorRow],
    ) -> None:
        """Replace the rows of an asset in one space, in one transaction. Rows are scaled to unit
        length; no rows takes the asset out of the space. Now and then a put builds the index that
        has become due (see ``optimize``), so that many small ones never slow searching down.

        Raises:
            InvalidInput: an id, span or vector that cannot be kept, or of other dimensions.
            NotFound: ``index_not_found``, or ``asset_not_found`` where the asset is not entered in
                the index (any more).
        """
        authorize(scope, WRITING, "vectors")
        self._require_asset(scope, asset_id)
        self.require_writer()
        chunk = pack(rows) if rows else None
        if chunk is None:
            with self._write_transaction() as connection:
                slot = require_slot(connection, scope.index_id, asset_id)
                gone = delete_chunk(connection, slot, modality, space)
            self._blobs.erase(gone)
            return
        with (
            self._stored_chunk(scope.index_id, asset_id, chunk) as columns,
            self._write_transaction() as connection,
        ):
            slot = require_slot(connection, scope.index_id, asset_id)
            found = ensure_space(
                connection, scope.index_id, modality, space, chunk.vectors.shape[1]
            )
            here = (vector_chunks.c.space == found.key) & (vector_chunks.c.slot == slot)
            gone = blobs_of(connection, here)
            connection.execute(delete(vector_chunks).where(here))
            connection.execute(
                insert(vector_chunks).values(
                    space=found.key,
                    slot=slot,
                    version=found.version + 1,
                    count=len(chunk.ids),
                    **columns,
                )
            )
            bump_versions(connection, [found.key])
        self._blobs.erase(gone)
        self._build_if_due(found.key, len(chunk.ids))

    @contextmanager
    def _stored_chunk(self, index_id: str, asset_id: str, chunk: Chunk) -> Iterator[dict[str, Any]]:
        """The columns that hold a chunk, or say which object does. An object is written before the
        row that names it, and goes again where there comes to be none."""
        if not self._blobs.remote:
            yield {
                "ids": chunk.ids.tobytes(),
                "spans": chunk.spans.tobytes(),
                "vectors": chunk.vectors.tobytes(),
            }
            return
        key = f"indexes/{index_id}/{asset_id}/vectors/{random_id()}"
        self._blobs.write(key, pack_bytes(chunk))
        try:
            yield {"ids": b"", "spans": b"", "vectors": b"", "blob": key}
        except BaseException:
            self._blobs.erase([key])
            raise

    def delete_asset(self, scope: IndexScope, asset_id: str) -> None:
        """Take all vectors of an asset in an index away, bytes included."""
        authorize(scope, MANAGING, "vectors")
        self.require_writer()
        with self._write_transaction() as connection:
            slot = slot_of(connection, scope.index_id, asset_id)
            gone = []
            if slot is not None:
                gone = list(blobs_of(connection, vector_chunks.c.slot == slot))
                self.delete_slot(connection, slot)
        self._blobs.erase(gone)
        self.purge_deleted()
        self._database.checkpoint()

    def optimize(self, scope: IndexScope, *, force: bool = False) -> list[IvfMetadata]:
        """Build the indexes that are due: spaces with more than ``threshold_rows`` rows where none
        is built yet or a quarter of the rows is new. Returns those built, with their recall."""
        authorize(scope, MANAGING, "vectors")
        self.require_writer()
        with self._read_transaction() as connection:
            found = connection.execute(
                select(vector_spaces).where(vector_spaces.c.index_id == scope.index_id)
            ).all()
        return [metadata for row in found if (metadata := self._optimize(row.key, force))]

    # -- reading --------------------------------------------------------------------------------

    def search(
        self,
        scope: IndexScope,
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
        authorize(scope, SEARCHING, "vectors")
        asset_ids = self._allowed(scope, asset_ids)
        lines = np.atleast_2d(np.asarray(queries, np.float32))
        if not np.isfinite(lines).all():
            raise InvalidInput("invalid_argument", "A query vector is not finite.")
        lengths = np.linalg.norm(lines, axis=1, keepdims=True)
        lines = (lines / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
        for last in (None, False, True):
            # The first look may be part of a larger one; later ones need a view of their own.
            with self._database.read_transaction(fresh=last is not None) as connection:
                found = space_row(connection, scope.index_id, modality, space)
                if found is None or k < 1:
                    return [[] for _ in lines]
                if lines.shape[1] != found.dimensions:
                    raise InvalidInput(
                        "invalid_argument",
                        f"Queries of {lines.shape[1]} dimensions in a space of {found.dimensions}.",
                        subject=space,
                    )
                if asset_ids is not None and self._reads_few_assets(found, asset_ids):
                    try:
                        return self._load_few(connection, found, asset_ids).search(
                            lines, k, None, self._threshold_rows
                        )
                    except NotFound:
                        if last:
                            raise
                        continue
                if not last and found.ann_index and not self._is_there(found):
                    # The writer has just replaced the index: look again at what holds now.
                    continue
                within = None
                if asset_ids is not None:
                    within = np.array(find_slots(connection, scope.index_id, asset_ids), np.int64)
                try:
                    with self._states.use(found.key, partial(self._load, connection, found)) as one:
                        return one.search(lines, k, within, self._threshold_rows)
                except NotFound:
                    # So were rows that are objects.
                    if last:
                        raise
        raise AssertionError("the last look ends with an answer or an error")

    def is_exact(self, scope: IndexScope, modality: Modality, space: str) -> bool:
        """Whether every row of the space is compared with a query."""
        authorize(scope, SEARCHING, "vectors")
        with self._read_transaction() as connection:
            found = space_row(connection, scope.index_id, modality, space)
        return found is None or found.ann_index is None

    def of_asset(
        self, scope: IndexScope, modality: Modality, space: str, asset_id: str
    ) -> VectorBatch | None:
        """The rows of one asset in a space, ``None`` where there are none."""
        authorize(scope, EXPORTING, "vectors")
        self._require_asset(scope, asset_id)
        with self._read_transaction() as connection:
            found = space_row(connection, scope.index_id, modality, space)
            slot = slot_of(connection, scope.index_id, asset_id)
            if found is None or slot is None:
                return None
            row = connection.execute(
                select(vector_chunks).where(
                    vector_chunks.c.space == found.key, vector_chunks.c.slot == slot
                )
            ).first()
        if row is None:
            return None
        (chunk,) = unpack_rows(self._blobs, [row], found.dimensions)
        ids = tuple(id.decode("ascii") for id in chunk.ids.tolist())
        return VectorBatch(asset_id, ids, tuple(map(span_at, chunk.spans.tolist())), chunk.vectors)

    def scan(self, scope: IndexScope, modality: Modality, space: str) -> Iterator[VectorBatch]:
        """Every row of a space, asset by asset, as of the moment of the call."""
        authorize(scope, EXPORTING, "vectors")
        return self._scan(scope, modality, space, self._allowed(scope, None))

    def _scan(
        self, scope: IndexScope, modality: Modality, space: str, allowed: Collection[str] | None
    ) -> Iterator[VectorBatch]:
        with self._read_transaction() as connection:
            found = space_row(connection, scope.index_id, modality, space)
            if found is None:
                return
            names = asset_names(
                connection, [slot for slot, _, _ in chunk_versions(connection, found.key)]
            )
            for slot, _, chunk in read_chunks(connection, self._blobs, found.key, found.dimensions):
                if allowed is not None and names[slot] not in allowed:
                    continue
                yield VectorBatch(
                    names[slot],
                    tuple(id.decode("ascii") for id in chunk.ids.tolist()),
                    tuple(map(span_at, chunk.spans.tolist())),
                    chunk.vectors,
                )

    def statistics(self, scope: IndexScope) -> list[dict[str, Any]]:
        """By space: modality, space, dimensions, rows, assets, and the index with its recall."""
        authorize(scope, MANAGING | SEARCHING, "vectors")
        with self._read_transaction() as connection:
            rows = connection.execute(
                select(
                    vector_spaces,
                    func.coalesce(func.sum(vector_chunks.c.count), 0).label("rows"),
                    func.count(vector_chunks.c.key).label("assets"),
                )
                .outerjoin(vector_chunks, vector_chunks.c.space == vector_spaces.c.key)
                .where(vector_spaces.c.index_id == scope.index_id)
                .group_by(vector_spaces.c.key)
            ).all()
        return [
            {
                "modality": row.modality,
                "space": row.space,
                "dimensions": row.dimensions,
                "rows": int(row.rows),
                "assets": int(row.assets),
                "index": row.ann_index,
            }
            for row in rows
        ]

    # -- erasing, inside or after a caller's transaction ------------------------------------------

    def delete_slot(self, connection: Connection, slot: int) -> None:
        """Take a slot's rows away in every space."""
        keys = connection.execute(
            select(vector_chunks.c.space).where(vector_chunks.c.slot == slot)
        ).scalars()
        bump_versions(connection, list(keys))
        connection.execute(delete(vector_chunks).where(vector_chunks.c.slot == slot))

    def delete_index(self, connection: Connection, index_id: str) -> None:
        """Take the spaces of an index away (``purge_deleted`` then removes their files)."""
        keys = select(vector_spaces.c.key).where(vector_spaces.c.index_id == index_id)
        connection.execute(delete(vector_chunks).where(vector_chunks.c.space.in_(keys)))
        connection.execute(delete(vector_spaces).where(vector_spaces.c.index_id == index_id))

    def _reads_few_assets(self, space: Row[Any], asset_ids: Collection[str]) -> bool:
        return len(asset_ids) <= MAX_UNCACHED_ASSETS and space.key not in self._states

    def _load_few(
        self, connection: Connection, space: Row[Any], asset_ids: Collection[str]
    ) -> SpaceSnapshot:
        """The rows of a few assets, for a process that searches no others: as a worker does."""
        names = {slot_of(connection, space.index_id, one): one for one in asset_ids}
        assets = {slot: one for slot, one in names.items() if slot is not None}
        chunks = list(
            read_chunks(connection, self._blobs, space.key, space.dimensions, sorted(assets))
        )
        layout = [
            (slot, version, len(chunk.ids))
            for slot, version, chunk in sorted(chunks, key=lambda row: row[0])
        ]
        matrix = VectorMatrix.empty(space.dimensions).with_changes(layout, chunks)
        return SpaceSnapshot(space.version, None, np.empty(0, np.bool_), matrix, assets)

    # -- what is searched -------------------------------------------------------------------------

    def _load(
        self, connection: Connection, space: Row[Any], old: SpaceSnapshot | None
    ) -> SpaceSnapshot:
        if old is not None and old.version == space.version:
            return old
        listed = chunk_versions(connection, space.key)
        current = {slot: version for slot, version, _ in listed}
        inverted = self._open(space, old)
        built = inverted.versions_by_slot() if inverted else {}
        alive = np.array([current.get(slot) == v for slot, v in built.items()], np.bool_)
        layout = [row for row in listed if built.get(row[0]) != row[1]]
        matrix = old.matrix if old is not None else VectorMatrix.empty(space.dimensions)
        loaded = matrix.versions_by_slot()
        fresh = [slot for slot, version, _ in layout if loaded.get(slot) != version]
        if fresh or len(layout) != len(loaded):
            matrix = matrix.with_changes(
                layout,
                read_chunks(connection, self._blobs, space.key, space.dimensions, fresh),
            )
        known = old.assets if old is not None else {}
        unknown = [slot for slot in current if slot not in known]
        assets = {slot: known[slot] for slot in current if slot in known}
        assets |= asset_names(connection, unknown)
        return SpaceSnapshot(space.version, inverted, alive, matrix, assets)

    def _open(self, space: Row[Any], old: SpaceSnapshot | None) -> IvfIndex | None:
        if space.ann_index is None:
            return None
        metadata = IvfMetadata.from_json(space.ann_index)
        if old is not None and old.inverted is not None and old.inverted.metadata == metadata:
            return old.inverted
        try:
            return IvfIndex(self._local_folder(space), space.dimensions, metadata)
        except (FileNotFoundError, NotFound, ValueError):
            # Derived, so nothing is lost: all rows are searched exactly until it is built again,
            # and the doctor reports it.
            return None
