"""The base of every repository: the database, and whether it may be changed."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager

from sqlalchemy import Connection, select

from videlicet.errors import StoreError
from videlicet.rights import OPEN, IndexScope, Policy, Scope, allowed_of, require_asset
from videlicet.store.catalog.schema import memberships_table
from videlicet.store.database import Database


class Repository:
    """A part of one open store."""

    def __init__(self, database: Database, *, writable: bool, policy: Policy = OPEN) -> None:
        self._database = database
        self._writable = writable
        self._policy = policy

    @property
    def _catalog_database(self) -> Database:
        """The database that says which assets an index holds."""
        return self._database

    def _require_asset(self, scope: Scope, asset_id: str) -> None:
        """Raise ``purpose_not_permitted`` where the policy withholds an asset from the scope."""
        require_asset(self._policy, scope, asset_id)

    def _allowed(
        self, scope: IndexScope, asset_ids: Collection[str] | None
    ) -> Collection[str] | None:
        """Those of the assets (of all in the index, where ``None``) that the policy does not
        withhold from the scope; under one that withholds none, what was given."""
        if not self._policy.selective:
            return asset_ids
        if asset_ids is None:
            query = select(memberships_table.c.asset_id).where(
                memberships_table.c.index_id == scope.index_id
            )
            with self._catalog_database.read_transaction() as connection:
                asset_ids = connection.execute(query).scalars().all()
        return allowed_of(self._policy, scope, asset_ids)

    def _read_transaction(self) -> AbstractContextManager[Connection]:
        return self._database.read_transaction()

    def _write_transaction(self) -> AbstractContextManager[Connection]:
        self.require_writer()
        return self._database.write_transaction()

    def require_writer(self) -> None:
        """Raise ``store_not_writable`` on a store that was opened for reading."""
        if not self._writable:
            raise StoreError(
                "store_not_writable",
                "The library was opened for reading only.",
                subject=self._database.name,
                remedy="Open it with write=True.",
            )
