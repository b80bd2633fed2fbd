"""Embeddings, first form."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from videlicet.api.schemas import Model


class Base(Model):
    float_: list[float] = Field(alias="float")


class Timed(Base):
    start_offset_sec: float | None = None
    end_offset_sec: float | None = None
    embedding_option: str | None = None
    embedding_scope: str | None = None


class Vectors(Model):
    segments: list[Timed] | None = None
    error_message: str | None = None
    metadata: dict[str, Any] | None = None


class Answer(Model):
    model_name: str
    text_embedding: Vectors | None = None
    image_embedding: Vectors | None = None
    audio_embedding: Vectors | None = None


class Made(Model):
    id: str = Field(alias="_id")


class TaskOut(Model):
    id: str = Field(alias="_id")
    model_name: str
    status: str
    created_at: str | None = None
    updated_at: str | None = None
    video_embedding: Vectors | None = None
    audio_embedding: Vectors | None = None
    image_embedding: Vectors | None = None
    document_embedding: Vectors | None = None
    error: dict[str, Any] | None = None
