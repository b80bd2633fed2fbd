"""Item collections: named parts of a knowledge store.

Their ``body`` holds ``description``, ``metadata`` and ``item_ids``, in the order of adding.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import Response

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import ApiError, invalid, unknown
from videlicet.api.parameters import Pages, ascending, sorted_by, text_of
from videlicet.api.routing import router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.knowledge import items
from videlicet.api.v1_3.knowledge.metadata import STORE, metadata_of
from videlicet.api.v1_3.knowledge.schemas import Changes, Collection, Item, ItemIds, NewCollection
from videlicet.api.v1_3.knowledge.stores import alone, changed, index_of, store_of
from videlicet.errors import NotFound
from videlicet.ingest.indexing import videos_of
from videlicet.types import Kind, Resource, ordered_id

router = router_for("item collections")

_BASE = "/knowledge-stores/{knowledge_store_id}/item-collections"


def collection_of(call: HttpCaller, store: Resource, id: str) -> Resource:
    """A collection of a store."""
    try:
        found = call.catalog.resource(call.manage, Kind.ITEM_COLLECTION, id)
    except NotFound:
        raise unknown("item collection", id) from None
    if found.parent != store.id:
        raise unknown("item collection", id)
    return found


@router.post(_BASE, status_code=201, response_model=Collection, response_model_exclude_none=True)
def create(call: Call, knowledge_store_id: str, body: NewCollection) -> Any:
    """Make a collection; its name is unique in the store."""
    metadata = metadata_of(body.metadata, STORE)
    now = datetime.now(UTC)
    with alone(call, knowledge_store_id):
        store = store_of(call, knowledge_store_id)
        _require_free(call, store, body.name)
        made = Resource(
            id=ordered_id("ksic"), kind=Kind.ITEM_COLLECTION, tenant=call.tenant, created_at=now,
            updated_at=now, parent=store.id, name=body.name,
            body={"description": body.description, "metadata": metadata, "item_ids": []},
        )  # fmt: skip
        call.catalog.put_resource(call.manage, made)
    return shown(made)


def _require_free(call: HttpCaller, store: Resource, name: str) -> None:
    _, taken = call.catalog.find_resources(
        call.manage, Kind.ITEM_COLLECTION, parent=store.id, name=name, limit=0
    )
    if taken:
        raise ApiError(
            400, "item_collection_name_already_exists",
            f"There is an item collection {name!r} in the knowledge store already.",
        )  # fmt: skip


@router.get(_BASE, response_model=Page[Collection], response_model_exclude_none=True)
def find(
    call: Call,
    pages: Pages,
    knowledge_store_id: str,
    sort_by: str | None = None,
    sort_option: str | None = None,
) -> Any:
    """List the collections of a knowledge store."""
    store = store_of(call, knowledge_store_id)
    rows, total = call.catalog.find_resources(
        call.manage, Kind.ITEM_COLLECTION, parent=store.id,
        sort=sorted_by(sort_by, known=("created_at", "updated_at", "name")),
        ascending=ascending(sort_option), offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.of([shown(row) for row in rows], total)


@router.get(
    f"{_BASE}/{{collection_id}}", response_model=Collection, response_model_exclude_none=True
)
def retrieve(call: Call, knowledge_store_id: str, collection_id: str) -> Any:
    """Look at one collection."""
    return shown(collection_of(call, store_of(call, knowledge_store_id), collection_id))


@router.patch(
    f"{_BASE}/{{collection_id}}", response_model=Collection, response_model_exclude_none=True
)
def update(call: Call, knowledge_store_id: str, collection_id: str, body: Changes) -> Any:
    """Change a collection's name or description, or replace its metadata."""
    more = changed(body)
    with alone(call, knowledge_store_id):
        store = store_of(call, knowledge_store_id)
        found = collection_of(call, store, collection_id)
        changes = {} if body.name is None else {"name": body.name}
        if body.name not in (None, found.name):
            _require_free(call, store, str(body.name))
        return shown(_set(call, found, more, **changes))


