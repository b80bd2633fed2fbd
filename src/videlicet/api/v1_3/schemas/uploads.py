"""Uploads in parts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from videlicet.api.schemas import Model, PageInfo

#: Most chunks of an upload, and most addresses at once.
CHUNKS, ADDRESSES = 1000, 50


class NewUpload(Model):
    filename: str = Field(min_length=1, max_length=1000)
    type: Literal["video", "audio", "image"]
    total_size: int = Field(ge=1)
    enable_hls: bool = False
    enable_thumbnail: bool = False
    user_metadata: dict[str, Any] | None = None


class PresignedUrl(Model):
    chunk_index: int
    url: str
    expires_at: str | None


class UploadCreated(Model):
    upload_id: str
    asset_id: str
    upload_urls: list[PresignedUrl]
    upload_headers: dict[str, str]
    chunk_size: int
    total_chunks: int
    expires_at: str | None


class ReportedChunk(Model):
    chunk_index: int = Field(ge=1)
    proof: str
    proof_type: Literal["etag"] = "etag"
    chunk_size: int = Field(ge=1)


class ChunkReport(Model):
    completed_chunks: list[ReportedChunk] = Field(min_length=1, max_length=CHUNKS)


class ChunkReportResult(Model):
    asset_id: str
    processed_chunks: int
    duplicate_chunks: int
    total_completed: int
    url: str | None = None


class UploadedChunk(Model):
    index: int
    status: str
    uploaded_at: str | None = None
    updated_at: str | None = None
    error: str | None = None


class UploadStatus(Model):
    upload_id: str
    status: str
    uploaded_chunks: list[UploadedChunk]
    chunks_completed: int
    chunks_failed: int
    chunks_pending: int
    page_info: PageInfo
    total_size: int
    uploaded_size: int
    created_at: str | None
    updated_at: str | None


class IncompleteUpload(Model):
    upload_id: str
    status: str
    total_size: int
    chunk_size: int
    total_chunks: int
    created_at: str | None
    expires_at: str | None


class ChunkRange(Model):
    start: int = Field(ge=1)
    count: int = Field(ge=1, le=ADDRESSES)


class PresignedUrls(Model):
    upload_id: str
    start_index: int
    count: int
    upload_urls: list[PresignedUrl]
    generated_at: str | None
    expires_at: str | None
