"""Embeddings, first form."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from videlicet.api.schemas import Model


class EmbeddingVector(Model):
    float_: list[float] = Field(alias="float")


class TimedEmbedding(EmbeddingVector):
    start_offset_sec: float | None = None
    end_offset_sec: float | None = None
    embedding_option: str | None = None
    embedding_scope: str | None = None


class EmbeddingSegments(Model):
    segments: list[TimedEmbedding] | None = None
    error_message: str | None = None
    metadata: dict[str, Any] | None = None


class EmbeddingResponse(Model):
    model_name: str
    text_embedding: EmbeddingSegments | None = None
    image_embedding: EmbeddingSegments | None = None
    audio_embedding: EmbeddingSegments | None = None


class EmbeddingTaskCreated(Model):
    id: str = Field(alias="_id")


class EmbeddingTask(Model):
    id: str = Field(alias="_id")
    model_name: str
    status: str
    created_at: str | None = None
    updated_at: str | None = None
    video_embedding: EmbeddingSegments | None = None
    audio_embedding: EmbeddingSegments | None = None
    image_embedding: EmbeddingSegments | None = None
    document_embedding: EmbeddingSegments | None = None
    error: dict[str, Any] | None = None
