"""Videos and indexed assets."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from videlicet.api.schemas import Metadata, Model

StatusName = Literal["ready", "pending", "queued", "indexing", "validating", "failed"]


Option = Literal["visual", "audio", "transcription", "visual-text"]


class System(Model):
    filename: str | None = None
    duration: float | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    size: float | None = None


class Hls(Model):
    video_url: str | None = None
    thumbnail_urls: list[str] | None = None
    status: str
    updated_at: str | None = None


class Word(Model):
    start: float
    end: float
    value: str


class Segment(Model):
    float_: list[float] = Field(alias="float")
    start_offset_sec: float
    end_offset_sec: float
    embedding_option: str
    embedding_scope: str


class VideoEmbedding(Model):
    segments: list[Segment]


class Embedding(Model):
    model_name: str
    model: str = Field(description="The space the vectors live in.")
    video_embedding: VideoEmbedding


class Summary(Model):
    id: str = Field(alias="_id")
    asset_id: str
    created_at: str | None
    updated_at: str | None
    indexed_at: str | None = None
    status: str | None = None
    system_metadata: System
    user_metadata: Metadata | None = None


class Detail(Summary):
    hls: Hls | None = None
    embedding: Embedding | None = None
    transcription: list[Word] | None = None
    error: dict[str, Any] | None = None


class New(Model):
    asset_id: str
    enable_video_stream: bool = False
    user_metadata: dict[str, Any] | None = None


class Made(Model):
    id: str = Field(alias="_id")
    asset_id: str


class Changes(Model):
    user_metadata: dict[str, Any] | None = None


class IndexName(Model):
    id: str = Field(alias="_id")
    name: str


class ByAsset(Model):
    id: str = Field(alias="_id")
    index: IndexName
