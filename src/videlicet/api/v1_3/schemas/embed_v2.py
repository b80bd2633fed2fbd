"""Embeddings, second form."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from videlicet.api.schemas import MediaSource, Model

Option = Literal["visual", "audio", "transcription"]


Type = Literal["separate_embedding", "fused_embedding"]


class TextInput(Model):
    input_text: str = Field(min_length=1)


class ImageInput(Model):
    media_source: MediaSource


class TextImageInput(ImageInput):
    input_text: str = Field(min_length=1)


class DynamicSegmentation(Model):
    min_duration_sec: float = Field(ge=1, le=600)


class FixedSegmentation(Model):
    duration_sec: float = Field(ge=1, le=600)


class SegmentationStrategy(Model):
    strategy: Literal["dynamic", "fixed"] | None = None
    dynamic: DynamicSegmentation | None = None
    fixed: FixedSegmentation | None = None


class Segmentation(SegmentationStrategy):
    temporal: SegmentationStrategy | None = None


class TimedInput(Model):
    """What a caller says of a stretch, in seconds from the recording's start."""

    start: float = Field(ge=0)
    end: float = Field(ge=0)
    text: str = Field(min_length=1, max_length=2000)


class MediaInput(Model):
    media_source: MediaSource
    start_sec: float | None = Field(default=None, ge=0)
    end_sec: float | None = Field(default=None, gt=0)
    segmentation: Segmentation | None = None
    embedding_option: list[Option] | None = None
    embedding_scope: list[Literal["clip", "local", "asset"]] | None = None
    embedding_type: list[Type] | None = None
    time_based_metadata: list[TimedInput] | None = Field(default=None, max_length=10_000)


class SentenceSegmentation(Model):
    strategy: Literal["sentence"] = "sentence"
    max_sentences: int = Field(ge=1, le=100)
    overlap_sentences: int = Field(default=0, ge=0, le=99)


class PageSegmentation(Model):
    strategy: Literal["standard", "quadrants"] | None = None


class DocumentSegmentation(Model):
    spatial: PageSegmentation | None = None
    sequential: SentenceSegmentation | None = None


class DocumentInput(Model):
    media_source: MediaSource
    segmentation: DocumentSegmentation | None = None
    embedding_option: list[Literal["visual", "text"]] | None = None
    embedding_type: list[Type] | None = None
    embedding_scope: list[Literal["local", "asset"]] | None = None


class NamedSource(MediaSource):
    name: str | None = None
    media_type: Literal["image", "video", "audio", "document"]


class MultiInput(Model):
    input_text: str | None = None
    media_sources: list[NamedSource] | None = Field(default=None, max_length=10)


class EmbedRequest(Model):
    input_type: Literal["text", "image", "text_image", "audio", "video", "multi_input"]
    model_name: str
    auto_truncate: bool | None = None
    embedding_uncertainty: bool | None = None
    embedding_dimension: int | None = None
    text: TextInput | None = None
    image: ImageInput | None = None
    text_image: TextImageInput | None = None
    audio: MediaInput | None = None
    video: MediaInput | None = None
    multi_input: MultiInput | None = None


class EmbedTaskRequest(Model):
    input_type: Literal["audio", "video", "document", "image"]
    model_name: str
    embedding_uncertainty: bool | None = None
    embedding_dimension: int | None = None
    audio: MediaInput | None = None
    video: MediaInput | None = None
    document: DocumentInput | None = None
    image: ImageInput | None = None


class EmbeddingData(Model):
    embedding: list[float]
    embedding_option: str | None = None
    embedding_scope: str | None = None
    start_sec: float | None = None
    end_sec: float | None = None
    start_page_number: int | None = None
    end_page_number: int | None = None
    quadrant: str | None = None
    chunk_index: int | None = None


class EmbedUsage(Model):
    input_tokens: dict[str, int]
    truncated: bool


class EmbedResponse(Model):
    data: list[EmbeddingData]
    usage: EmbedUsage | None = None
    metadata: dict[str, Any] | None = None


class EmbedTaskCreated(Model):
    id: str = Field(alias="_id")
    status: str
    data: list[EmbeddingData] | None = None
    metadata: dict[str, Any] | None = None


class EmbedTask(Model):
    id: str = Field(alias="_id")
    status: str
    created_at: str | None = None
    updated_at: str | None = None
    data: list[EmbeddingData] | None = None
    usage: EmbedUsage | None = None
    metadata: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
