"""The catalog: indexes, assets, and which asset stands in which index."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, insert, select, update

from videlicet.errors import Conflict, InvalidInput, NotFound
from videlicet.rights import EVERY_TENANT, Grant, authorize
from videlicet.store.catalog.expressions import one_of
from videlicet.store.catalog.filters import compile_filter
from videlicet.store.catalog.keys import Keys
from videlicet.store.catalog.observations import Observations
from videlicet.store.catalog.resources import Resources
from videlicet.store.catalog.rows import (
    asset_of,
    asset_row,
    index_of,
    indexed_of,
    metadata_of,
    metadata_rows,
)
from videlicet.store.catalog.schema import (
    asset_metadata,
    assets,
    indexed,
    indexes,
    observations,
    slots,
    tasks,
)
from videlicet.store.catalog.slots import put_entry, require_index, require_slot
from videlicet.store.catalog.standing import Standing
from videlicet.store.catalog.tasks import Tasks
from videlicet.store.records import MANAGING, READING, WRITING
from videlicet.types import Asset, Index, IndexedAsset, MetadataValue, Status, random_id


class Catalog(Observations, Tasks, Resources, Standing, Keys):
    """Reads and writes of the catalog. Every call is one transaction; writes need a store that
    was opened for writing, except those of tasks.

    ``cascade`` holds what else is to go in the transaction that deletes an index.
    """

    cascade: tuple[Callable[[Connection, str], None], ...] = ()

    # -- indexes ------------------------------------------------------------------------------

    def create_index(
        self,
        grant: Grant,
        name: str,
        cards: Mapping[str, str],
        options: Mapping[str, Any] | None = None,
    ) -> Index:
        """A new, empty index of the grant's tenant. ``cards`` names the model card of each role.

        Raises:
            Conflict: ``index_exists``.
        """
        authorize(grant, MANAGING, "index")
        _check_name(name)
        now = datetime.now(UTC)
        made = Index(random_id(), name, dict(cards), now, grant.tenant, dict(options or {}), now)
        with self._writing() as connection:
            _require_free(connection, grant.tenant, name)
            connection.execute(
                insert(indexes).values(
                    id=made.id, tenant=grant.tenant, name=name, cards=dict(cards),
                    options=dict(made.options), created_at=now, updated_at=now,
                )
            )  # fmt: skip
        return made

    def rename_index(self, grant: Grant, index_id: str, name: str) -> None:
        """Give an index another name.

        Raises:
            Conflict: ``index_exists``.
            NotFound: ``index_not_found``.
        """
        authorize(grant, MANAGING, "index")
        _check_name(name)
        index = self.index(grant, index_id)
        with self._writing() as connection:
            if index.name != name:
                _require_free(connection, index.tenant, name)
            connection.execute(
                update(indexes)
                .where(indexes.c.id == index.id)
                .values(name=name, updated_at=datetime.now(UTC))
            )

    def index(self, grant: Grant, id_or_name: str) -> Index:
        """An index by id or by name.

        Raises:
            NotFound: ``index_not_found``.
        """
        authorize(grant, READING, "index")
        with self._reading() as connection:
            rows = connection.execute(
                select(indexes).where(
                    (indexes.c.id == id_or_name) | (indexes.c.name == id_or_name),
                    *_reach(grant, indexes),
                )
            ).all()
        for row in sorted(rows, key=lambda row: bool(row.id != id_or_name)):
            return index_of(row)
        raise NotFound("index_not_found", f"There is no index {id_or_name!r}.", subject=id_or_name)

    def indexes(self, grant: Grant, *, hidden: bool = False) -> list[Index]:
        """The indexes of the grant's tenant, by name; with ``hidden`` all of them."""
        authorize(grant, READING, "index")
        query = select(indexes).where(*_reach(grant, indexes)).order_by("name")
        with self._reading() as connection:
            found = [index_of(row) for row in connection.execute(query)]
        return [index for index in found if hidden or not index.hidden]

    def delete_index(self, grant: Grant, index_id: str) -> None:
        """Delete an index that holds no assets any more (see ``Store.delete_index``).

        Raises:
            NotFound: ``index_not_found``.
            InvalidInput: ``invalid_argument``, if assets are left in it.
        """
        authorize(grant, MANAGING, "index")
        with self._writing() as connection:
            require_index(connection, index_id)
            if connection.execute(select(slots.c.key).where(slots.c.index_id == index_id)).first():
                raise InvalidInput(
                    "invalid_argument", "The index still holds assets.", subject=index_id
                )
            for take_away in self.cascade:
                take_away(connection, index_id)
            connection.execute(delete(tasks).where(tasks.c.index_id == index_id))
            connection.execute(delete(indexes).where(indexes.c.id == index_id))

    # -- assets -------------------------------------------------------------------------------

    def put_asset(self, grant: Grant, asset: Asset, entry: IndexedAsset | None = None) -> None:
        """Add an asset, or bring it up to date; with how it stands in an index, if given. The first
        ``created_at`` stays, and metadata is added to what is there.

        Raises:
            NotFound: ``index_not_found``; then the asset is not added either.
        """
        authorize(grant, WRITING, "asset")
        row = asset_row(asset)
        values = metadata_rows(asset.id, asset.metadata)
        with self._writing() as connection:
            if connection.execute(select(assets.c.id).where(assets.c.id == asset.id)).first():
                changes = {k: v for k, v in row.items() if k not in ("id", "created_at")}
                connection.execute(update(assets).where(assets.c.id == asset.id).values(changes))
            else:
                connection.execute(insert(assets).values(row))
            _set_metadata(connection, asset.id, list(asset.metadata), values)
            if entry is not None:
                put_entry(connection, entry)

    def asset(self, grant: Grant, asset_id: str) -> Asset:
        """An asset by id.

        Raises:
            NotFound: ``asset_not_found``.
        """
        authorize(grant, READING, "asset")
        with self._reading() as connection:
            found = _assets(
                connection, select(assets).where(assets.c.id == asset_id, *_reach(grant, assets))
            )
        if not found:
            raise _unknown(asset_id)
        return found[0]

    def assets(
        self,
        grant: Grant,
        index_id: str | None = None,
        *,
        filter: Mapping[str, Any] | None = None,
        among: Collection[str] | None = None,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[Asset]:
        """Assets in the order they were added, of one index or of all, that pass ``filter`` (of
        those ``among`` a few, if given)."""
        authorize(grant, READING, "asset")
        query = select(assets).where(*_reach(grant, assets))
        if among is not None:
            query = query.where(one_of(assets.c.id, among))
        query = query.order_by(assets.c.created_at, assets.c.id)
        if filter:
            query = query.where(compile_filter(filter))
        if index_id is not None:
            query = query.where(assets.c.id.in_(_members(index_id)))
        with self._reading() as connection:
            if index_id is not None:
                require_index(connection, index_id)
            return _assets(connection, query.offset(offset).limit(limit))

    def names(self, grant: Grant, asset_ids: Iterable[str]) -> dict[str, str]:
        """Names of those of the assets that there are, by id."""
        authorize(grant, READING, "asset")
        with self._reading() as connection:
            rows = connection.execute(
                select(assets.c.id, assets.c.name).where(
                    one_of(assets.c.id, asset_ids), *_reach(grant, assets)
                )
            )
            return {row.id: row.name for row in rows}

    def find_assets(
        self,
        grant: Grant,
        index_id: str,
        filter: Mapping[str, Any] | None = None,
        *,
        among: Collection[str] | None = None,
    ) -> frozenset[str]:
        """Ids of the ready assets of an index (of those ``among``, if given) that pass ``filter``.

        Raises:
            InvalidQuery: ``filter_invalid``.
            NotFound: ``index_not_found``.
        """
        authorize(grant, READING, "asset")
        query = _members(index_id).where(indexed.c.status == Status.READY.value)
        if filter:
            query = query.join(assets, assets.c.id == slots.c.asset_id).where(
                compile_filter(filter)
            )
        if among is not None:
            query = query.where(one_of(slots.c.asset_id, among))
        with self._reading() as connection:
            require_index(connection, index_id)
            return frozenset(connection.execute(query).scalars())

    def members(self, grant: Grant, index_id: str) -> list[str]:
        """Ids of the assets that an index holds anything of, whatever their status."""
        authorize(grant, READING, "asset")
        query = select(slots.c.asset_id).where(slots.c.index_id == index_id)
        with self._reading() as connection:
            return list(connection.execute(query.order_by(slots.c.key)).scalars())

    def set_metadata(
        self, grant: Grant, asset_id: str, metadata: Mapping[str, MetadataValue | None]
    ) -> None:
        """Set values to filter by; ``None`` takes a key away.

        Raises:
            NotFound: ``asset_not_found``.
            InvalidInput: a key or value that cannot be kept.
        """
        authorize(grant, MANAGING, "asset")
        values = {key: value for key, value in metadata.items() if value is not None}
        rows = metadata_rows(asset_id, values)
        with self._writing() as connection:
            there = select(assets.c.id).where(assets.c.id == asset_id, *_reach(grant, assets))
            if not connection.execute(there).first():
                raise _unknown(asset_id)
            _set_metadata(connection, asset_id, list(metadata), rows)

    # -- assets in indexes --------------------------------------------------------------------

    def put_indexed(self, grant: Grant, entry: IndexedAsset, *, again: bool = False) -> None:
        """Say how an asset stands in an index. The first ``created_at`` stays. With ``again`` it
        must stand in it already: one that was taken out meanwhile does not come back.

        Raises:
            NotFound: ``index_not_found`` or ``asset_not_found``.
        """
        authorize(grant, WRITING, "asset")
        with self._writing() as connection:
            if not connection.execute(
                select(assets.c.id).where(assets.c.id == entry.asset_id)
            ).first():
                raise _unknown(entry.asset_id)
            if again:
                require_slot(connection, entry.index_id, entry.asset_id)
            put_entry(connection, entry)

    def indexed(self, grant: Grant, index_id: str, asset_id: str) -> IndexedAsset | None:
        """How an asset stands in an index, ``None`` where it is not in it."""
        authorize(grant, READING, "asset")
        query = _indexed().where(slots.c.index_id == index_id, slots.c.asset_id == asset_id)
        with self._reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else indexed_of(row)

    def list_indexed(
        self, grant: Grant, index_id: str | None = None, status: Status | None = None
    ) -> list[IndexedAsset]:
        """Assets in one index or in all, in the order they were added."""
        authorize(grant, READING, "asset")
        query = _indexed().order_by(indexed.c.created_at, indexed.c.slot)
        if grant.tenant != EVERY_TENANT:
            mine = select(indexes.c.id).where(indexes.c.tenant == grant.tenant)
            query = query.where(slots.c.index_id.in_(mine))
        if index_id is not None:
            query = query.where(slots.c.index_id == index_id)
        if status is not None:
            query = query.where(indexed.c.status == status.value)
        with self._reading() as connection:
            return [indexed_of(row) for row in connection.execute(query)]

    # -- taking away (called by Store inside its own transaction) -------------------------------

    def forget(self, connection: Connection, index_id: str, asset_id: str, slot: int) -> list[str]:
        """Take the rows of one asset in one index away, and the asset itself where no other index
        holds it. Returns the blob keys (and prefixes, ending in ``/``) that are to go too."""
        connection.execute(delete(observations).where(observations.c.slot == slot))
        connection.execute(delete(indexed).where(indexed.c.slot == slot))
        connection.execute(delete(slots).where(slots.c.key == slot))
        connection.execute(
            delete(tasks).where(tasks.c.index_id == index_id, tasks.c.asset_id == asset_id)
        )
        keys = [f"indexes/{index_id}/{asset_id}/"]
        if connection.execute(select(slots.c.key).where(slots.c.asset_id == asset_id)).first():
            return keys
        blob = connection.execute(select(assets.c.blob).where(assets.c.id == asset_id)).scalar()
        if blob is not None and blob.startswith("files/"):
            blob = None  # it belongs to an uploaded file, which may stay
        connection.execute(delete(asset_metadata).where(asset_metadata.c.asset_id == asset_id))
        connection.execute(delete(assets).where(assets.c.id == asset_id))
        connection.execute(delete(tasks).where(tasks.c.asset_id == asset_id))
        return [*keys, f"assets/{asset_id}/", *([blob] if blob else [])]


def _reach(grant: Grant, table: Table) -> list[ColumnElement[bool]]:
    """What keeps a query inside the grant's tenant."""
    return [] if grant.tenant == EVERY_TENANT else [table.c.tenant == grant.tenant]


def _check_name(name: str) -> None:
    if not name or not name.isprintable() or len(name) > 200:
        raise InvalidInput(
            "invalid_argument", "An index name is 1 to 200 printable characters.", subject=name
        )


def _require_free(connection: Connection, tenant: str, name: str) -> None:
    taken = select(indexes.c.id).where(indexes.c.tenant == tenant, indexes.c.name == name)
    if connection.execute(taken).first():
        raise Conflict("index_exists", f"There is an index {name!r} already.", subject=name)


def _unknown(asset_id: str) -> NotFound:
    return NotFound("asset_not_found", f"There is no asset {asset_id!r}.", subject=asset_id)


def _members(index_id: str) -> Select[Any]:
    return (
        select(slots.c.asset_id)
        .join(indexed, indexed.c.slot == slots.c.key)
        .where(slots.c.index_id == index_id)
    )


def _indexed() -> Select[Any]:
    return select(indexed, slots.c.index_id, slots.c.asset_id).join(
        slots, slots.c.key == indexed.c.slot
    )


def _assets(connection: Connection, query: Select[Any]) -> list[Asset]:
    rows = connection.execute(query).all()
    values = metadata_of(
        connection.execute(
            select(asset_metadata).where(
                one_of(asset_metadata.c.asset_id, [row.id for row in rows])
            )
        )
    )
    return [asset_of(row, values.get(row.id, {})) for row in rows]


def _set_metadata(
    connection: Connection, asset_id: str, keys: Iterable[str], rows: list[dict[str, Any]]
) -> None:
    connection.execute(
        delete(asset_metadata).where(
            asset_metadata.c.asset_id == asset_id, one_of(asset_metadata.c.key, keys)
        )
    )
    if rows:
        connection.execute(insert(asset_metadata), rows)
