"""Searches."""

from __future__ import annotations

from pydantic import Field

from videlicet.api.schemas import Metadata, Model


class SearchClip(Model):
    start: float
    end: float
    video_id: str
    rank: int
    score: float | None = None
    confidence: str | None = None
    thumbnail_url: str | None = None
    transcription: str | None = None
    user_metadata: Metadata | None = None


class SearchItem(Model):
    start: float | None = None
    end: float | None = None
    video_id: str | None = None
    rank: int | None = None
    score: float | None = None
    confidence: str | None = None
    thumbnail_url: str | None = None
    transcription: str | None = None
    id: str | None = None
    user_metadata: Metadata | None = None
    clips: list[SearchClip] | None = None


class SearchPageInfo(Model):
    limit_per_page: int
    total_results: int
    total_inner_matches: int | None = None
    page_expires_at: str | None = None
    next_page_token: str | None = None
    prev_page_token: str | None = None


class SearchPool(Model):
    total_count: int
    total_duration: float
    index_id: str


class SearchResults(Model):
    data: list[SearchItem]
    page_info: SearchPageInfo
    search_pool: SearchPool
    models: list[str] = Field(description="The models that found these.")
