"""Entities and their collections."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from videlicet.api.schemas import Model

#: Most entities in one bulk call, and most pictures of one entity.
BULK, PICTURES = 100, 50


Name = Field(min_length=1, max_length=200)


class NewEntityCollection(Model):
    name: str = Name
    description: str | None = None


class EntityCollectionChanges(Model):
    name: str | None = Field(default=None, min_length=1, max_length=200)
    description: str | None = None


class EntityCollection(Model):
    id: str = Field(alias="_id")
    name: str
    description: str | None = None
    created_at: str | None
    updated_at: str | None


class NewEntity(Model):
    name: str = Name
    description: str | None = None
    metadata: dict[str, Any] | None = None
    asset_ids: list[str] = Field(min_length=1, max_length=PICTURES)


class EntityChanges(Model):
    name: str | None = Field(default=None, min_length=1, max_length=200)
    description: str | None = None
    metadata: dict[str, Any] | None = None


class Entity(Model):
    id: str = Field(alias="_id")
    entity_collection_id: str
    name: str
    description: str | None = None
    metadata: dict[str, Any] | None = None
    asset_ids: list[str]
    status: str
    created_at: str | None
    updated_at: str | None


class BulkEntity(Model):
    name: str = ""
    description: str | None = None
    metadata: dict[str, Any] | None = None
    asset_ids: list[str] = Field(default_factory=list)


class BulkEntities(Model):
    entities: list[BulkEntity] = Field(min_length=1, max_length=BULK)


class BulkEntityCreated(Model):
    id: str = Field(alias="_id")
    name: str
    status: str


class BulkEntityFailed(Model):
    entity_index: int
    entity_name: str
    error_reason: str


class BulkEntitiesResult(Model):
    success_count: int
    failed_count: int
    entities: list[BulkEntityCreated]
    errors: list[BulkEntityFailed]


class AssetIds(Model):
    asset_ids: list[str] = Field(min_length=1, max_length=PICTURES)
