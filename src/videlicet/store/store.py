"""One open data directory: its parts, and what must happen to all of them together."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import overload

from sqlalchemy import Connection, delete, select

from videlicet.errors import InvalidInput, NotPermitted, StoreError
from videlicet.rights import (
    OPEN,
    Grant,
    IndexScope,
    Policy,
    Scope,
    authorize,
    require_purpose,
)
from videlicet.rights.scope import index_scope, tenant_scope
from videlicet.settings import Settings
from videlicet.store.blobs import open_backend
from videlicet.store.blobs.blobs import Blobs
from videlicet.store.byte_scan import scan_files, scan_shared_store
from videlicet.store.catalog import Catalog, erasure, saved_searches
from videlicet.store.catalog.assets import unknown_asset
from videlicet.store.catalog.expressions import is_any_of
from videlicet.store.catalog.indexes import find_index
from videlicet.store.catalog.memberships import require_slot
from videlicet.store.catalog.resources import schedule_erasure
from videlicet.store.catalog.schema import assets, erasures, memberships_table, metadata
from videlicet.store.database import Database, open_database
from videlicet.store.home import Home, WriterLock, translated_errors
from videlicet.store.records import MANAGING, ByteMatch
from videlicet.store.texts import open_texts
from videlicet.store.vectors import VECTOR_STORES, VectorContext, VectorStore


def open_store(
    settings: Settings,
    *,
    write: bool = False,
    create: bool = False,
    lock_fd: int | None = None,
    policy: Policy = OPEN,
) -> Store:
    """Open the data directory ``settings.home``, or the database and object store that the
    settings name; what is derived and copied from those is then in the directory.

    Any number of processes may read a data directory while one writes; with ``write`` this becomes
    the one, until the store is closed or the process ends. A database is written by any number.
    With ``create`` an empty store is made ready. ``lock_fd`` is the writer's lock as a parent
    process holds it (:attr:`Store.lock_fd`). ``policy`` decides what assets may be used for.

    Raises:
        StoreError: ``store_not_found``, ``schema_too_new``, ``database_corrupt`` or
            ``store_not_writable``; ``store_unreachable``.
        InvalidInput: ``invalid_argument``, for settings that do not go together.
        Conflict: ``database_locked``, naming the process that writes.
    """
    home = Home(settings.home)
    if create or settings.database_url:
        home.create()
    home.require_readable()
    if bool(settings.object_store_url) != bool(settings.database_url):
        raise InvalidInput(
            "invalid_argument",
            "The settings database_url and object_store_url go together: what one machine "
            "puts into the one, others look for in the other.",
            subject="object_store_url" if settings.object_store_url else "database_url",
        )
    lock = WriterLock(home, lock_fd) if write and not settings.database_url else None
    database = open_database(settings, home)
    try:
        if settings.database_url and not create and database.revision() is None:
            raise StoreError(
                "store_not_found", f"There is no library in {database.name}.", subject=database.name
            )
        database.migrate(metadata)
        store = Store(home, database, lock, settings, writable=write, policy=policy)
        if write:
            home.create_missing_folders()
            store.finish_erasures()
    except BaseException:
        database.close()
        if lock is not None:
            lock.release()
        raise
    return store


class Store:
    """The parts of one open data directory; a context manager."""

    def __init__(
        self,
        home: Home,
        database: Database,
        lock: WriterLock | None,
        settings: Settings,
        *,
        writable: bool,
        policy: Policy = OPEN,
    ) -> None:
        self.home = home
        self.writable = writable
        self.database = database
        self._lock = lock
        self.policy = policy
        self._backend = open_backend(settings, home, writable=writable)
        self.blobs = Blobs(self._backend, database, policy)
        self.catalog = Catalog(database, writable=writable, policy=policy)
        self.texts = open_texts(database, home, writable=writable, policy=policy)
        self.vectors: VectorStore = VECTOR_STORES.get(settings.vector_store)(
            VectorContext(database, home, self._backend, settings, policy, writable)
        )

    @property
    def lock_fd(self) -> int | None:
        """The writer's lock, for a child process that is to write on this one's behalf."""
        return None if self._lock is None else self._lock.fileno()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the directory; closing twice is fine."""
        if self._lock is not None:
            # A copy made from now on is a backup of one file, not of a file and its log.
            self.database.checkpoint(timeout=0)
        self.database.close()
        self.texts.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @overload
    def scope(self, grant: Grant, index: None = None) -> Scope: ...

    @overload
    def scope(self, grant: Grant, index: str) -> IndexScope: ...

    @overload
    def scope(self, grant: Grant, index: str | None) -> Scope: ...

    def scope(self, grant: Grant, index: str | None = None) -> Scope:
        """What a grant reaches: its tenant, or with ``index`` (an id or a name) that one index.
        Everything stored is read and written within a scope, and scopes come only from here.

        A scope is a grant too: give it with an index to bind it to that index, without one to
        reach the whole tenant.

        Raises:
            NotPermitted: ``purpose_not_permitted``, by the policy.
            NotFound: ``index_not_found``, also for an index of another tenant.
        """
        require_purpose(self.policy, grant)
        scope = tenant_scope(grant)
        if index is None:
            return scope
        with self.database.read_transaction() as connection:
            return index_scope(grant, find_index(connection, scope, index))

    def remove_video(self, scope: IndexScope, asset_id: str) -> bool:
        """Take an asset out of the index with everything derived from it there; the asset goes too
        where it lives for its indexes and no other holds it. It is unreachable at once; true means
        that no byte of it is left in the data directory, false that another process still reads an
        old state, and that the bytes go with the next change or opening for writing (the doctor
        names what is pending).

        Raises:
            NotFound: ``asset_not_found``, if the index does not hold it.
        """
        return self.remove_videos(scope, [asset_id])

    def remove_videos(self, scope: IndexScope, asset_ids: Collection[str]) -> bool:
        """``remove_video`` for many at the price of one."""
        authorize(scope, MANAGING, "asset")
        self.catalog.require_writer()
        with self.database.write_transaction() as connection:
            gone = {
                asset_id: require_slot(connection, scope.index_id, asset_id)
                for asset_id in asset_ids
            }
            self._delete_videos(connection, [(scope.index_id, *pair) for pair in gone.items()])
        return self.finish_erasures()

    def clear_video(self, scope: IndexScope, asset_id: str) -> bool:
        """Take back what was derived from an asset in the index; it stays in the index. See
        ``remove_video`` for the result.

        Raises:
            NotFound: ``asset_not_found``, if the index does not hold it.
        """
        authorize(scope, MANAGING, "asset")
        self.catalog.require_writer()
        with self.database.write_transaction() as connection:
            slot = require_slot(connection, scope.index_id, asset_id)
            self.texts.purge_slots(connection, [slot])
            self.vectors.delete_slot(connection, slot)
            keys = erasure.clear_video_rows(connection, scope.index_id, asset_id, slot)
            schedule_erasure(connection, scope.index_id, asset_id, keys)
        return self.finish_erasures()

    def delete_asset(self, scope: Scope, asset_id: str) -> bool:
        """Delete an asset with its bytes, its videos in all indexes and everything derived from
        them. See ``remove_video`` for the result.

        Raises:
            NotFound: ``asset_not_found``.
        """
        authorize(scope, MANAGING, "asset")
        self.catalog.require_writer()
        with self.database.write_transaction() as connection:
            tenant = connection.execute(
                select(assets.c.tenant).where(assets.c.id == asset_id)
            ).scalar()
            if tenant is None or not scope.covers(tenant):
                raise unknown_asset(asset_id)
            members = connection.execute(
                select(memberships_table.c.index_id, memberships_table.c.key).where(
                    memberships_table.c.asset_id == asset_id
                )
            ).all()
            self._delete_videos(connection, [(row.index_id, asset_id, row.key) for row in members])
            # It is gone already where it lived for its indexes.
            for keys in erasure.delete_asset_rows(connection, [asset_id]).values():
                schedule_erasure(connection, "", asset_id, keys)
        return self.finish_erasures()

    def _delete_videos(self, connection: Connection, gone: Sequence[tuple[str, str, int]]) -> None:
        """Delete videos, each named by index, asset and slot, within a transaction."""
        self.texts.purge_slots(connection, [slot for _, _, slot in gone])
        for index_id, asset_id, slot in gone:
            self.vectors.delete_slot(connection, slot)
            saved_searches.delete_matches_of_asset(connection, index_id, asset_id)
            keys = erasure.delete_video_rows(connection, index_id, asset_id, slot)
            schedule_erasure(connection, index_id, asset_id, keys)

    def delete_index(self, scope: IndexScope) -> bool:
        """Erase an index with everything derived in it; see ``remove_video`` for the result.

        Raises:
            NotFound: ``index_not_found``, if it was deleted meanwhile.
        """
        authorize(scope, MANAGING, "index")
        self.catalog.require_writer()
        with self.database.write_transaction() as connection:
            self.texts.purge_index(connection, scope.index_id)
            self.vectors.delete_index(connection, scope.index_id)
            saved_searches.delete_saved_searches_of_index(connection, scope.index_id)
            erasure.delete_index_rows(connection, scope.index_id, datetime.now(UTC))
        return self.finish_erasures()

    def delete_saved_search(self, scope: Scope, query_id: str) -> bool:
        """Erase a saved search with its matches; see ``remove_video`` for the result. On a store
        that was opened for reading the bytes go when it is next opened for writing.

        Raises:
            NotFound: ``resource_not_found``.
        """
        self.catalog.delete_saved_search(scope, query_id)
        return self.writable and self.finish_erasures()

    def finish_erasures(self) -> bool:
        """Carry erasures that are committed through to the last byte. False where a reader still
        holds an old view: then the next call (every opening for writing makes one) goes on."""
        with self.database.read_transaction() as connection:
            pending = connection.execute(select(erasures)).all()
        if not pending:
            return True
        with translated_errors(self.home.root):
            for row in pending:
                self._backend.erase(list(row.blobs))
                shutil.rmtree(self.home.cache / row.asset_id, ignore_errors=True)
            self.vectors.purge_deleted()
            copies = self.texts.evict_stale_copies()
        # Deleted rows were overwritten with zeros; the log still held their old content.
        if not (self.database.checkpoint() and copies):
            return False
        with self.database.write_transaction() as connection:
            connection.execute(
                delete(erasures).where(is_any_of(erasures.c.key, [row.key for row in pending]))
            )
        return self.database.checkpoint()

    def sweep_expired(self) -> int:
        """Take away what has expired and nobody needs any more, of every tenant: answers to
        requests that may be repeated, embeddings, kept searches. Returns how many."""
        self.catalog.require_writer()
        now = datetime.now(UTC)
        with self.database.read_transaction() as connection:
            if not erasure.has_expired(connection, now):
                return 0
        with self.database.write_transaction() as connection:
            return erasure.delete_expired(connection, now)

    def ping(self) -> None:
        """Raise what keeps the store from answering, if anything does."""
        self.database.ping()

    def snapshot(self) -> AbstractContextManager[None]:
        """Have everything that this thread reads within the block be of one state of the store."""
        return self.database.snapshot()

    def evict_stale_copies(self) -> None:
        """Take away what has expired, go on with erasures that something was in the way of, and
        forget this machine's copies of what other machines have erased. To be called now and then
        by every process that serves or works on a store."""
        if self.writable:
            self.sweep_expired()
            self.finish_erasures()
        self.texts.evict_stale_copies()
        self.vectors.evict_stale_copies()
        self._backend.evict_stale_copies()

    def build_due_indexes(self) -> None:
        """Build the indexes that are due; called now and then by workers."""
        self.vectors.build_due_indexes()

    def scan(self, scope: Scope, needles: Sequence[bytes]) -> list[ByteMatch]:
        """Where any of ``needles`` occurs in the bytes of the data directory, and of a shared
        store in the rows of its database and in its objects.

        Nothing in it is compressed or encrypted, so what is not sighted is not there (words that
        were cut by a page of the database excepted, which is why callers look for several).

        Raises:
            NotPermitted: ``purpose_not_permitted`` within the scope of one tenant.
        """
        authorize(scope, MANAGING, "scan")
        if not scope.every_tenant:
            raise NotPermitted(
                "purpose_not_permitted",
                "A scan reads the bytes of every tenant, so it needs a scope of every tenant.",
                subject="scan",
            )
        matches = scan_files(self.home.root, needles)
        if self.database.shared:
            matches += scan_shared_store(self.database, self._backend, needles)
        return matches
