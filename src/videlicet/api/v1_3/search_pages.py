"""Pages of search results in the shape of v1.3."""

from __future__ import annotations

from typing import Any

from videlicet.api.caller import HttpCaller
from videlicet.api.parameters import format_time
from videlicet.services.search_pages import Clip, RankedPage
from videlicet.types import Resource, Span

#: Scores from which a hit is of high, and of medium confidence.
_HIGH, _MEDIUM = 0.6, 0.3


def page_to_json(call: HttpCaller, page: RankedPage) -> dict[str, Any]:
    """A page as v1.3 shows it."""
    info: dict[str, Any] = {
        "limit_per_page": page.limit,
        "total_results": page.total,
        "page_expires_at": format_time(page.expires_at),
    }
    if page.options["group_by"] == "video":
        info["total_inner_matches"] = page.clips
    if page.next_token is not None:
        info["next_page_token"] = page.next_token
    if page.previous_token is not None:
        info["prev_page_token"] = page.previous_token
    return {
        "data": _items(call, page),
        "page_info": info,
        "search_pool": {
            "total_count": page.size.videos,
            "total_duration": page.size.duration,
            "index_id": page.index.id,
        },
        "models": list(page.cards),
    }


def _items(call: HttpCaller, page: RankedPage) -> list[dict[str, Any]]:
    if page.options["group_by"] == "clip":
        return [_item(call, page, hit.best) for hit in page.hits]
    return [
        {
            "id": hit.best.video_id,
            "video_id": hit.best.video_id,
            "rank": hit.best.rank,
            "clips": [_item(call, page, clip) for clip in hit.clips],
            "user_metadata": _metadata(page, hit.best.video_id),
        }
        for hit in page.hits
    ]


def _item(call: HttpCaller, page: RankedPage, clip: Clip) -> dict[str, Any]:
    span = page.context.seconds(clip)
    score = clip.score
    return {
        "start": float(span.start),
        "end": float(span.end),
        "video_id": clip.video_id,
        "rank": clip.rank,
        "score": round(100 * score, 2),
        "confidence": "high" if score >= _HIGH else "medium" if score >= _MEDIUM else "low",
        "thumbnail_url": _thumbnail(call, page, clip, span),
        "transcription": page.context.transcripts[clip.video_id, clip.span] or None,
        "user_metadata": _metadata(page, clip.video_id),
    }


def _thumbnail(call: HttpCaller, page: RankedPage, clip: Clip, span: Span) -> str | None:
    video: Resource | None = page.context.videos.get(clip.video_id)
    wanted = "thumbnail" in (page.index.options.get("addons") or [])
    if not wanted or video is None or video.body.get("width") is None:
        return None
    file = video.body["file_id"]
    return call.address(f"/media/assets/{file}/frames/{round(1000 * span.midpoint)}.jpg")


def _metadata(page: RankedPage, video_id: str) -> dict[str, Any] | None:
    video = page.context.videos.get(video_id)
    if not page.options["metadata"] or video is None:
        return None
    return dict(video.body.get("user_metadata") or {})
