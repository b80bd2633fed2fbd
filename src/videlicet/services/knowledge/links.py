"""What knowledge stores hold of an asset, for whoever deletes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from videlicet.services.knowledge.stores import lock_store
from videlicet.types import Kind

if TYPE_CHECKING:
    from videlicet.services.caller import Caller


@dataclass(frozen=True, slots=True)
class KnowledgeItem:
    """An item of a knowledge store, by id."""

    store_id: str
    item_id: str


def items_of_asset(caller: Caller, asset_id: str) -> list[KnowledgeItem]:
    """The items that an asset is in knowledge stores."""
    return [
        KnowledgeItem(video.store_id, video.item_id)
        for video in caller.catalog.videos(caller.manage, asset_id=asset_id)
        if video.store_id is not None and video.item_id is not None
    ]


def leave_collections(caller: Caller, item: KnowledgeItem) -> None:
    """Take an item that is being deleted out of all collections of its store."""
    with lock_store(caller, item.store_id):
        rows, _ = caller.catalog.find_resources(
            caller.manage, Kind.ITEM_COLLECTION, parent=item.store_id
        )
        for row in rows:
            left = [one for one in row.body["item_ids"] if one != item.item_id]
            if len(left) < len(row.body["item_ids"]):
                caller.catalog.update_resource(
                    caller.manage, Kind.ITEM_COLLECTION, row.id, body={"item_ids": left}
                )
