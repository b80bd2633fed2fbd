"""Full text over a shared database: the rows of record are there, what searches them is here.

Each asset's text is one row of ``text_chunks`` in the shared database. Every machine keeps word
lists of its own in ``texts.sqlite`` in its data directory, shared by its processes, and brings them
up to the state of the database whenever a search finds that they are behind. So searches cost the
database one small query, and find exactly what they find over a data directory.
docs/decisions/0010-shared-storage.md has the reasons.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from videlicet.rights import OPEN, IndexScope, Policy, authorize
from videlicet.store.catalog.expressions import is_any_of
from videlicet.store.catalog.memberships import batched, require_slot, slot_of
from videlicet.store.catalog.rows import span_of, span_text
from videlicet.store.catalog.schema import (
    indexes,
    memberships_table,
    metadata,
    text_chunks,
    text_rows,
    text_spaces,
)
from videlicet.store.database import Database
from videlicet.store.database.sqlite import SqliteDatabase
from videlicet.store.home import Home
from videlicet.store.records import MANAGING, WRITING, TextRow
from videlicet.store.texts.tables import (
    add_rows,
    add_space,
    create_fts_tables,
    mark_changed,
    space_row,
)
from videlicet.store.texts.texts import Texts, by_modality
from videlicet.types import Modality

FILE = "texts.sqlite"

#: (space, slot, version) of a chunk.
Place = tuple[int, int, int]


class MirroredTexts(Texts):
    """Reads and writes of the full text of a shared store."""

    def __init__(
        self, shared: Database, home: Home, *, writable: bool, policy: Policy = OPEN
    ) -> None:
        mirror = SqliteDatabase(home.root / FILE, home.root)
        super().__init__(mirror, writable=writable, policy=policy)
        self._shared = shared
        self._lists = Texts(mirror, writable=True)
        self._lock = threading.Lock()
        #: Spaces of each index with the version that the mirror is known to have.
        self._synced_versions: dict[str, dict[int, int]] = {}
        self._ready = False

    @property
    def _catalog_database(self) -> Database:
        return self._shared

    def close(self) -> None:
        self._database.close()

    # -- the rows of record ---------------------------------------------------------------------

    def put(self, scope: IndexScope, asset_id: str, rows: Sequence[TextRow]) -> None:
        authorize(scope, WRITING, "texts")
        self.require_writer()
        self._require_asset(scope, asset_id)
        index_id = scope.index_id
        kept = by_modality(rows)
        with self._shared.write_transaction() as connection:
            slot = require_slot(connection, index_id, asset_id)
            self.delete_slot(connection, slot)
            for modality, texts in kept.items():
                found = space_row(connection, index_id, modality)
                space = add_space(connection, index_id, modality) if found is None else found.key
                mark_changed(connection, space)
                version = connection.execute(
                    select(text_spaces.c.version).where(text_spaces.c.key == space)
                ).scalar_one()
                connection.execute(
                    insert(text_chunks).values(
                        space=space, slot=slot, version=version, count=len(texts),
                        rows=_to_json(texts),
                    )
                )  # fmt: skip

    def delete_asset(self, scope: IndexScope, asset_id: str) -> None:
        authorize(scope, MANAGING, "texts")
        self.require_writer()
        with self._shared.write_transaction() as connection:
            slot = slot_of(connection, scope.index_id, asset_id)
            if slot is not None:
                self.delete_slot(connection, slot)
        self.evict_stale_copies()

    def delete_slot(self, connection: Connection, slot: int) -> list[int]:
        here = text_chunks.c.slot == slot
        touched = list(connection.execute(select(text_chunks.c.space).where(here)).scalars())
        for space in touched:
            mark_changed(connection, space)
        connection.execute(delete(text_chunks).where(here))
        return touched

    def purge_slots(self, connection: Connection, gone: Iterable[int]) -> None:
        for slot in gone:
            self.delete_slot(connection, slot)

    def purge_index(self, connection: Connection, index_id: str) -> None:
        keys = select(text_spaces.c.key).where(text_spaces.c.index_id == index_id)
        connection.execute(delete(text_chunks).where(text_chunks.c.space.in_(keys)))
        connection.execute(delete(text_spaces).where(text_spaces.c.index_id == index_id))

    # -- the mirror -----------------------------------------------------------------------------

    def evict_stale_copies(self) -> bool:
        self._open()
        # The shared database is read under the mirror's lock, so what is compared is never older
        # than what another process has put into the mirror meanwhile.
        with (
            self._database.write_transaction() as mirror,
            self._shared.read_transaction(fresh=True) as connection,
        ):
            theirs = {tuple(row) for row in connection.execute(_SLOTS)}
            known = {
                (row.key, row.index_id) for row in connection.execute(select(text_spaces)).all()
            }
            gone = [row for row in mirror.execute(_SLOTS).all() if tuple(row) not in theirs]
            lost = [
                row
                for row in mirror.execute(select(text_spaces)).all()
                if (row.key, row.index_id) not in known
            ]
            self._lists.purge_slots(mirror, [row.key for row in gone])
            keys = [row.key for row in gone]
            mirror.execute(delete(text_chunks).where(is_any_of(text_chunks.c.slot, keys)))
            mirror.execute(
                delete(memberships_table).where(is_any_of(memberships_table.c.key, keys))
            )
            for row in lost:
                self._drop_space(mirror, row.key)
            if gone or lost:
                self._synced_versions.clear()
        # Also where nothing was erased now: a reader may have been in the way the last time.
        return self._database.checkpoint(timeout=5.0 if gone or lost else 0.0)

    def _drop_space(self, mirror: Connection, space: int) -> None:
        mirror.execute(delete(text_chunks).where(text_chunks.c.space == space))
        mirror.execute(delete(text_rows).where(text_rows.c.space == space))
        for name in ("words", "grams"):
            mirror.exec_driver_sql(f"DROP TABLE text_{name}_{space}")
        mirror.exec_driver_sql(f"DROP VIEW text_view_{space}")
        mirror.execute(delete(text_spaces).where(text_spaces.c.key == space))

    @contextmanager
    def _search_transaction(self, index_id: str) -> Iterator[Connection]:
        self._sync(index_id)
        with self._read_transaction() as connection:
            yield connection

    def _open(self) -> None:
        with self._lock:
            if not self._ready:
                self._database.migrate(metadata)
                self._ready = True

    def _sync(self, index_id: str) -> None:
        """Bring an index's part of the mirror up to the shared database: to its newest state, also
        inside a view of an older one, or the mirror would be moved back to what is erased by now.
        Within one view it is done once for each index."""
        view = self._shared.current_snapshot()
        if view is not None and index_id in view.synced_indexes:
            return
        if not self._ready:
            # A mirror of an earlier day may hold what is gone by now.
            self.evict_stale_copies()
        with self._shared.read_transaction(fresh=True) as connection:
            wanted = _spaces(connection, index_id)
        if self._synced_versions.get(index_id) != wanted:
            self._sync_locked(index_id)
        if view is not None:
            view.synced_indexes.add(index_id)

    def _sync_locked(self, index_id: str) -> None:
        with (
            self._lock,
            self._database.write_transaction() as mirror,
            # After the mirror's lock: no process can have put a newer state into the mirror.
            self._shared.read_transaction(fresh=True) as connection,
        ):
            # Another process of this machine may have been here meanwhile.
            spaces = connection.execute(
                select(text_spaces).where(text_spaces.c.index_id == index_id)
            ).all()
            wanted = {row.key: row.version for row in spaces}
            if _spaces(mirror, index_id) != wanted:
                self._copy_changes(mirror, connection, index_id, spaces)
            self._synced_versions[index_id] = wanted

    def _copy_changes(
        self, mirror: Connection, connection: Connection, index_id: str, spaces: Sequence[Row[Any]]
    ) -> None:
        theirs, ours = _chunk_versions(connection, index_id), _chunk_versions(mirror, index_id)
        stale = {slot for _, slot, _ in ours - theirs}
        fresh = {slot for _, slot, _ in theirs - ours} | stale
        _ensure_parents(mirror, connection, index_id, spaces, fresh)
        self._lists.purge_slots(mirror, stale)
        for part in batched(sorted(fresh)):
            these = text_chunks.c.slot.in_(part)
            mirror.execute(delete(text_chunks).where(these))
            for row in connection.execute(select(text_chunks).where(these)).all():
                modality = next(s.modality for s in spaces if s.key == row.space)
                add_rows(mirror, row.space, row.slot, _from_json(row.rows, Modality(modality)))
                mirror.execute(
                    insert(text_chunks).values(
                        space=row.space, slot=row.slot, version=row.version,
                        count=row._mapping["count"], rows="",
                    )
                )  # fmt: skip
        for row in spaces:
            mirror.execute(
                update(text_spaces).where(text_spaces.c.key == row.key).values(version=row.version)
            )


_SLOTS = select(memberships_table.c.key, memberships_table.c.index_id, memberships_table.c.asset_id)


def _spaces(connection: Connection, index_id: str) -> dict[int, int]:
    rows = connection.execute(
        select(text_spaces.c.key, text_spaces.c.version).where(text_spaces.c.index_id == index_id)
    )
    return {int(row[0]): int(row[1]) for row in rows}


def _chunk_versions(connection: Connection, index_id: str) -> set[Place]:
    rows = connection.execute(
        select(text_chunks.c.space, text_chunks.c.slot, text_chunks.c.version)
        .join(text_spaces, text_spaces.c.key == text_chunks.c.space)
        .where(text_spaces.c.index_id == index_id)
    )
    return {(int(row[0]), int(row[1]), int(row[2])) for row in rows}


def _ensure_parents(
    mirror: Connection,
    connection: Connection,
    index_id: str,
    spaces: Sequence[Row[Any]],
    wanted: Collection[int],
) -> None:
    """What the rows of an index hang on, under the keys of the shared database."""
    if mirror.execute(select(indexes.c.id).where(indexes.c.id == index_id)).first() is None:
        theirs = connection.execute(select(indexes).where(indexes.c.id == index_id)).one()
        mirror.execute(insert(indexes).values({**theirs._mapping, "name": index_id}))
    there = _spaces(mirror, index_id)
    for row in spaces:
        if row.key not in there:
            mirror.execute(insert(text_spaces).values(dict(row._mapping)))
            create_fts_tables(mirror, row.key)
    for keys in batched(sorted(wanted)):
        known = set(
            mirror.execute(
                select(memberships_table.c.key).where(memberships_table.c.key.in_(keys))
            ).scalars()
        )
        for slot in connection.execute(_SLOTS.where(memberships_table.c.key.in_(keys))).all():
            if slot.key not in known:
                mirror.execute(insert(memberships_table).values(dict(slot._mapping)))


def _to_json(rows: Sequence[TextRow]) -> str:
    return json.dumps([[row.id, span_text(row.span), row.text] for row in rows])


def _from_json(text: str, modality: Modality) -> list[TextRow]:
    return [TextRow(id, modality, span_of(span), said) for id, span, said in json.loads(text)]
