"""Knowledge stores: videos and pictures together, with what is known of them.

A store owns one hidden index, in which its items are videos. Its ``body`` holds ``index_id``,
``description``, ``metadata`` and ``ingestion_config``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from fastapi import Response

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import unknown
from videlicet.api.parameters import Pages, ascending, sorted_by, text_of
from videlicet.api.routing import router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.knowledge.enrichment import wanted_of
from videlicet.api.v1_3.knowledge.metadata import STORE, metadata_of
from videlicet.api.v1_3.knowledge.schemas import Changes, NewStore, Store
from videlicet.errors import NotFound
from videlicet.ingest.indexing import remove_index
from videlicet.models.cards import chosen_cards
from videlicet.rights import Purpose
from videlicet.services.locks import NamedLocks
from videlicet.types import Index, Kind, Resource, ordered_id

router = router_for("knowledge stores")

_changing = NamedLocks()


@contextmanager
def alone(call: HttpCaller, store_id: str) -> Iterator[None]:
    """Let nobody else change what hangs on a store, here or at another server. Of each server only
    one request waits at the database."""
    name = f"knowledge store {store_id}"
    with _changing.hold(name), call.store.database.held(name):
        yield


def store_of(call: HttpCaller, id: str) -> Resource:
    """A store of the caller's."""
    try:
        return call.catalog.resource(call.manage, Kind.KNOWLEDGE_STORE, id)
    except NotFound:
        raise unknown("knowledge store", id) from None


def index_of(call: HttpCaller, store: Resource) -> Index:
    """The index in which a store's items are."""
    try:
        return call.catalog.index(call.manage, store.body["index_id"])
    except NotFound:  # the store has just been deleted
        raise unknown("knowledge store", store.id) from None


@router.post(
    "/knowledge-stores", status_code=201, response_model=Store, response_model_exclude_none=True
)
def create(call: Call, body: NewStore) -> Any:
    """Make a knowledge store. What is to be extracted from its items cannot be changed later."""
    metadata = metadata_of(body.metadata, STORE)
    options: dict[str, Any] = {"hidden": True}
    if body.ingestion_config is not None:
        options["enrichment"] = wanted_of(body.ingestion_config)
    now = datetime.now(UTC)
    id = ordered_id("ks")
    cards = chosen_cards(call.settings.models)
    index = call.catalog.create_index(call.scope(Purpose.INDEX), f"~{id}", cards, options)
    config = body.ingestion_config and body.ingestion_config.model_dump(mode="json")
    made = Resource(
        id=id, kind=Kind.KNOWLEDGE_STORE, tenant=call.tenant, created_at=now, updated_at=now,
        name=body.name,
        body={
            "index_id": index.id,
            "description": body.description,
            "metadata": metadata,
            "ingestion_config": config,
        },
    )  # fmt: skip
    call.catalog.put_resource(call.manage, made)
    return shown(call, made)


@router.get("/knowledge-stores", response_model=Page[Store], response_model_exclude_none=True)
def find(
    call: Call, pages: Pages, sort_by: str | None = None, sort_option: str | None = None
) -> Any:
    """List knowledge stores."""
    rows, total = call.catalog.find_resources(
        call.manage, Kind.KNOWLEDGE_STORE, sort=sorted_by(sort_by),
        ascending=ascending(sort_option), offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.of([shown(call, row) for row in rows], total)


@router.get(
    "/knowledge-stores/{knowledge_store_id}",
    response_model=Store,
    response_model_exclude_none=True,
)
def retrieve(call: Call, knowledge_store_id: str) -> Any:
    """Look at one knowledge store."""
    return shown(call, store_of(call, knowledge_store_id))


@router.patch(
    "/knowledge-stores/{knowledge_store_id}",
    response_model=Store,
    response_model_exclude_none=True,
)
def update(call: Call, knowledge_store_id: str, body: Changes) -> Any:
    """Change a knowledge store's name or description, or replace its metadata."""
    found = store_of(call, knowledge_store_id)
    changes = {} if body.name is None else {"name": body.name}
    row = call.catalog.update_resource(
        call.manage, Kind.KNOWLEDGE_STORE, found.id, body=changed(body), **changes
    )
    return shown(call, row)


def changed(body: Changes) -> dict[str, Any]:
    """What a change says, as the body of a store or a collection holds it."""
    more: dict[str, Any] = {}
    if body.description is not None:
        more["description"] = body.description
    if body.metadata is not None:
        more["metadata"] = metadata_of(body.metadata, STORE)
    return more


@router.delete("/knowledge-stores/{knowledge_store_id}", response_class=Response)
def delete(call: Call, knowledge_store_id: str) -> Response:
    """Delete a knowledge store with its items, collections and conversations; the assets stay."""
    with alone(call, knowledge_store_id):
        found = store_of(call, knowledge_store_id)
        for kind in (Kind.ITEM_COLLECTION, Kind.SESSION):
            call.catalog.delete_resources(call.manage, kind, parent=found.id)
        with suppress(NotFound):  # a deletion that was broken off came this far
            index = call.catalog.index(call.manage, found.body["index_id"])
            remove_index(call.manage, call.store, index)
        # Last: what is broken off can be done again.
        call.catalog.delete_resource(call.manage, Kind.KNOWLEDGE_STORE, found.id)
    return Response(status_code=200)


def shown(call: HttpCaller, row: Resource) -> dict[str, Any]:
    """A store as v1.3 shows it."""
    _, items = call.catalog.find_resources(
        call.manage, Kind.VIDEO, parent=row.body["index_id"], limit=0
    )
    return {
        "_id": row.id,
        "name": row.name,
        "description": row.body["description"],
        "ingestion_config": row.body["ingestion_config"],
        "item_count": items,
        "created_at": text_of(row.created_at),
        "updated_at": text_of(row.updated_at),
        "metadata": row.body["metadata"],
    }
