"""Indexes."""

from __future__ import annotations

from pydantic import Field

from videlicet.api.schemas import Model


class IndexModel(Model):
    model_name: str
    model_options: list[str] = Field(min_length=1)


class NewIndex(Model):
    index_name: str = Field(min_length=1, max_length=200, pattern=r"\S")
    models: list[IndexModel] = Field(min_length=1, max_length=10)
    addons: list[str] | None = None


class IndexChanges(Model):
    index_name: str = Field(min_length=1, max_length=200, pattern=r"\S")


class IndexCreated(Model):
    id: str = Field(alias="_id")


class IndexOut(Model):
    id: str = Field(alias="_id")
    created_at: str | None
    updated_at: str | None
    index_name: str
    total_duration: float
    video_count: int
    models: list[IndexModel]
    addons: list[str]
    cards: dict[str, str] = Field(description="The model that does the work, by role.")
