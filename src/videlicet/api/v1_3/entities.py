"""Entities: people and things with pictures, in collections."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Response

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.parameters import Pages, format_time, is_ascending, sort_column
from videlicet.api.routing import V1_3, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.schemas.entities import (
    AssetIds,
    BulkEntities,
    BulkEntitiesResult,
    BulkEntity,
    Entity,
    EntityChanges,
    EntityCollection,
    EntityCollectionChanges,
    NewEntity,
    NewEntityCollection,
)
from videlicet.errors import InvalidInput
from videlicet.services import entities
from videlicet.services.assets import get_asset
from videlicet.types import Resource

router = router_for("entities", V1_3)

_SORTS = ("created_at", "updated_at", "name")


@router.post(
    "/entity-collections",
    status_code=201,
    response_model=EntityCollection,
    response_model_exclude_none=True,
)
def create_collection(call: Call, body: NewEntityCollection) -> Any:
    """Make a collection."""
    return collection_to_json(entities.create_collection(call, body.name, body.description))


@router.get(
    "/entity-collections", response_model=Page[EntityCollection], response_model_exclude_none=True
)
def find_collections(
    call: Call,
    pages: Pages,
    name: str | None = None,
    sort_by: str | None = None,
    sort_option: str | None = None,
) -> Any:
    """List collections; ``name`` is part of the name, whatever the case."""
    rows, total = entities.list_collections(
        call, name_part=name, sort_by=sort_column(sort_by, known=_SORTS),
        ascending=is_ascending(sort_option), offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.response([collection_to_json(row) for row in rows], total)


@router.get(
    "/entity-collections/{entity_collection_id}",
    response_model=EntityCollection,
    response_model_exclude_none=True,
)
def retrieve_collection(call: Call, entity_collection_id: str) -> Any:
    """Look at one collection."""
    return collection_to_json(entities.get_collection(call, entity_collection_id))


@router.patch(
    "/entity-collections/{entity_collection_id}",
    response_model=EntityCollection,
    response_model_exclude_none=True,
)
def update_collection(call: Call, entity_collection_id: str, body: EntityCollectionChanges) -> Any:
    """Change a collection's name or description."""
    return collection_to_json(
        entities.update_collection(
            call, entity_collection_id, name=body.name, description=body.description
        )
    )


@router.delete("/entity-collections/{entity_collection_id}", response_class=Response)
def delete_collection(call: Call, entity_collection_id: str) -> Response:
    """Delete a collection with its entities; the assets stay."""
    entities.delete_collection(call, entity_collection_id)
    return Response(status_code=200)


@router.post(
    "/entity-collections/{entity_collection_id}/entities",
    status_code=201,
    response_model=Entity,
    response_model_exclude_none=True,
)
def create(call: Call, entity_collection_id: str, body: NewEntity) -> Any:
    """Make an entity from its pictures."""
    found = entities.get_collection(call, entity_collection_id)
    return entity_to_json(entities.create_entity(call, found, _new_entity(body)))


@router.post(
    "/entity-collections/{entity_collection_id}/entities/bulk",
    status_code=201,
    response_model=BulkEntitiesResult,
)
def create_bulk(call: Call, entity_collection_id: str, body: BulkEntities) -> Any:
    """Make many entities; one that cannot be made does not stop the others."""
    found = entities.get_collection(call, entity_collection_id)
    made, errors = [], []
    for number, one in enumerate(body.entities):
        try:
            made.append(entities.create_entity(call, found, _new_entity(one)))
        except InvalidInput as error:
            errors.append(
                {
                    "entity_index": number,
                    "entity_name": one.name,
                    "error_reason": error.message,
                }
            )
    return {
        "success_count": len(made),
        "failed_count": len(errors),
        "entities": [{"_id": one.id, "name": one.name, "status": one.status} for one in made],
        "errors": errors,
    }


