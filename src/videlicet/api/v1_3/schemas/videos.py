"""Videos and indexed assets."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from videlicet.api.schemas import Metadata, Model

StatusName = Literal["ready", "pending", "queued", "indexing", "validating", "failed"]


Option = Literal["visual", "audio", "transcription", "visual-text"]


class VideoSystemMetadata(Model):
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


class TranscriptWord(Model):
    start: float
    end: float
    value: str


class EmbeddingSegment(Model):
    float_: list[float] = Field(alias="float")
    start_offset_sec: float
    end_offset_sec: float
    embedding_option: str
    embedding_scope: str


class VideoEmbedding(Model):
    segments: list[EmbeddingSegment]


class VideoEmbeddings(Model):
    model_name: str
    model: str = Field(description="The space the vectors live in.")
    video_embedding: VideoEmbedding


class IndexedAssetSummary(Model):
    id: str = Field(alias="_id")
    asset_id: str
    created_at: str | None
    updated_at: str | None
    indexed_at: str | None = None
    status: str | None = None
    system_metadata: VideoSystemMetadata
    user_metadata: Metadata | None = None


class IndexedAssetDetail(IndexedAssetSummary):
    hls: Hls | None = None
    embedding: VideoEmbeddings | None = None
    transcription: list[TranscriptWord] | None = None
    error: dict[str, Any] | None = None


class NewIndexedAsset(Model):
    asset_id: str
    enable_video_stream: bool = False
    user_metadata: dict[str, Any] | None = None


class IndexedAssetCreated(Model):
    id: str = Field(alias="_id")
    asset_id: str


class MetadataChanges(Model):
    user_metadata: dict[str, Any] | None = None


class IndexName(Model):
    id: str = Field(alias="_id")
    name: str


class IndexedAssetOfAsset(Model):
    id: str = Field(alias="_id")
    index: IndexName
