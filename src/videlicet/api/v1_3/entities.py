"""Entities: people and things with pictures, in collections."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import Response

from videlicet.api.errors import ApiError, invalid, unknown
from videlicet.api.v1_3.assets import asset_of
from videlicet.api.v1_3.common import Call, Caller, Pages, ascending, router_for, sorted_by, text_of
from videlicet.api.v1_3.schemas.common import Page
from videlicet.api.v1_3.schemas.entities import (
    PICTURES,
    AssetIds,
    Bulk,
    BulkAnswer,
    Collection,
    CollectionChanges,
    Entity,
    EntityChanges,
    NewCollection,
    NewEntity,
)
from videlicet.errors import NotFound
from videlicet.types import Kind, Resource, random_id

router = router_for("entities")

_SORTS = ("created_at", "updated_at", "name")


def collection_of(call: Caller, id: str) -> Resource:
    """A collection of the caller's."""
    try:
        return call.catalog.resource(call.manage, Kind.COLLECTION, id)
    except NotFound:
        raise unknown("entity collection", id) from None


def entity_of(call: Caller, id: str, collection: str | None = None) -> Resource:
    """An entity of the caller's (in a collection)."""
    try:
        found = call.catalog.resource(call.manage, Kind.ENTITY, id)
    except NotFound:
        raise unknown("entity", id) from None
    if collection is not None and found.parent != collection:
        raise unknown("entity", id)
    return found


@router.post(
    "/entity-collections",
    status_code=201,
    response_model=Collection,
    response_model_exclude_none=True,
)
def create_collection(call: Call, body: NewCollection) -> Any:
    """Make a collection."""
    now = datetime.now(UTC)
    made = Resource(
        id=random_id(), kind=Kind.COLLECTION, tenant=call.tenant, created_at=now, updated_at=now,
        name=body.name, body={"description": body.description},
    )  # fmt: skip
    call.catalog.put_resource(call.manage, made)
    return shown_collection(made)