@router.get(
    "/entity-collections/{entity_collection_id}/entities",
    response_model=Page[Entity],
    response_model_exclude_none=True,
)
def find(
    call: Call,
    pages: Pages,
    entity_collection_id: str,
    name: str | None = None,
    status: Literal["processing", "ready"] | None = None,
    sort_by: str | None = None,
    sort_option: str | None = None,
) -> Any:
    """List the entities of a collection."""
    rows, total = entities.list_entities(
        call, entity_collection_id, name_part=name, status=status,
        sort_by=sort_column(sort_by, known=_SORTS), ascending=is_ascending(sort_option),
        offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.response([entity_to_json(row) for row in rows], total)


@router.get(
    "/assets/{asset_id}/entities",
    response_model=Page[Entity],
    response_model_exclude_none=True,
)
def find_by_asset(call: Call, pages: Pages, asset_id: str) -> Any:
    """List the entities that an asset shows."""
    used = entities.list_entities_of(call, get_asset(call, asset_id).id)
    chosen = used[pages.offset : pages.offset + pages.limit]
    return pages.response([entity_to_json(row) for row in chosen], len(used))


@router.get(
    "/entity-collections/{entity_collection_id}/entities/{entity_id}",
    response_model=Entity,
    response_model_exclude_none=True,
)
def retrieve(call: Call, entity_collection_id: str, entity_id: str) -> Any:
    """Look at one entity."""
    return entity_to_json(_entity(call, entity_collection_id, entity_id))


@router.patch(
    "/entity-collections/{entity_collection_id}/entities/{entity_id}",
    response_model=Entity,
    response_model_exclude_none=True,
)
def update(call: Call, entity_collection_id: str, entity_id: str, body: EntityChanges) -> Any:
    """Change an entity's name, description or metadata."""
    entity = _entity(call, entity_collection_id, entity_id)
    return entity_to_json(
        entities.update_entity(
            call, entity, name=body.name, description=body.description, metadata=body.metadata
        )
    )


@router.delete(
    "/entity-collections/{entity_collection_id}/entities/{entity_id}", response_class=Response
)
def delete(call: Call, entity_collection_id: str, entity_id: str) -> Response:
    """Delete an entity; its assets stay."""
    entities.delete_entity(call, _entity(call, entity_collection_id, entity_id))
    return Response(status_code=200)


@router.post(
    "/entity-collections/{entity_collection_id}/entities/{entity_id}/assets",
    response_model=Entity,
    response_model_exclude_none=True,
)
def add_assets(call: Call, entity_collection_id: str, entity_id: str, body: AssetIds) -> Any:
    """Add pictures to an entity."""
    entity = _entity(call, entity_collection_id, entity_id)
    return entity_to_json(entities.add_pictures(call, entity, body.asset_ids))


@router.delete(
    "/entity-collections/{entity_collection_id}/entities/{entity_id}/assets",
    response_model=Entity,
    response_model_exclude_none=True,
)
def remove_assets(call: Call, entity_collection_id: str, entity_id: str, body: AssetIds) -> Any:
    """Take pictures from an entity; one must stay."""
    entity = _entity(call, entity_collection_id, entity_id)
    return entity_to_json(entities.remove_pictures(call, entity, body.asset_ids))


def _entity(call: HttpCaller, collection_id: str, entity_id: str) -> Resource:
    """An entity at the address of its collection."""
    collection = entities.get_collection(call, collection_id)
    return entities.get_entity(call, entity_id, collection.id)


def _new_entity(body: NewEntity | BulkEntity) -> entities.NewEntity:
    return entities.NewEntity(body.name, body.asset_ids, body.description, body.metadata)


def collection_to_json(row: Resource) -> dict[str, Any]:
    """A collection as v1.3 shows it."""
    return {
        "_id": row.id,
        "name": row.name,
        "description": row.body.get("description"),
        "created_at": format_time(row.created_at),
        "updated_at": format_time(row.updated_at),
    }


def entity_to_json(row: Resource) -> dict[str, Any]:
    """An entity as v1.3 shows it."""
    return {
        "_id": row.id,
        "entity_collection_id": row.parent,
        "name": row.name,
        "description": row.body.get("description"),
        "metadata": row.body.get("metadata"),
        "asset_ids": row.body["asset_ids"],
        "status": row.status,
        "created_at": format_time(row.created_at),
        "updated_at": format_time(row.updated_at),
    }
