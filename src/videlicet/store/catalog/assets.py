"""Assets: the files of each tenant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from videlicet.errors import InvalidInput, NotFound
from videlicet.rights import Decisions, IndexScope, Scope, allowed_of, authorize
from videlicet.store.catalog.expressions import is_any_of
from videlicet.store.catalog.filters import compile_filter
from videlicet.store.catalog.indexes import tenant_conditions
from videlicet.store.catalog.memberships import require_index
from videlicet.store.catalog.metadata import BUILT_IN, merge_metadata, metadata_rows, write_metadata
from videlicet.store.catalog.owners import is_key_in_scope
from videlicet.store.catalog.repository import Repository
from videlicet.store.catalog.rows import asset_of, asset_row, connector_key
from videlicet.store.catalog.schema import (
    asset_metadata,
    assets,
    casefolded,
    memberships_table,
    video_metadata,
    videos,
)
from videlicet.store.catalog.videos import put_video_row
from videlicet.store.records import MANAGING, READING, WRITING
from videlicet.types import Asset, AssetOwner, AssetStatus, MetadataValue, Video, VideoStatus

#: What an asset keeps for as long as it lives.
_FIXED = frozenset({"id", "tenant", "created_at"})


@dataclass(frozen=True, slots=True)
class AssetKey:
    """Which asset."""

    id: str
    tenant: str


class Assets(Repository):
    """The assets' share of the catalog."""

    def put_asset(self, scope: Scope, asset: Asset, video: Video | None = None) -> None:
        """Add an asset, or bring it up to date; enter it in an index too, if ``video`` is given.
        The first ``created_at`` stays, and metadata is added to what is there.

        Raises:
            NotFound: ``index_not_found``, or ``asset_not_found`` for an asset of another tenant;
                then nothing is added.
        """
        authorize(scope, WRITING, "asset")
        if not scope.covers(asset.tenant):
            raise unknown_asset(asset.id)
        self._require_asset(scope, asset.id)
        with self._write_transaction() as connection:
            there = _find(connection, asset.id)
            if there is not None and there.tenant != asset.tenant:
                raise unknown_asset(asset.id)
            if asset.blob is not None and not is_key_in_scope(
                connection, scope, asset.blob, orphans=True
            ):
                raise InvalidInput(
                    "invalid_argument",
                    f"Blob {asset.blob!r} does not belong to asset {asset.id}.",
                    subject=asset.id,
                )
            if there is not None:
                asset = replace(
                    asset,
                    created_at=there.created_at,
                    owner=there.owner,
                    metadata={**there.metadata, **asset.metadata},
                )
            _write(connection, asset, is_new=there is None)
            if video is not None:
                put_video_row(connection, scope, video, asset.tenant)

    def asset(self, scope: Scope, asset_id: str) -> Asset:
        """An asset by id.

        Raises:
            NotFound: ``asset_not_found``.
        """
        authorize(scope, READING, "asset")
        with self._read_transaction() as connection:
            found = _find(connection, asset_id)
        if found is None or not scope.covers(found.tenant):
            raise unknown_asset(asset_id)
        self._require_asset(scope, asset_id)
        return found

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
        pass ``filter`` (of those ``among`` a few, if given). In an index, filters see the metadata
        that is attached there."""
        authorize(scope, READING, "asset")
        query = select(assets).where(*tenant_conditions(scope, assets))
        if among is not None:
            query = query.where(is_any_of(assets.c.id, among))
        query = query.order_by(assets.c.created_at, assets.c.id)
        if scope.index_id is not None:
            query = (
                query.join(memberships_table, memberships_table.c.asset_id == assets.c.id)
                .join(videos, videos.c.slot == memberships_table.c.key)
                .where(memberships_table.c.index_id == scope.index_id)
            )
        if filter:
            query = query.where(compile_filter(filter, of_videos=scope.index_id is not None))
        with self._read_transaction() as connection:
            if scope.index_id is not None:
                require_index(connection, scope.index_id)
            if self._policy.selective:
                ids = connection.execute(query.with_only_columns(assets.c.id)).scalars().all()
                query = query.where(is_any_of(assets.c.id, allowed_of(self._policy, scope, ids)))
            rows = connection.execute(query.offset(offset).limit(limit)).mappings().all()
        return [asset_of(row) for row in rows]

    def list_assets(
        self,
        scope: Scope,
        *,
        ids: Collection[str] | None = None,
        types: Collection[str] = (),
        status: Collection[str] = (),
        owners: Collection[AssetOwner] = (AssetOwner.TENANT, AssetOwner.INDEX),
        name_part: str | None = None,
        connector: tuple[str, str] | None = None,
        until: datetime | None = None,
        offset: int = 0,
        limit: int | None = None,
    ) -> tuple[list[Asset], int]:
        """A page of the tenant's assets, newest first, and how many there are in all. ``name_part``
        matches whatever the case; ``connector`` is the account and the id there of an imported
        file; ``until`` is a time of creation."""
        authorize(scope, READING, "asset")
        query = select(assets).where(
            *tenant_conditions(scope, assets), is_any_of(assets.c.owner, owners)
        )
        if ids is not None:
            query = query.where(is_any_of(assets.c.id, ids))
        if types:
            query = query.where(is_any_of(assets.c.type, types))
        if status:
            query = query.where(is_any_of(assets.c.status, status))
        if name_part is not None:
            folded = casefolded(name_part)
            query = query.where(assets.c.name_folded.contains(folded, autoescape=True))
        if connector is not None:
            key = connector_key({"account_id": connector[0], "source_id": connector[1]})
            query = query.where(assets.c.connector_key == key)
        if until is not None:
            query = query.where(assets.c.created_at <= until)
        newest = query.order_by(assets.c.created_at.desc(), assets.c.id.desc())
        with self._read_transaction() as connection:
            if self._policy.selective:
                every = connection.execute(query.with_only_columns(assets.c.id)).scalars().all()
                allowed = is_any_of(assets.c.id, allowed_of(self._policy, scope, every))
                query, newest = query.where(allowed), newest.where(allowed)
            total = connection.execute(
                select(func.count()).select_from(query.with_only_columns(assets.c.id).subquery())
            ).scalar_one()
            page = newest.offset(offset).limit(limit)
            rows = [] if limit == 0 else connection.execute(page).mappings().all()
        return [asset_of(row) for row in rows], int(total)

    def asset_keys(self, scope: Scope, *, status: Collection[AssetStatus]) -> list[AssetKey]:
        """Which assets there are in some states, oldest first, without what else they hold."""
        authorize(scope, READING, "asset")
        query = select(assets.c.id, assets.c.tenant).where(
            *tenant_conditions(scope, assets), assets.c.status.in_([one.value for one in status])
        )
        with self._read_transaction() as connection:
            rows = connection.execute(query.order_by(assets.c.created_at, assets.c.id)).all()
        found = [AssetKey(*row) for row in rows]
        allowed = allowed_of(self._policy, scope, [one.id for one in found])
        return [one for one in found if one.id in allowed]

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
        query = _members(scope.index_id).where(videos.c.status == VideoStatus.READY.value)
        if filter:
            query = query.join(assets, assets.c.id == memberships_table.c.asset_id).where(
                compile_filter(filter, of_videos=True)
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

    def update_asset(
        self, scope: Scope, asset_id: str, *, when: Collection[AssetStatus] = (), **changes: Any
    ) -> Asset:
        """Change fields of an asset in one transaction and return it; ``updated_at`` is set. With
        ``when``, one of any other status stays as it is. ``metadata`` is replaced as a whole.

        Raises:
            NotFound: ``asset_not_found``.
            TypeError: a name that is no field of an asset.
        """
        authorize(scope, MANAGING, "asset")
        if fixed := _FIXED & set(changes):
            raise TypeError(f"update_asset cannot set {', '.join(sorted(fixed))}")
        with self._write_transaction() as connection:
            there = _find(connection, asset_id)
            if there is None or not scope.covers(there.tenant):
                raise unknown_asset(asset_id)
            if when and there.status not in when:
                return there
            changed = replace(there, **{"updated_at": datetime.now(UTC), **changes})
            _write(connection, changed, is_new=False)
            return changed

    def set_metadata(
        self, scope: Scope, asset_id: str, metadata: Mapping[str, MetadataValue | None]
    ) -> None:
        """Set values to filter by, of an asset and of its videos in all indexes; ``None`` takes a
        key away.

        Raises:
            NotFound: ``asset_not_found``.
            InvalidInput: a key or value that cannot be kept.
        """
        authorize(scope, MANAGING, "asset")
        if reserved := BUILT_IN & set(metadata):
            key = min(reserved)
            raise InvalidInput(
                "invalid_argument",
                f"Metadata {key!r} has the name of a built-in field.",
                subject=key,
            )
        self._require_asset(scope, asset_id)
        with self._write_transaction() as connection:
            there = _find(connection, asset_id)
            if there is None or not scope.covers(there.tenant):
                raise unknown_asset(asset_id)
            changed = replace(there, metadata=merge_metadata(there.metadata, metadata))
            _write(connection, changed, is_new=False)
            memberships = select(videos.c.slot, videos.c.metadata).join(
                memberships_table, memberships_table.c.key == videos.c.slot
            )
            for row in connection.execute(
                memberships.where(memberships_table.c.asset_id == asset_id)
            ):
                values = merge_metadata(row.metadata, metadata)
                connection.execute(
                    update(videos).where(videos.c.slot == row.slot).values(metadata=values)
                )
                write_metadata(connection, video_metadata, {"slot": row.slot}, values)


def unknown_asset(asset_id: str) -> NotFound:
    """The error for an asset that is not there."""
    return NotFound("asset_not_found", f"There is no asset {asset_id!r}.", subject=asset_id)


def _write(connection: Connection, asset: Asset, *, is_new: bool) -> None:
    row = asset_row(asset)
    metadata_rows(asset.metadata)  # what cannot be kept is refused before anything is written
    if is_new:
        connection.execute(insert(assets).values(row))
    else:
        connection.execute(update(assets).where(assets.c.id == asset.id).values(row))
    write_metadata(connection, asset_metadata, {"asset_id": asset.id}, asset.metadata)


def _find(connection: Connection, asset_id: str) -> Asset | None:
    row = connection.execute(select(assets).where(assets.c.id == asset_id)).mappings().first()
    return None if row is None else asset_of(row)


def _members(index_id: str) -> Select[Any]:
    return (
        select(memberships_table.c.asset_id)
        .join(videos, videos.c.slot == memberships_table.c.key)
        .where(memberships_table.c.index_id == index_id)
    )
