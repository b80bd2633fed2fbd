"""Knowledge stores as v1.3 has them."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from videlicet.api.caller import Call
from videlicet.api.parameters import Pages, format_time, is_ascending, sort_column
from videlicet.api.routing import V1_3, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.knowledge.enrichment import enrichment_of
from videlicet.api.v1_3.knowledge.schemas import (
    KnowledgeStore,
    KnowledgeStoreChanges,
    NewKnowledgeStore,
)
from videlicet.services.caller import Caller
from videlicet.services.knowledge import stores
from videlicet.types import Resource

router = router_for("knowledge stores", V1_3)


@router.post(
    "/knowledge-stores",
    status_code=201,
    response_model=KnowledgeStore,
    response_model_exclude_none=True,
)
def create(call: Call, body: NewKnowledgeStore) -> Any:
    """Make a knowledge store. What is to be extracted from its items cannot be changed later."""
    config = body.ingestion_config
    made = stores.create_store(
        call,
        stores.NewStore(
            body.name, body.description, body.metadata or {},
            None if config is None else enrichment_of(config),
            None if config is None else config.model_dump(mode="json"),
        ),
    )  # fmt: skip
    return store_row(call, made)


@router.get(
    "/knowledge-stores", response_model=Page[KnowledgeStore], response_model_exclude_none=True
)
def find(
    call: Call, pages: Pages, sort_by: str | None = None, sort_option: str | None = None
) -> Any:
    """List knowledge stores."""
    rows, total = stores.list_stores(
        call, sort=sort_column(sort_by), ascending=is_ascending(sort_option), offset=pages.offset,
        limit=pages.limit,
    )  # fmt: skip
    return pages.response([store_row(call, row) for row in rows], total)


@router.get(
    "/knowledge-stores/{knowledge_store_id}",
    response_model=KnowledgeStore,
    response_model_exclude_none=True,
)
def retrieve(call: Call, knowledge_store_id: str) -> Any:
    """Look at one knowledge store."""
    return store_row(call, stores.get_store(call, knowledge_store_id))


@router.patch(
    "/knowledge-stores/{knowledge_store_id}",
    response_model=KnowledgeStore,
    response_model_exclude_none=True,
)
def update(call: Call, knowledge_store_id: str, body: KnowledgeStoreChanges) -> Any:
    """Change a knowledge store's name or description, or replace its metadata."""
    return store_row(
        call, stores.update_store(call, knowledge_store_id, body.name, changes_of(body))
    )


def changes_of(body: KnowledgeStoreChanges) -> dict[str, Any]:
    """What a change says, as the body of a store or a collection holds it."""
    more: dict[str, Any] = {}
    if body.description is not None:
        more["description"] = body.description
    if body.metadata is not None:
        more["metadata"] = stores.check_metadata(body.metadata, stores.STORE_METADATA)
    return more


@router.delete("/knowledge-stores/{knowledge_store_id}", response_class=Response)
def delete(call: Call, knowledge_store_id: str) -> Response:
    """Delete a knowledge store with its items, collections and conversations; the assets stay."""
    stores.delete_store(call, knowledge_store_id)
    return Response(status_code=200)


def store_row(caller: Caller, row: Resource) -> dict[str, Any]:
    """A store as v1.3 shows it."""
    return {
        "_id": row.id,
        "name": row.name,
        "description": row.body["description"],
        "ingestion_config": row.body["ingestion_config"],
        "item_count": stores.count_items(caller, row),
        "created_at": format_time(row.created_at),
        "updated_at": format_time(row.updated_at),
        "metadata": row.body["metadata"],
    }
