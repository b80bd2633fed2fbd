"""The catalog: indexes, assets, and which asset stands in which index."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select, update

from videlicet.errors import InvalidInput, NotFound
from videlicet.rights import Decisions, IndexScope, Scope, allowed_of, authorize
from videlicet.store.catalog.expressions import is_any_of
from videlicet.store.catalog.filters import compile_filter
from videlicet.store.catalog.indexes import Indexes, tenant_conditions
from videlicet.store.catalog.keys import Keys
from videlicet.store.catalog.memberships import put_entry, require_index, require_slot
from videlicet.store.catalog.observations import Observations
from videlicet.store.catalog.owners import is_key_in_scope
from videlicet.store.catalog.resources import Resources
from videlicet.store.catalog.rows import (
    asset_of,
    asset_row,
    indexed_of,
    metadata_of,
    metadata_rows,
)
from videlicet.store.catalog.saved_searches import SavedSearches
from videlicet.store.catalog.schema import (
    asset_metadata,
    assets,
    indexed_assets,
    indexes,
    memberships_table,
)
from videlicet.store.catalog.tasks import Tasks
from videlicet.store.records import MANAGING, READING, WRITING
from videlicet.types import Asset, IndexedAsset, MetadataValue, Status


class Catalog(Indexes, Observations, Tasks, Resources, SavedSearches, Keys):
    """Reads and writes of the catalog. Every call is one transaction; writes need a store that
    was opened for writing, except those of tasks."""

    # -- assets -------------------------------------------------------------------------------

    def put_asset(self, scope: Scope, asset: Asset, entry: IndexedAsset | None = None) -> None:
        """Add an asset, or bring it up to date; with how it stands in an index, if given. The first
        ``created_at`` stays, and metadata is added to what is there.

        Raises:
            NotFound: ``index_not_found``, or ``asset_not_found`` for an asset of another tenant;
                then nothing is added.
        """
        authorize(scope, WRITING, "asset")
        if not scope.covers(asset.tenant):
            raise _unknown(asset.id)
        self._require_asset(scope, asset.id)
        row = asset_row(asset)
        values = metadata_rows(asset.id, asset.metadata)
        with self._write_transaction() as connection:
            there = connection.execute(
                select(assets.c.tenant).where(assets.c.id == asset.id)
            ).scalar()
            if there is not None and there != asset.tenant:
                raise _unknown(asset.id)
            if asset.blob is not None and not is_key_in_scope(
                connection, scope, asset.blob, orphans=True
            ):
                raise InvalidInput(
                    "invalid_argument",
                    f"Blob {asset.blob!r} does not belong to asset {asset.id}.",
                    subject=asset.id,
                )
            if there is not None:
                changes = {k: v for k, v in row.items() if k not in ("id", "created_at")}
                connection.execute(update(assets).where(assets.c.id == asset.id).values(changes))
            else:
                connection.execute(insert(assets).values(row))
            _set_metadata(connection, asset.id, list(asset.metadata), values)
            if entry is not None:
                _require_within(connection, scope, entry.index_id, asset.tenant)
                put_entry(connection, entry)

    def asset(self, scope: Scope, asset_id: str) -> Asset:
        """An asset by id.

        Raises:
            NotFound: ``asset_not_found``.
        """
        authorize(scope, READING, "asset")
        with self._read_transaction() as connection:
            found = _assets(
                connection,
                select(assets).where(assets.c.id == asset_id, *tenant_conditions(scope, assets)),
            )
        if not found:
            raise _unknown(asset_id)
        self._require_asset(scope, asset_id)
        return found[0]

    def assets(
        self,
        scope: Scope,
        *,
        filter: Mapping[str, Any] | None = None,
        among: Collection[str] | None = None,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[Asset]:
        """Assets in the order they were added, of the scope's index or else of its tenant, that
        pass ``filter`` (of those ``among`` a few, if given)."""
        authorize(scope, READING, "asset")
        query = select(assets).where(*tenant_conditions(scope, assets))
        if among is not None:
            query = query.where(is_any_of(assets.c.id, among))
        query = query.order_by(assets.c.created_at, assets.c.id)
        if filter:
            query = query.where(compile_filter(filter))
        if scope.index_id is not None:
            query = query.where(assets.c.id.in_(_members(scope.index_id)))
        with self._read_transaction() as connection:
            if scope.index_id is not None:
                require_index(connection, scope.index_id)
            if self._policy.selective:
                ids = connection.execute(query.with_only_columns(assets.c.id)).scalars().all()
                query = query.where(is_any_of(assets.c.id, allowed_of(self._policy, scope, ids)))
            return _assets(connection, query.offset(offset).limit(limit))

    def names(self, scope: Scope, asset_ids: Iterable[str]) -> dict[str, str]:
        """Names of those of the assets that there are, by id."""
        authorize(scope, READING, "asset")
        with self._read_transaction() as connection:
            rows = connection.execute(
                select(assets.c.id, assets.c.name).where(
                    is_any_of(assets.c.id, asset_ids), *tenant_conditions(scope, assets)
                )
            )
            found = {row.id: row.name for row in rows}
        allowed = allowed_of(self._policy, scope, found)
        return {id: name for id, name in found.items() if id in allowed}

    def find_assets(
        self,
        scope: IndexScope,
        filter: Mapping[str, Any] | None = None,
        *,
        among: Collection[str] | None = None,
    ) -> frozenset[str]:
        """Ids of the ready assets of the index (of those ``among``, if given) that pass ``filter``
        and are not withheld by the policy.

        Raises:
            InvalidQuery: ``filter_invalid``.
            NotFound: ``index_not_found``.
        """
        return self.decide_assets(scope, filter, among=among).allowed

    def decide_assets(
        self,
        scope: IndexScope,
        filter: Mapping[str, Any] | None = None,
        *,
        among: Collection[str] | None = None,
    ) -> Decisions:
        """What the policy decides on each of the ready assets of the index (of those ``among``, if
        given) that pass ``filter``.

        Raises:
            InvalidQuery: ``filter_invalid``.
            NotFound: ``index_not_found``.
        """
        authorize(scope, READING, "asset")
        query = _members(scope.index_id).where(indexed_assets.c.status == Status.READY.value)
        if filter:
            query = query.join(assets, assets.c.id == memberships_table.c.asset_id).where(
                compile_filter(filter)
            )
        if among is not None:
            query = query.where(is_any_of(memberships_table.c.asset_id, among))
        with self._read_transaction() as connection:
            require_index(connection, scope.index_id)
            found = frozenset(connection.execute(query).scalars())
        if not self._policy.selective:
            return Decisions(found)
        return self._policy.decide_many(scope, scope.purpose, found)

    def members(self, scope: IndexScope) -> list[str]:
        """Ids of the assets that the index holds anything of, whatever their status."""
        authorize(scope, READING, "asset")
        query = select(memberships_table.c.asset_id).where(
            memberships_table.c.index_id == scope.index_id
        )
        with self._read_transaction() as connection:
            found = list(connection.execute(query.order_by(memberships_table.c.key)).scalars())
        allowed = allowed_of(self._policy, scope, found)
        return [asset_id for asset_id in found if asset_id in allowed]

    def set_metadata(
        self, scope: Scope, asset_id: str, metadata: Mapping[str, MetadataValue | None]
    ) -> None:
        """Set values to filter by; ``None`` takes a key away.

        Raises:
            NotFound: ``asset_not_found``.
            InvalidInput: a key or value that cannot be kept.
        """
        authorize(scope, MANAGING, "asset")
        self._require_asset(scope, asset_id)
        values = {key: value for key, value in metadata.items() if value is not None}
        rows = metadata_rows(asset_id, values)
        with self._write_transaction() as connection:
            there = select(assets.c.id).where(
                assets.c.id == asset_id, *tenant_conditions(scope, assets)
            )
            if not connection.execute(there).first():
                raise _unknown(asset_id)
            _set_metadata(connection, asset_id, list(metadata), rows)

    # -- assets in indexes --------------------------------------------------------------------

    def put_indexed(self, scope: Scope, entry: IndexedAsset, *, again: bool = False) -> None:
        """Say how an asset stands in an index. The first ``created_at`` stays. With ``again`` it
        must stand in it already: one that was taken out meanwhile does not come back.

        Raises:
            NotFound: ``index_not_found`` or ``asset_not_found``.
        """
        authorize(scope, WRITING, "asset")
        self._require_asset(scope, entry.asset_id)
        with self._write_transaction() as connection:
            tenant = connection.execute(
                select(assets.c.tenant).where(
                    assets.c.id == entry.asset_id, *tenant_conditions(scope, assets)
                )
            ).scalar()
            if tenant is None:
                raise _unknown(entry.asset_id)
            _require_within(connection, scope, entry.index_id, tenant)
            if again:
                require_slot(connection, entry.index_id, entry.asset_id)
            put_entry(connection, entry)

    def indexed(self, scope: IndexScope, asset_id: str) -> IndexedAsset | None:
        """How an asset stands in the index, ``None`` where it is not in it."""
        authorize(scope, READING, "asset")
        self._require_asset(scope, asset_id)
        query = _indexed().where(
            memberships_table.c.index_id == scope.index_id, memberships_table.c.asset_id == asset_id
        )
        with self._read_transaction() as connection:
            row = connection.execute(query).first()
        return None if row is None else indexed_of(row)

    def list_indexed(self, scope: Scope, status: Status | None = None) -> list[IndexedAsset]:
        """Assets in the scope's index or else in all of its tenant, in the order they were
        added."""
        authorize(scope, READING, "asset")
        query = _indexed().order_by(indexed_assets.c.created_at, indexed_assets.c.slot)
        if scope.index_id is not None:
            query = query.where(memberships_table.c.index_id == scope.index_id)
        elif not scope.every_tenant:
            mine = select(indexes.c.id).where(indexes.c.tenant == scope.tenant)
            query = query.where(memberships_table.c.index_id.in_(mine))
        if status is not None:
            query = query.where(indexed_assets.c.status == status.value)
        with self._read_transaction() as connection:
            found = [indexed_of(row) for row in connection.execute(query)]
        allowed = allowed_of(self._policy, scope, {one.asset_id for one in found})
        return [one for one in found if one.asset_id in allowed]


def _require_within(connection: Connection, scope: Scope, index_id: str, tenant: str) -> None:
    """Raise ``index_not_found`` unless an index of the tenant is in the scope's reach."""
    there = select(indexes.c.id).where(indexes.c.id == index_id, indexes.c.tenant == tenant)
    if scope.index_id not in (None, index_id) or not connection.execute(there).first():
        raise NotFound("index_not_found", f"There is no index {index_id!r}.", subject=index_id)


