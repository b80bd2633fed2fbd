"""Reads and writes of the blobs of one store, each within a scope.

A key says whose it is: its first folder names a kind of record and the next one the record's id.
The blob belongs to the tenant of that record. Bytes are often put before the record that names
them is, and taken away after it; so what belongs to no record (yet, or any more) may be written
and deleted within any scope, but read only within one of every tenant.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, select

from videlicet.rights import Policy, Purpose, Scope, authorize, require_asset
from videlicet.store.blobs.base import KEY, BlobBackend, blob_not_found, require_key
from videlicet.store.catalog.owners import is_key_in_scope
from videlicet.store.catalog.schema import assets, memberships_table, videos
from videlicet.store.database import Database
from videlicet.store.records import MANAGING, READING, WRITING

#: Folders whose blobs are put and deleted for another purpose than ingesting and managing too.
_ALSO = {"analyses": Purpose.ANALYZE, "searches": Purpose.SEARCH}


class Blobs:
    """Reads and writes of the blobs of one store. A blob is there whole or not at all."""

    def __init__(self, backend: BlobBackend, database: Database, policy: Policy) -> None:
        self._backend = backend
        self._database = database
        self._policy = policy

    @property
    def remote(self) -> bool:
        """Whether they are away from this machine."""
        return self._backend.remote

    def put(self, scope: Scope, key: str, data: bytes | Path) -> None:
        """Store bytes, or the bytes of a file, under ``key``.

        Raises:
            NotFound: ``blob_not_found`` for a key that belongs to another tenant.
            StoreError: ``disk_full`` or ``store_unreachable``; what was under the key stays.
        """
        self._require_change(scope, WRITING, key)
        self._backend.write(key, data)

    def move_in(self, scope: Scope, key: str, file: Path) -> None:
        """Make a file in the data directory a blob; the file is gone afterwards.

        Raises:
            NotFound: ``blob_not_found`` for a key that belongs to another tenant.
        """
        self._require_change(scope, WRITING, key)
        self._backend.move_in(key, file)

    def get(self, scope: Scope, key: str) -> bytes:
        """The bytes under ``key``.

        Raises:
            NotFound: ``blob_not_found``.
        """
        self._require_read(scope, key)
        return self._backend.read(key)

    def path(self, scope: Scope, key: str) -> Path:
        """A file that holds the bytes under ``key``; it must not be changed, and is to be opened
        soon.

        Raises:
            NotFound: ``blob_not_found``.
        """
        self._require_read(scope, key)
        return self._backend.path(key)

    def exists(self, scope: Scope, key: str) -> bool:
        authorize(scope, READING, "blobs")
        require_key(key)
        with self._database.read_transaction() as connection:
            mine = is_key_in_scope(connection, scope, key, orphans=False)
        return mine and self._backend.exists(key)

    def list(self, scope: Scope, prefix: str = "") -> Sequence[str]:
        """Keys under a folder (``prefix`` ends in ``/``), or all of them, in order; those that
        belong to the scope's tenant."""
        authorize(scope, READING, "blobs")
        keys = [key for key in self._backend.list_keys(prefix) if KEY.fullmatch(key)]
        with self._database.read_transaction() as connection:
            return [key for key in keys if is_key_in_scope(connection, scope, key, orphans=False)]

    def delete(self, scope: Scope, *keys: str) -> None:
        """Take blobs away; unknown keys are fine, and a key ending in ``/`` means all under it.

        Raises:
            NotFound: ``blob_not_found`` for a key that belongs to another tenant.
        """
        for key in keys:
            self._require_change(scope, MANAGING, key)
        self._backend.erase(keys)

    def _require_change(self, scope: Scope, purposes: frozenset[Purpose], key: str) -> None:
        folder = key.partition("/")[0]
        also = frozenset({_ALSO[folder]} if folder in _ALSO else ())
        authorize(scope, purposes | also, "blobs")
        self._backend.require_change(key.removesuffix("/"))
        with self._database.read_transaction() as connection:
            if not is_key_in_scope(connection, scope, key, orphans=True):
                raise blob_not_found(key)

    def _require_read(self, scope: Scope, key: str) -> None:
        authorize(scope, READING, "blobs")
        require_key(key)
        with self._database.read_transaction() as connection:
            if not is_key_in_scope(connection, scope, key, orphans=False):
                raise blob_not_found(key)
            asset_ids = _assets_of(connection, key) if self._policy.selective else ()
        for asset_id in asset_ids:
            require_asset(self._policy, scope, asset_id)


def _assets_of(connection: Connection, key: str) -> Sequence[str]:
    """The assets whose content a blob holds."""
    match key.split("/"):
        case ["assets" | "files", asset_id, *_]:
            return [asset_id]
        case ["indexes", index_id, id, *_]:
            # Of a video that was made before assets had tables, the folder has the video's name.
            named = (
                select(memberships_table.c.asset_id)
                .join(videos, videos.c.slot == memberships_table.c.key)
                .where(memberships_table.c.index_id == index_id, videos.c.id == id)
            )
            return [id, *connection.execute(named).scalars()]
    return list(connection.execute(select(assets.c.id).where(assets.c.blob == key)).scalars())
