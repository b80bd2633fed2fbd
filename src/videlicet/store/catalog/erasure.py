"""Deletes of the catalog that are part of a transaction of the store, and what goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from videlicet.store.catalog.expressions import is_any_of
from videlicet.store.catalog.memberships import require_index
from videlicet.store.catalog.schema import (
    asset_metadata,
    assets,
    erasures,
    indexed_assets,
    indexes,
    memberships_table,
    observations,
    resources,
    tasks,
)
from videlicet.types import Kind

#: Kinds of resources that nobody needs once they have expired, with the folder of their blobs.
_EXPIRING = {Kind.IDEMPOTENT_RESPONSE: None, Kind.EMBEDDING: None, Kind.SEARCH: "searches"}


def delete_asset_rows(connection: Connection, index_id: str, asset_id: str, slot: int) -> list[str]:
    """Take the rows of one asset in one index away, and the asset itself where no other index
    holds it. Returns the blob keys (and prefixes, ending in ``/``) that are to go too."""
    connection.execute(delete(observations).where(observations.c.slot == slot))
    connection.execute(delete(indexed_assets).where(indexed_assets.c.slot == slot))
    connection.execute(delete(memberships_table).where(memberships_table.c.key == slot))
    connection.execute(
        delete(tasks).where(tasks.c.index_id == index_id, tasks.c.asset_id == asset_id)
    )
    keys = [f"indexes/{index_id}/{asset_id}/"]
    if connection.execute(
        select(memberships_table.c.key).where(memberships_table.c.asset_id == asset_id)
    ).first():
        return keys
    return [*keys, *_delete_assets(connection, [asset_id])[asset_id]]


def delete_index_rows(connection: Connection, index_id: str, now: datetime) -> None:
    """Take an index away with the rows of all assets in it, and the assets that no other index
    holds; their blobs go with the next erasure. Text and vectors must be gone already.

    Raises:
        NotFound: ``index_not_found``.
    """
    require_index(connection, index_id)
    here = select(memberships_table.c.key).where(memberships_table.c.index_id == index_id)
    elsewhere = select(memberships_table.c.asset_id).where(memberships_table.c.index_id != index_id)
    alone = (
        connection.execute(
            select(memberships_table.c.asset_id).where(
                memberships_table.c.index_id == index_id,
                memberships_table.c.asset_id.not_in(elsewhere),
            )
        )
        .scalars()
        .all()
    )
    connection.execute(delete(observations).where(observations.c.slot.in_(here)))
    connection.execute(delete(indexed_assets).where(indexed_assets.c.slot.in_(here)))
    connection.execute(delete(memberships_table).where(memberships_table.c.index_id == index_id))
    connection.execute(delete(tasks).where(tasks.c.index_id == index_id))
    connection.execute(delete(indexes).where(indexes.c.id == index_id))
    gone = {index_id: [f"indexes/{index_id}/"], **_delete_assets(connection, alone)}
    connection.execute(
        insert(erasures),
        [
            {"index_id": index_id, "asset_id": id, "blobs": blobs, "created_at": now}
            for id, blobs in gone.items()
        ],
    )


def delete_expired(connection: Connection, now: datetime) -> int:
    """Take away what has expired and nobody needs any more, of every tenant; the blobs that belong
    to it go with the next erasure. Returns how many rows."""
    query = select(resources.c.row, resources.c.kind, resources.c.id).where(
        resources.c.kind.in_([kind.value for kind in _EXPIRING]), resources.c.expires_at < now
    )
    gone = connection.execute(query).all()
    connection.execute(
        delete(resources).where(is_any_of(resources.c.row, [row.row for row in gone]))
    )
    blobs = [
        {"index_id": "", "asset_id": row.id, "blobs": [f"{folder}/{row.id}/"], "created_at": now}
        for row in gone
        if (folder := _EXPIRING[Kind(row.kind)]) is not None
    ]
    if blobs:
        connection.execute(insert(erasures), blobs)
    return len(gone)


def has_expired(connection: Connection, now: datetime) -> bool:
    """Whether :func:`delete_expired` would take anything away."""
    query = select(resources.c.row).where(
        resources.c.kind.in_([kind.value for kind in _EXPIRING]), resources.c.expires_at < now
    )
    return connection.execute(query.limit(1)).first() is not None


def _delete_assets(connection: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    """Take assets away that no index holds any more; the blobs of each."""
    chosen = select(assets.c.id, assets.c.blob).where(is_any_of(assets.c.id, ids))
    blobs = {row.id: row.blob for row in connection.execute(chosen)}
    connection.execute(delete(asset_metadata).where(is_any_of(asset_metadata.c.asset_id, ids)))
    connection.execute(delete(assets).where(is_any_of(assets.c.id, ids)))
    connection.execute(delete(tasks).where(is_any_of(tasks.c.asset_id, ids)))
    # An original under ``files/`` belongs to an uploaded file, which may stay.
    own = {id: blob for id, blob in blobs.items() if blob and not blob.startswith("files/")}
    return {id: [f"assets/{id}/", *([own[id]] if id in own else [])] for id in ids}
