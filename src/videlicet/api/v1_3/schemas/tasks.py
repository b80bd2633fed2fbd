"""Indexing tasks."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from videlicet.api.schemas import Model
from videlicet.api.v1_3.schemas.videos import Hls


class TaskSystemMetadata(Model):
    duration: float | None = None
    filename: str | None = None
    height: int | None = None
    width: int | None = None


class TaskCreated(Model):
    id: str = Field(alias="_id")
    video_id: str


class IndexingTaskOut(Model):
    id: str = Field(alias="_id")
    video_id: str
    created_at: str | None
    updated_at: str | None
    status: str
    index_id: str
    system_metadata: TaskSystemMetadata
    hls: Hls | None = None
    error: dict[str, Any] | None = None