@router.delete(f"{_BASE}/{{collection_id}}", response_class=Response)
def delete(call: Call, knowledge_store_id: str, collection_id: str) -> Response:
    """Delete a collection; its items stay in the store."""
    found = collection_of(call, store_of(call, knowledge_store_id), collection_id)
    call.catalog.delete_resource(call.manage, Kind.ITEM_COLLECTION, found.id)
    return Response(status_code=200)


@router.get(
    f"{_BASE}/{{collection_id}}/items",
    response_model=Page[Item],
    response_model_exclude_none=True,
)
def find_items(call: Call, pages: Pages, knowledge_store_id: str, collection_id: str) -> Any:
    """List the items of a collection."""
    store = store_of(call, knowledge_store_id)
    found = collection_of(call, store, collection_id)
    rows = items.items_of(call, index_of(call, store), found.body["item_ids"])
    chosen = rows[pages.offset : pages.offset + pages.limit]
    return pages.of(items.shown(call, chosen), len(rows))


@router.post(
    f"{_BASE}/{{collection_id}}/items/add",
    response_model=Collection,
    response_model_exclude_none=True,
)
def add(call: Call, knowledge_store_id: str, collection_id: str, body: ItemIds) -> Any:
    """Add items of the store; those that are in the collection already stay in it."""
    with alone(call, knowledge_store_id):
        store = store_of(call, knowledge_store_id)
        found = collection_of(call, store, collection_id)
        rows = items.items_of(call, index_of(call, store), body.item_ids)
        known = {row.body["item_id"] for row in rows}
        for item_id in body.item_ids:
            if item_id not in known:
                raise invalid(f"item_ids: there is no item {item_id!r} in the knowledge store.")
        both = list(dict.fromkeys([*found.body["item_ids"], *body.item_ids]))
        return shown(_set(call, found, {"item_ids": both}))


@router.post(f"{_BASE}/{{collection_id}}/items/remove", response_class=Response)
def remove(call: Call, knowledge_store_id: str, collection_id: str, body: ItemIds) -> Response:
    """Take items out; what is not in the collection is passed over."""
    with alone(call, knowledge_store_id):
        store = store_of(call, knowledge_store_id)
        _without(call, collection_of(call, store, collection_id), body.item_ids)
    return Response(status_code=200)


def items_of_file(call: HttpCaller, file_id: str) -> list[tuple[str, str]]:
    """The items that an asset is: the ids of their stores, and their own."""
    held = videos_of(call.manage, call.store, file_id)
    return [(v.body["store_id"], v.body["item_id"]) for v in held if "item_id" in v.body]


def leave(call: HttpCaller, store_id: str, item_id: str) -> None:
    """Take an item out of all collections of its store."""
    with alone(call, store_id):
        rows, _ = call.catalog.find_resources(call.manage, Kind.ITEM_COLLECTION, parent=store_id)
        for row in rows:
            _without(call, row, [item_id])


def _without(call: HttpCaller, row: Resource, item_ids: Sequence[str]) -> None:
    gone = set(item_ids)
    left = [one for one in row.body["item_ids"] if one not in gone]
    if len(left) < len(row.body["item_ids"]):
        _set(call, row, {"item_ids": left})


def _set(call: HttpCaller, row: Resource, body: dict[str, Any], **changes: Any) -> Resource:
    return call.catalog.update_resource(
        call.manage, Kind.ITEM_COLLECTION, row.id, body=body, **changes
    )


def shown(row: Resource) -> dict[str, Any]:
    """A collection as v1.3 shows it."""
    return {
        "_id": row.id,
        "knowledge_store_id": row.parent,
        "name": row.name,
        "description": row.body["description"],
        "metadata": row.body["metadata"],
        "member_count": len(row.body["item_ids"]),
        "created_at": text_of(row.created_at),
        "updated_at": text_of(row.updated_at),
    }
