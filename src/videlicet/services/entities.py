"""Entities: people and things that pictures show, in collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from videlicet.errors import NotFound
from videlicet.rights import Purpose
from videlicet.services.problems import invalid, unknown
from videlicet.types import AssetStatus, Kind, Resource, random_id

if TYPE_CHECKING:
    from videlicet.services.caller import Caller

READY = "ready"
#: Most pictures of an entity, and most characters of its name.
MAX_PICTURES, MAX_NAME_CHARS = 50, 200


@dataclass(frozen=True, slots=True)
class NewEntity:
    name: str
    asset_ids: Sequence[str]
    description: str | None = None
    metadata: Mapping[str, Any] | None = None


# -- collections --------------------------------------------------------------------------------


def create_collection(caller: Caller, name: str, description: str | None) -> Resource:
    """A collection of the caller's, without entities."""
    now = datetime.now(UTC)
    made = Resource(
        id=random_id(), kind=Kind.COLLECTION, tenant=caller.tenant, created_at=now, updated_at=now,
        name=name, body={"description": description},
    )  # fmt: skip
    caller.catalog.put_resource(caller.manage, made)
    return made


def get_collection(caller: Caller, collection_id: str) -> Resource:
    """A collection of the caller's.

    Raises:
        NotFound: ``resource_not_found``.
    """
    try:
        return caller.catalog.resource(caller.manage, Kind.COLLECTION, collection_id)
    except NotFound:
        raise unknown("entity collection", collection_id) from None


def list_collections(
    caller: Caller,
    *,
    name_part: str | None,
    sort_by: str,
    ascending: bool,
    offset: int,
    limit: int,
) -> tuple[list[Resource], int]:
    """A page of collections, and how many there are in all; ``name_part`` ignores case."""
    return caller.catalog.find_resources(
        caller.manage, Kind.COLLECTION, named_like=name_part, sort=sort_by, ascending=ascending,
        offset=offset, limit=limit,
    )  # fmt: skip


def update_collection(
    caller: Caller, collection_id: str, *, name: str | None, description: str | None
) -> Resource:
    """Change what is given of a collection."""
    found = get_collection(caller, collection_id)
    changes = {} if name is None else {"name": name}
    body = {} if description is None else {"description": description}
    return caller.catalog.update_resource(
        caller.manage, Kind.COLLECTION, found.id, body=body, **changes
    )


def delete_collection(caller: Caller, collection_id: str) -> None:
    """Delete a collection with its entities; the assets stay."""
    found = get_collection(caller, collection_id)
    caller.catalog.delete_resources(caller.manage, Kind.ENTITY, parent=found.id)
    caller.catalog.delete_resource(caller.manage, Kind.COLLECTION, found.id)


# -- entities -----------------------------------------------------------------------------------


def create_entity(caller: Caller, collection: Resource, new: NewEntity) -> Resource:
    """An entity of a collection, with at least one picture.

    Raises:
        InvalidInput: ``invalid_argument``.
    """
    if not 1 <= len(new.name) <= MAX_NAME_CHARS:
        raise invalid(f"name has 1 to {MAX_NAME_CHARS} characters.")
    _check_pictures(caller, new.asset_ids)
    now = datetime.now(UTC)
    made = Resource(
        id=random_id(), kind=Kind.ENTITY, tenant=caller.tenant, created_at=now, updated_at=now,
        status=READY, parent=collection.id, name=new.name,
        body={
            "description": new.description,
            "metadata": new.metadata,
            "asset_ids": list(dict.fromkeys(new.asset_ids)),
        },
    )  # fmt: skip
    caller.catalog.put_resource(caller.manage, made)
    return made


def get_entity(caller: Caller, entity_id: str, collection_id: str | None = None) -> Resource:
    """An entity of the caller's, of one collection if given.

    Raises:
        NotFound: ``resource_not_found``.
    """
    try:
        found = caller.catalog.resource(caller.manage, Kind.ENTITY, entity_id)
    except NotFound:
        raise unknown("entity", entity_id) from None
    if collection_id is not None and found.parent != collection_id:
        raise unknown("entity", entity_id)
    return found


