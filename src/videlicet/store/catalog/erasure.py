"""Deletes of the catalog that are part of a transaction of the store, and what goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from videlicet.store.catalog.expressions import is_any_of
from videlicet.store.catalog.memberships import require_index
from videlicet.store.catalog.owners import ASSET_FOLDERS
from videlicet.store.catalog.schema import (
    asset_metadata,
    assets,
    erasures,
    indexes,
    memberships_table,
    observations,
    resources,
    tasks,
    video_metadata,
    videos,
)
from videlicet.types import AssetOwner, Kind

#: Kinds of resources that nobody needs once they have expired, with the folder of their blobs.
_EXPIRING = {Kind.IDEMPOTENT_RESPONSE: None, Kind.EMBEDDING: None, Kind.SEARCH: "searches"}


def delete_video_rows(connection: Connection, index_id: str, asset_id: str, slot: int) -> list[str]:
    """Take the rows of one asset in one index away, and the asset itself where it lives for its
    indexes and no other holds it. Returns the blob keys (and prefixes, ending in ``/``) that are to
    go too. Texts and vectors must be gone already."""
    keys = clear_video_rows(connection, index_id, asset_id, slot)
    connection.execute(delete(video_metadata).where(video_metadata.c.slot == slot))
    connection.execute(delete(videos).where(videos.c.slot == slot))
    connection.execute(delete(memberships_table).where(memberships_table.c.key == slot))
    _leave_tasks(connection, [tasks.c.index_id == index_id, tasks.c.asset_id == asset_id])
    elsewhere = select(memberships_table.c.key).where(memberships_table.c.asset_id == asset_id)
    owner = connection.execute(select(assets.c.owner).where(assets.c.id == asset_id)).scalar()
    if owner == AssetOwner.INDEX.value and connection.execute(elsewhere).first() is None:
        keys += delete_asset_rows(connection, [asset_id])[asset_id]
    return keys


def clear_video_rows(connection: Connection, index_id: str, asset_id: str, slot: int) -> list[str]:
    """Take away what was derived from one asset in one index, but for its texts and vectors; the
    prefixes of the blobs that are to go too."""
    connection.execute(delete(observations).where(observations.c.slot == slot))
    id = connection.execute(select(videos.c.id).where(videos.c.slot == slot)).scalar()
    # Of a video that was made before assets had tables, blobs are under the video's name.
    return [f"indexes/{index_id}/{name}/" for name in dict.fromkeys((asset_id, id or asset_id))]


def delete_index_rows(connection: Connection, index_id: str, now: datetime) -> None:
    """Take an index away with the rows of all videos in it, and the assets that live for their
    indexes and are in no other; their blobs go with the next erasure. Text and vectors must be
    gone already.

    Raises:
        NotFound: ``index_not_found``.
    """
    require_index(connection, index_id)
    here = select(memberships_table.c.key).where(memberships_table.c.index_id == index_id)
    elsewhere = select(memberships_table.c.asset_id).where(memberships_table.c.index_id != index_id)
    alone = (
        connection.execute(
            select(memberships_table.c.asset_id)
            .join(assets, assets.c.id == memberships_table.c.asset_id)
            .where(
                memberships_table.c.index_id == index_id,
                memberships_table.c.asset_id.not_in(elsewhere),
                assets.c.owner == AssetOwner.INDEX.value,
            )
        )
        .scalars()
        .all()
    )
    connection.execute(delete(observations).where(observations.c.slot.in_(here)))
    connection.execute(delete(video_metadata).where(video_metadata.c.slot.in_(here)))
    connection.execute(delete(videos).where(videos.c.slot.in_(here)))
    connection.execute(delete(memberships_table).where(memberships_table.c.index_id == index_id))
    connection.execute(delete(tasks).where(tasks.c.index_id == index_id))
    connection.execute(delete(indexes).where(indexes.c.id == index_id))
    gone = {index_id: [f"indexes/{index_id}/"], **delete_asset_rows(connection, alone)}
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


def delete_asset_rows(connection: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    """Take assets away that are in no index any more, with what is left of their uploads; the
    blobs of each."""
    chosen = select(assets.c.id, assets.c.blob).where(is_any_of(assets.c.id, ids))
    blobs = {row.id: row.blob for row in connection.execute(chosen)}
    connection.execute(delete(asset_metadata).where(is_any_of(asset_metadata.c.asset_id, ids)))
    connection.execute(delete(assets).where(is_any_of(assets.c.id, ids)))
    _leave_tasks(connection, [is_any_of(tasks.c.asset_id, ids)])
    uploads = [resources.c.kind == Kind.UPLOAD.value, is_any_of(resources.c.parent, ids)]
    begun = connection.execute(select(resources.c.id).where(*uploads)).scalars().all()
    if begun:
        connection.execute(
            delete(resources).where(
                resources.c.kind == Kind.CHUNK.value, is_any_of(resources.c.parent, begun)
            )
        )
        connection.execute(delete(resources).where(*uploads))
    return {
        id: [*(f"{folder}/{id}/" for folder in ASSET_FOLDERS), *([blob] if blob else [])]
        for id, blob in blobs.items()
    }


def _leave_tasks(connection: Connection, chosen: Sequence[ColumnElement[bool]]) -> None:
    """Take away the tasks that name the path of an asset. Others stay, for whoever asks how they
    ended, but without what was said of a failure: it may name the file."""
    connection.execute(delete(tasks).where(*chosen, tasks.c.source != ""))
    failed = select(tasks.c.id, tasks.c.error).where(*chosen, tasks.c.error.is_not(None))
    for row in connection.execute(failed).all():
        error = {"code": row.error["code"], "message": "It failed; its video was deleted since."}
        connection.execute(update(tasks).where(tasks.c.id == row.id).values(error=error))
    connection.execute(update(tasks).where(*chosen).values(asset_id=None))