def _unknown(asset_id: str) -> NotFound:
    return NotFound("asset_not_found", f"There is no asset {asset_id!r}.", subject=asset_id)


def _members(index_id: str) -> Select[Any]:
    return (
        select(memberships_table.c.asset_id)
        .join(indexed_assets, indexed_assets.c.slot == memberships_table.c.key)
        .where(memberships_table.c.index_id == index_id)
    )


def _indexed() -> Select[Any]:
    return select(indexed_assets, memberships_table.c.index_id, memberships_table.c.asset_id).join(
        memberships_table, memberships_table.c.key == indexed_assets.c.slot
    )


def _assets(connection: Connection, query: Select[Any]) -> list[Asset]:
    rows = connection.execute(query).all()
    values = metadata_of(
        connection.execute(
            select(asset_metadata).where(
                is_any_of(asset_metadata.c.asset_id, [row.id for row in rows])
            )
        )
    )
    return [asset_of(row, values.get(row.id, {})) for row in rows]


def _set_metadata(
    connection: Connection, asset_id: str, keys: Iterable[str], rows: list[dict[str, Any]]
) -> None:
    connection.execute(
        delete(asset_metadata).where(
            asset_metadata.c.asset_id == asset_id, is_any_of(asset_metadata.c.key, keys)
        )
    )
    if rows:
        connection.execute(insert(asset_metadata), rows)
