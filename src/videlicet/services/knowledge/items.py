"""Items of knowledge stores: videos and pictures, each a video of the store's hidden index."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from videlicet.errors import InvalidInput
from videlicet.ingest.indexing import add_video, remove_video
from videlicet.rights import Purpose
from videlicet.services import assets
from videlicet.services.indexing import list_videos
from videlicet.services.knowledge.links import KnowledgeItem, leave_collections
from videlicet.services.knowledge.stores import (
    ITEM_METADATA,
    check_metadata,
    get_store,
    lock_store,
    store_index,
)
from videlicet.services.problems import invalid, unknown
from videlicet.store.records import VideoFilter
from videlicet.types import Asset, AssetStatus, Video, VideoStatus, ordered_id

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.types import Index


def add_item(
    caller: Caller,
    store_id: str,
    asset_id: str,
    metadata: Mapping[str, Any] | None = None,
    asset_type: str | None = None,
) -> Video:
    """Add an asset to a store. The same asset is the same item: one that failed is tried again.

    Raises:
        NotFound: ``resource_not_found`` or ``asset_not_found``.
        InvalidInput: ``invalid_argument``, ``asset_not_ready`` or ``asset_type_not_supported``.
    """
    kept = check_metadata(metadata, ITEM_METADATA)
    with lock_store(caller, store_id):
        store = get_store(caller, store_id)
        index = store_index(caller, store)
        asset = assets.get_asset(caller, asset_id)
        there = caller.catalog.video_of(caller.scope(Purpose.MANAGE, index.id), asset.id)
        video, _ = add_video(
            caller.scope(Purpose.INGEST), caller.store, index, asset, kept, store_id=store.id,
            item_id=ordered_id("ksi") if there is None else there.item_id,
            item_type=_type_of(asset, asset_type),
        )  # fmt: skip
    caller.platform.worker_client.notify()
    return video


def _type_of(asset: Asset, named: str | None) -> str:
    assets.require_not_failed(asset)
    if asset.status is AssetStatus.READY:
        if asset.type not in ("video", "image"):
            raise InvalidInput(
                "asset_type_not_supported", "Only videos and pictures can be items.",
                subject=asset.id,
            )  # fmt: skip
        if named not in (None, asset.type):
            raise invalid(f"asset_type: the asset is of type {asset.type}.")
        return asset.type
    if named is None:
        raise InvalidInput(
            "asset_not_ready", "The asset is not ready yet; wait for it, or say its asset_type.",
            subject=asset.id,
        )  # fmt: skip
    return named


def list_items(
    caller: Caller,
    index: Index,
    *,
    status: Sequence[VideoStatus] = (),
    sort: str,
    ascending: bool,
    offset: int = 0,
    limit: int | None = None,
) -> tuple[list[Video], int]:
    """A page of the items in a store's index, and how many there are in all."""
    return list_videos(
        caller, index, VideoFilter(status=status), sort_by=sort, ascending=ascending,
        offset=offset, limit=limit,
    )  # fmt: skip


def get_item(caller: Caller, index: Index, item_id: str) -> Video:
    """The video of an item in a store's index.

    Raises:
        NotFound: ``resource_not_found``.
    """
    found, _ = list_videos(caller, index, VideoFilter(item_id=item_id), limit=1)
    if not found:
        raise unknown("knowledge store item", item_id)
    return found[0]


def delete_item(caller: Caller, store_id: str, item_id: str) -> None:
    """Delete an item with everything derived from it, out of its collections too; the asset stays.

    Raises:
        NotFound: ``resource_not_found``.
    """
    store = get_store(caller, store_id)
    video = get_item(caller, store_index(caller, store), item_id)
    remove_video(caller.manage, caller.store, video)
    leave_collections(caller, KnowledgeItem(store.id, item_id))


def items_of(
    caller: Caller, index: Index, ids: Collection[str] | None = None, *, ready: bool = False
) -> list[Video]:
    """The videos of all items in a store's index, or of those with some ids, the newest first."""
    found = caller.catalog.videos(
        caller.scope(Purpose.MANAGE, index.id), status=[VideoStatus.READY] if ready else ()
    )
    wanted = None if ids is None else set(ids)
    return [video for video in reversed(found) if wanted is None or video.item_id in wanted]
