"""Items of knowledge stores: videos and pictures, each a video of the store's hidden index."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from videlicet.errors import InvalidInput
from videlicet.ingest import files, videos
from videlicet.ingest.indexing import index_file, remove_video
from videlicet.rights import Purpose
from videlicet.services import assets
from videlicet.services.knowledge.links import KnowledgeItem, leave_collections
from videlicet.services.knowledge.stores import (
    ITEM_METADATA,
    check_metadata,
    get_store,
    lock_store,
    store_index,
)
from videlicet.services.problems import invalid, unknown
from videlicet.store.catalog.memberships import batched
from videlicet.types import Kind, Resource, ordered_id

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.types import Index


def add_item(
    caller: Caller,
    store_id: str,
    asset_id: str,
    metadata: Mapping[str, Any] | None = None,
    asset_type: str | None = None,
) -> Resource:
    """Add an asset to a store. The same asset is the same item: one that failed is tried again.

    Raises:
        NotFound: ``resource_not_found`` or ``asset_not_found``.
        InvalidInput: ``invalid_argument``, ``asset_not_ready`` or ``asset_type_not_supported``.
    """
    kept = check_metadata(metadata, ITEM_METADATA)
    with lock_store(caller, store_id):
        store = get_store(caller, store_id)
        index = store_index(caller, store)
        file = assets.get_asset(caller, asset_id)
        there = _videos(caller, index, file_id=file.id)
        facts = {
            "store_id": store.id,
            "asset_type": _type_of(file, asset_type),
            "item_id": there[0].body["item_id"] if there else ordered_id("ksi"),
        }
        scope = caller.scope(Purpose.INGEST)
        video, _ = index_file(scope, caller.store, index, file, kept, facts=facts)
    caller.platform.worker_client.notify()
    return video


def _type_of(file: Resource, named: str | None) -> str:
    assets.require_not_failed(file)
    kind = file.body.get("kind")
    if file.status == files.READY:
        if kind not in ("video", "image"):
            raise InvalidInput(
                "asset_type_not_supported", "Only videos and pictures can be items.",
                subject=file.id,
            )  # fmt: skip
        if named not in (None, kind):
            raise invalid(f"asset_type: the asset is of type {kind}.")
        return str(kind)
    if named is None:
        raise InvalidInput(
            "asset_not_ready", "The asset is not ready yet; wait for it, or say its asset_type.",
            subject=file.id,
        )  # fmt: skip
    return named


def list_items(
    caller: Caller,
    index: Index,
    *,
    status: Sequence[str] = (),
    sort: str,
    ascending: bool,
    offset: int = 0,
    limit: int | None = None,
) -> tuple[list[Resource], int]:
    """A page of the items in a store's index, and how many there are in all."""
    return caller.catalog.find_resources(
        caller.manage, Kind.VIDEO, parent=index.id, sort=sort, status=status,
        ascending=ascending, offset=offset, limit=limit,
    )  # fmt: skip


def get_item(caller: Caller, index: Index, item_id: str) -> Resource:
    """The video of an item in a store's index.

    Raises:
        NotFound: ``resource_not_found``.
    """
    found = _videos(caller, index, item_id=item_id)
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


def _videos(caller: Caller, index: Index, **body: str) -> list[Resource]:
    return caller.catalog.find_resources(
        caller.manage, Kind.VIDEO, parent=index.id,
        body=[((name,), "==", value) for name, value in body.items()],
    )[0]  # fmt: skip


def items_of(
    caller: Caller, index: Index, ids: Collection[str] | None = None, *, ready: bool = False
) -> list[Resource]:
    """The videos of all items in a store's index, or of those with some ids, the newest first."""
    rows, _ = caller.catalog.find_resources(
        caller.manage, Kind.VIDEO, parent=index.id, status=[videos.READY] if ready else ()
    )
    wanted = None if ids is None else set(ids)
    return [row for row in rows if wanted is None or row.body["item_id"] in wanted]


def files_of(caller: Caller, items: Iterable[Resource]) -> dict[str, Resource]:
    """The assets of items, by their ids."""
    ids = {row.body["file_id"] for row in items}
    return {
        file.id: file
        for some in batched(sorted(ids))
        for file in caller.catalog.find_resources(caller.manage, Kind.FILE, ids=some)[0]
    }