@router.get(
    "/entity-collections", response_model=Page[Collection], response_model_exclude_none=True
)
def find_collections(
    call: Call,
    pages: Pages,
    name: str | None = None,
    sort_by: str | None = None,
    sort_option: str | None = None,
) -> Any:
    """List collections; ``name`` is part of the name, whatever the case."""
    rows, total = call.catalog.find_resources(
        call.manage, Kind.COLLECTION, named_like=name, sort=sorted_by(sort_by, known=_SORTS),
        ascending=ascending(sort_option), offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.of([shown_collection(row) for row in rows], total)


@router.get(
    "/entity-collections/{entity_collection_id}",
    response_model=Collection,
    response_model_exclude_none=True,
)
def retrieve_collection(call: Call, entity_collection_id: str) -> Any:
    """Look at one collection."""
    return shown_collection(collection_of(call, entity_collection_id))


@router.patch(
    "/entity-collections/{entity_collection_id}",
    response_model=Collection,
    response_model_exclude_none=True,
)
def update_collection(call: Call, entity_collection_id: str, body: CollectionChanges) -> Any:
    """Change a collection's name or description."""
    found = collection_of(call, entity_collection_id)
    changes = {} if body.name is None else {"name": body.name}
    more = {} if body.description is None else {"description": body.description}
    return shown_collection(
        call.catalog.update_resource(call.manage, Kind.COLLECTION, found.id, body=more, **changes)
    )


@router.delete("/entity-collections/{entity_collection_id}", response_class=Response)
def delete_collection(call: Call, entity_collection_id: str) -> Response:
    """Delete a collection with its entities; the assets stay."""
    found = collection_of(call, entity_collection_id)
    call.catalog.delete_resources(call.manage, Kind.ENTITY, parent=found.id)
    call.catalog.delete_resource(call.manage, Kind.COLLECTION, found.id)
    return Response(status_code=200)


@router.post(
    "/entity-collections/{entity_collection_id}/entities",
    status_code=201,
    response_model=Entity,
    response_model_exclude_none=True,
)
def create(call: Call, entity_collection_id: str, body: NewEntity) -> Any:
    """Make an entity from its pictures."""
    found = collection_of(call, entity_collection_id)
    return shown(_make(call, found, body.name, body.description, body.metadata, body.asset_ids))


@router.post(
    "/entity-collections/{entity_collection_id}/entities/bulk",
    status_code=201,
    response_model=BulkAnswer,
)
def create_bulk(call: Call, entity_collection_id: str, body: Bulk) -> Any:
    """Make many entities; one that cannot be made does not stop the others."""
    found = collection_of(call, entity_collection_id)
    made, errors = [], []
    for number, one in enumerate(body.entities):
        try:
            if not 1 <= len(one.name) <= 200:
                raise invalid("name has 1 to 200 characters.")
            made.append(_make(call, found, one.name, one.description, one.metadata, one.asset_ids))
        except ApiError as error:
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
    found = collection_of(call, entity_collection_id)
    rows, total = call.catalog.find_resources(
        call.manage, Kind.ENTITY, parent=found.id, named_like=name,
        status=[status] if status else (), sort=sorted_by(sort_by, known=_SORTS),
        ascending=ascending(sort_option), offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.of([shown(row) for row in rows], total)


@router.get(
    "/assets/{asset_id}/entities",
    response_model=Page[Entity],
    response_model_exclude_none=True,
)
def find_by_asset(call: Call, pages: Pages, asset_id: str) -> Any:
    """List the entities that an asset shows."""
    file = asset_of(call, asset_id)
    rows, _ = call.catalog.find_resources(call.manage, Kind.ENTITY)
    held = [row for row in rows if file.id in row.body["asset_ids"]]
    chosen = held[pages.offset : pages.offset + pages.limit]
    return pages.of([shown(row) for row in chosen], len(held))


@router.get(
    "/entity-collections/{entity_collection_id}/entities/{entity_id}",
    response_model=Entity,
    response_model_exclude_none=True,
)
def retrieve(call: Call, entity_collection_id: str, entity_id: str) -> Any:
    """Look at one entity."""
    found = collection_of(call, entity_collection_id)
    return shown(entity_of(call, entity_id, found.id))


@router.patch(
    "/entity-collections/{entity_collection_id}/entities/{entity_id}",
    response_model=Entity,
    response_model_exclude_none=True,
)
def update(call: Call, entity_collection_id: str, entity_id: str, body: EntityChanges) -> Any:
    """Change an entity's name, description or metadata."""
    found = collection_of(call, entity_collection_id)
    entity = entity_of(call, entity_id, found.id)
    changes = {} if body.name is None else {"name": body.name}
    more = {
        name: value
        for name in ("description", "metadata")
        if (value := getattr(body, name)) is not None
    }
    return shown(
        call.catalog.update_resource(call.manage, Kind.ENTITY, entity.id, body=more, **changes)
    )


@router.delete(
    "/entity-collections/{entity_collection_id}/entities/{entity_id}", response_class=Response
)
def delete(call: Call, entity_collection_id: str, entity_id: str) -> Response:
    """Delete an entity; its assets stay."""
    found = collection_of(call, entity_collection_id)
    entity = entity_of(call, entity_id, found.id)
    call.catalog.delete_resource(call.manage, Kind.ENTITY, entity.id)
    return Response(status_code=200)


@router.post(
    "/entity-collections/{entity_collection_id}/entities/{entity_id}/assets",
    response_model=Entity,
    response_model_exclude_none=True,
)
def add_assets(call: Call, entity_collection_id: str, entity_id: str, body: AssetIds) -> Any:
    """Add pictures to an entity."""
    found = collection_of(call, entity_collection_id)
    entity = entity_of(call, entity_id, found.id)
    _check_pictures(call, body.asset_ids)
    both = list(dict.fromkeys([*entity.body["asset_ids"], *body.asset_ids]))
    if len(both) > PICTURES:
        raise invalid(f"An entity has {PICTURES} pictures at most.")
    return shown(
        call.catalog.update_resource(call.manage, Kind.ENTITY, entity.id, body={"asset_ids": both})
    )


@router.delete(
    "/entity-collections/{entity_collection_id}/entities/{entity_id}/assets",
    response_model=Entity,
    response_model_exclude_none=True,
)
def remove_assets(call: Call, entity_collection_id: str, entity_id: str, body: AssetIds) -> Any:
    """Take pictures from an entity; one must stay."""
    found = collection_of(call, entity_collection_id)
    entity = entity_of(call, entity_id, found.id)
    left = [one for one in entity.body["asset_ids"] if one not in body.asset_ids]
    if not left:
        raise invalid("An entity keeps at least one asset.")
    return shown(
        call.catalog.update_resource(call.manage, Kind.ENTITY, entity.id, body={"asset_ids": left})
    )


def _make(
    call: Caller,
    collection: Resource,
    name: str,
    description: str | None,
    metadata: dict[str, Any] | None,
    asset_ids: Sequence[str],
) -> Resource:
    _check_pictures(call, asset_ids)
    now = datetime.now(UTC)
    made = Resource(
        id=random_id(), kind=Kind.ENTITY, tenant=call.tenant, created_at=now, updated_at=now,
        status="ready", parent=collection.id, name=name,
        body={
            "description": description,
            "metadata": metadata,
            "asset_ids": list(dict.fromkeys(asset_ids)),
        },
    )  # fmt: skip
    call.catalog.put_resource(call.manage, made)
    return made


def _check_pictures(call: Caller, asset_ids: Sequence[str]) -> None:
    if not asset_ids:
        raise invalid("asset_ids: an entity has at least one asset.")
    for asset_id in asset_ids:
        try:
            file = asset_of(call, asset_id)
        except ApiError:
            raise invalid(f"asset_ids: there is no asset {asset_id!r}.") from None
        if file.status != "ready" or file.body.get("kind") != "image":
            raise invalid(f"asset_ids: asset {asset_id} is no picture that is ready.")


def shown_collection(row: Resource) -> dict[str, Any]:
    """A collection as v1.3 shows it."""
    return {
        "_id": row.id,
        "name": row.name,
        "description": row.body.get("description"),
        "created_at": text_of(row.created_at),
        "updated_at": text_of(row.updated_at),
    }


def shown(row: Resource) -> dict[str, Any]:
    """An entity as v1.3 shows it."""
    return {
        "_id": row.id,
        "entity_collection_id": row.parent,
        "name": row.name,
        "description": row.body.get("description"),
        "metadata": row.body.get("metadata"),
        "asset_ids": row.body["asset_ids"],
        "status": row.status,
        "created_at": text_of(row.created_at),
        "updated_at": text_of(row.updated_at),
    }
