"""Assets."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from videlicet.api.schemas import Metadata, Model


class AssetDetail(Model):
    id: str = Field(alias="_id")
    method: str
    status: str
    filename: str
    file_type: str | None = None
    created_at: str | None
    user_metadata: Metadata | None = None
    source: dict[str, Any] | None = None
    hls: dict[str, Any] | None = None
    thumbnail: dict[str, Any] | None = None
    original: dict[str, Any] | None = None
    technical_metadata: dict[str, Any] | None = None
    size: int | None = None
    duration: float | None = None
    error: dict[str, Any] | None = None


class TranscriptEntry(Model):
    start: float
    end: float
    value: str


class Transcription(Model):
    status: str
    words: list[TranscriptEntry] | None = None
    sentences: list[TranscriptEntry] | None = None
    utterances: list[TranscriptEntry] | None = None
    error: dict[str, str] | None = None


class NewMetadata(Model):
    user_metadata: dict[str, Any]