def list_entities(
    caller: Caller,
    collection_id: str,
    *,
    name_part: str | None,
    status: str | None,
    sort_by: str,
    ascending: bool,
    offset: int,
    limit: int,
) -> tuple[list[Resource], int]:
    """A page of a collection's entities, and how many there are in all."""
    found = get_collection(caller, collection_id)
    return caller.catalog.find_resources(
        caller.manage, Kind.ENTITY, parent=found.id, named_like=name_part,
        status=[status] if status else (), sort=sort_by, ascending=ascending,
        offset=offset, limit=limit,
    )  # fmt: skip


def list_entities_of(caller: Caller, asset_id: str) -> list[Resource]:
    """The entities that an asset is a picture of."""
    rows, _ = caller.catalog.find_resources(caller.manage, Kind.ENTITY)
    return [row for row in rows if asset_id in row.body["asset_ids"]]


def pictures_of(caller: Caller, entity: Resource) -> list[bytes]:
    """The pictures of an entity, to search by."""
    scope = caller.scope(Purpose.SEARCH)
    found = []
    for asset_id in entity.body["asset_ids"]:
        asset = caller.catalog.asset(scope, asset_id)
        if asset.blob is not None:
            found.append(caller.store.blobs.get(scope, asset.blob))
    return found


def update_entity(
    caller: Caller,
    entity: Resource,
    *,
    name: str | None,
    description: str | None,
    metadata: Mapping[str, Any] | None,
) -> Resource:
    """Change what is given of an entity."""
    changes = {} if name is None else {"name": name}
    given = {"description": description, "metadata": metadata}
    body = {key: value for key, value in given.items() if value is not None}
    return caller.catalog.update_resource(
        caller.manage, Kind.ENTITY, entity.id, body=body, **changes
    )


def delete_entity(caller: Caller, entity: Resource) -> None:
    """Delete an entity; its assets stay."""
    caller.catalog.delete_resource(caller.manage, Kind.ENTITY, entity.id)


def add_pictures(caller: Caller, entity: Resource, asset_ids: Sequence[str]) -> Resource:
    """Add assets to the pictures of an entity."""
    _check_pictures(caller, asset_ids)
    both = list(dict.fromkeys([*entity.body["asset_ids"], *asset_ids]))
    if len(both) > MAX_PICTURES:
        raise invalid(f"An entity has {MAX_PICTURES} pictures at most.")
    return _set_pictures(caller, entity, both)


def remove_pictures(caller: Caller, entity: Resource, asset_ids: Sequence[str]) -> Resource:
    """Take assets from the pictures of an entity, which keeps at least one."""
    left = [one for one in entity.body["asset_ids"] if one not in asset_ids]
    if not left:
        raise invalid("An entity keeps at least one asset.")
    return _set_pictures(caller, entity, left)


def remove_asset(caller: Caller, asset_id: str) -> None:
    """Take an asset that is being deleted out of the entities that it is a picture of."""
    for entity in list_entities_of(caller, asset_id):
        _set_pictures(caller, entity, [one for one in entity.body["asset_ids"] if one != asset_id])


def _set_pictures(caller: Caller, entity: Resource, asset_ids: Sequence[str]) -> Resource:
    return caller.catalog.update_resource(
        caller.manage, Kind.ENTITY, entity.id, body={"asset_ids": list(asset_ids)}
    )


def _check_pictures(caller: Caller, asset_ids: Sequence[str]) -> None:
    if not asset_ids:
        raise invalid("asset_ids: an entity has at least one asset.")
    for asset_id in asset_ids:
        try:
            asset = caller.catalog.asset(caller.manage, asset_id)
        except NotFound:
            raise invalid(f"asset_ids: there is no asset {asset_id!r}.") from None
        if asset.status is not AssetStatus.READY or asset.type != "image":
            raise invalid(f"asset_ids: asset {asset_id} is no picture that is ready.")
