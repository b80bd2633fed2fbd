"""Item collections as v1.3 has them."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from videlicet.api.caller import Call
from videlicet.api.parameters import Pages, format_time, is_ascending, sort_column
from videlicet.api.routing import V1_3, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.knowledge import items
from videlicet.api.v1_3.knowledge.schemas import (
    ItemCollection,
    ItemIds,
    KnowledgeItemOut,
    KnowledgeStoreChanges,
    NewItemCollection,
)
from videlicet.api.v1_3.knowledge.stores import changes_of
from videlicet.services.knowledge import collections
from videlicet.services.knowledge.items import items_of
from videlicet.services.knowledge.stores import get_store, store_index
from videlicet.types import Resource

router = router_for("item collections", V1_3)

_BASE = "/knowledge-stores/{knowledge_store_id}/item-collections"


@router.post(
    _BASE, status_code=201, response_model=ItemCollection, response_model_exclude_none=True
)
def create(call: Call, knowledge_store_id: str, body: NewItemCollection) -> Any:
    """Make a collection; its name is unique in the store."""
    made = collections.create_collection(
        call, knowledge_store_id, body.name, body.description, body.metadata
    )
    return collection_row(made)


@router.get(_BASE, response_model=Page[ItemCollection], response_model_exclude_none=True)
def find(
    call: Call,
    pages: Pages,
    knowledge_store_id: str,
    sort_by: str | None = None,
    sort_option: str | None = None,
) -> Any:
    """List the collections of a knowledge store."""
    rows, total = collections.list_collections(
        call, get_store(call, knowledge_store_id),
        sort=sort_column(sort_by, known=("created_at", "updated_at", "name")),
        ascending=is_ascending(sort_option), offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.response([collection_row(row) for row in rows], total)


@router.get(
    f"{_BASE}/{{collection_id}}", response_model=ItemCollection, response_model_exclude_none=True
)
def retrieve(call: Call, knowledge_store_id: str, collection_id: str) -> Any:
    """Look at one collection."""
    return collection_row(
        collections.get_collection(call, get_store(call, knowledge_store_id), collection_id)
    )


@router.patch(
    f"{_BASE}/{{collection_id}}", response_model=ItemCollection, response_model_exclude_none=True
)
def update(
    call: Call, knowledge_store_id: str, collection_id: str, body: KnowledgeStoreChanges
) -> Any:
    """Change a collection's name or description, or replace its metadata."""
    return collection_row(
        collections.update_collection(
            call, knowledge_store_id, collection_id, body.name, changes_of(body)
        )
    )


@router.delete(f"{_BASE}/{{collection_id}}", response_class=Response)
def delete(call: Call, knowledge_store_id: str, collection_id: str) -> Response:
    """Delete a collection; its items stay in the store."""
    collections.delete_collection(call, knowledge_store_id, collection_id)
    return Response(status_code=200)


@router.get(
    f"{_BASE}/{{collection_id}}/items",
    response_model=Page[KnowledgeItemOut],
    response_model_exclude_none=True,
)
def find_items(call: Call, pages: Pages, knowledge_store_id: str, collection_id: str) -> Any:
    """List the items of a collection."""
    store = get_store(call, knowledge_store_id)
    found = collections.get_collection(call, store, collection_id)
    rows = items_of(call, store_index(call, store), found.body["item_ids"])
    chosen = rows[pages.offset : pages.offset + pages.limit]
    return pages.response([items.item_to_json(one) for one in chosen], len(rows))


@router.post(
    f"{_BASE}/{{collection_id}}/items/add",
    response_model=ItemCollection,
    response_model_exclude_none=True,
)
def add(call: Call, knowledge_store_id: str, collection_id: str, body: ItemIds) -> Any:
    """Add items of the store; those that are in the collection already stay in it."""
    return collection_row(
        collections.add_items(call, knowledge_store_id, collection_id, body.item_ids)
    )


@router.post(f"{_BASE}/{{collection_id}}/items/remove", response_class=Response)
def remove(call: Call, knowledge_store_id: str, collection_id: str, body: ItemIds) -> Response:
    """Take items out; what is not in the collection is passed over."""
    collections.remove_items(call, knowledge_store_id, collection_id, body.item_ids)
    return Response(status_code=200)


def collection_row(row: Resource) -> dict[str, Any]:
    """A collection as v1.3 shows it."""
    return {
        "_id": row.id,
        "knowledge_store_id": row.parent,
        "name": row.name,
        "description": row.body["description"],
        "metadata": row.body["metadata"],
        "member_count": len(row.body["item_ids"]),
        "created_at": format_time(row.created_at),
        "updated_at": format_time(row.updated_at),
    }
