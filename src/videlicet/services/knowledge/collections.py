"""Item collections: named parts of a knowledge store.

Their ``body`` holds ``description``, ``metadata`` and ``item_ids``, in the order of adding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from videlicet.errors import Conflict, NotFound
from videlicet.services.knowledge.items import items_of
from videlicet.services.knowledge.stores import (
    STORE_METADATA,
    check_metadata,
    get_store,
    lock_store,
    store_index,
)
from videlicet.services.problems import invalid, unknown
from videlicet.types import Kind, Resource, ordered_id

if TYPE_CHECKING:
    from videlicet.services.caller import Caller


def create_collection(
    caller: Caller,
    store_id: str,
    name: str,
    description: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Resource:
    """An empty collection; its name is unique in the store.

    Raises:
        NotFound: ``resource_not_found``, the store.
        InvalidInput: ``invalid_argument``, the metadata.
        Conflict: ``item_collection_exists``.
    """
    kept = check_metadata(metadata, STORE_METADATA)
    now = datetime.now(UTC)
    with lock_store(caller, store_id):
        store = get_store(caller, store_id)
        _require_free(caller, store, name)
        made = Resource(
            id=ordered_id("ksic"), kind=Kind.ITEM_COLLECTION, tenant=caller.tenant,
            created_at=now, updated_at=now, parent=store.id, name=name,
            body={"description": description, "metadata": kept, "item_ids": []},
        )  # fmt: skip
        caller.catalog.put_resource(caller.manage, made)
    return made


def _require_free(caller: Caller, store: Resource, name: str) -> None:
    _, taken = caller.catalog.find_resources(
        caller.manage, Kind.ITEM_COLLECTION, parent=store.id, name=name, limit=0
    )
    if taken:
        raise Conflict(
            "item_collection_exists",
            f"There is an item collection {name!r} in the knowledge store already.", subject=name,
        )  # fmt: skip


def get_collection(caller: Caller, store: Resource, collection_id: str) -> Resource:
    """A collection of a store.

    Raises:
        NotFound: ``resource_not_found``.
    """
    try:
        found = caller.catalog.resource(caller.manage, Kind.ITEM_COLLECTION, collection_id)
    except NotFound:
        raise unknown("item collection", collection_id) from None
    if found.parent != store.id:
        raise unknown("item collection", collection_id)
    return found


def list_collections(
    caller: Caller,
    store: Resource,
    *,
    sort: str,
    ascending: bool,
    offset: int = 0,
    limit: int | None = None,
) -> tuple[list[Resource], int]:
    """A page of the collections of a store, and how many there are in all."""
    return caller.catalog.find_resources(
        caller.manage, Kind.ITEM_COLLECTION, parent=store.id, sort=sort, ascending=ascending,
        offset=offset, limit=limit,
    )  # fmt: skip


def update_collection(
    caller: Caller,
    store_id: str,
    collection_id: str,
    name: str | None,
    changes: Mapping[str, Any],
) -> Resource:
    """Change a collection's name, or its ``description`` and ``metadata``.

    Raises:
        NotFound: ``resource_not_found``.
        Conflict: ``item_collection_exists``.
    """
    with lock_store(caller, store_id):
        store = get_store(caller, store_id)
        found = get_collection(caller, store, collection_id)
        renamed = {} if name is None else {"name": name}
        if name not in (None, found.name):
            _require_free(caller, store, str(name))
        return _set(caller, found, changes, **renamed)


def delete_collection(caller: Caller, store_id: str, collection_id: str) -> None:
    """Delete a collection; its items stay in the store.

    Raises:
        NotFound: ``resource_not_found``.
    """
    found = get_collection(caller, get_store(caller, store_id), collection_id)
    caller.catalog.delete_resource(caller.manage, Kind.ITEM_COLLECTION, found.id)


def add_items(
    caller: Caller, store_id: str, collection_id: str, item_ids: Sequence[str]
) -> Resource:
    """Add items of the store to a collection; those that are in it already stay in it.

    Raises:
        NotFound: ``resource_not_found``, the store or the collection.
        InvalidInput: ``invalid_argument``, there is no such item.
    """
    with lock_store(caller, store_id):
        store = get_store(caller, store_id)
        found = get_collection(caller, store, collection_id)
        rows = items_of(caller, store_index(caller, store), item_ids)
        known = {row.item_id for row in rows}
        for item_id in item_ids:
            if item_id not in known:
                raise invalid(f"item_ids: there is no item {item_id!r} in the knowledge store.")
        both = list(dict.fromkeys([*found.body["item_ids"], *item_ids]))
        return _set(caller, found, {"item_ids": both})


def remove_items(
    caller: Caller, store_id: str, collection_id: str, item_ids: Sequence[str]
) -> None:
    """Take items out of a collection; what is not in it is passed over.

    Raises:
        NotFound: ``resource_not_found``, the store or the collection.
    """
    with lock_store(caller, store_id):
        found = get_collection(caller, get_store(caller, store_id), collection_id)
        gone = set(item_ids)
        left = [one for one in found.body["item_ids"] if one not in gone]
        if len(left) < len(found.body["item_ids"]):
            _set(caller, found, {"item_ids": left})


def _set(caller: Caller, row: Resource, body: Mapping[str, Any], **changes: Any) -> Resource:
    return caller.catalog.update_resource(
        caller.manage, Kind.ITEM_COLLECTION, row.id, body=dict(body), **changes
    )
