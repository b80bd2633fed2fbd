"""Pages of search results in the shape of v1.3."""

from __future__ import annotations

from typing import Any

from videlicet.api.caller import HttpCaller
from videlicet.api.parameters import format_time
from videlicet.services.search_pages import RankedClip, RankedPage
from videlicet.types import Span

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
            "id": page.context.videos[hit.best.asset_id].id,
            "video_id": page.context.videos[hit.best.asset_id].id,
            "rank": hit.best.rank,
            "clips": [_item(call, page, clip) for clip in hit.clips],
            "user_metadata": _metadata(page, hit.best.asset_id),
        }
        for hit in page.hits
    ]


def _item(call: HttpCaller, page: RankedPage, clip: RankedClip) -> dict[str, Any]:
    span = page.context.seconds(clip)
    score = clip.score
    return {
        "start": float(span.start),
        "end": float(span.end),
        "video_id": page.context.videos[clip.asset_id].id,
        "rank": clip.rank,
        "score": round(100 * score, 2),
        "confidence": "high" if score >= _HIGH else "medium" if score >= _MEDIUM else "low",
        "thumbnail_url": _thumbnail(call, page, clip, span),
        "transcription": page.context.transcripts[clip.asset_id, clip.span] or None,
        "user_metadata": _metadata(page, clip.asset_id),
    }


def _thumbnail(call: HttpCaller, page: RankedPage, clip: RankedClip, span: Span) -> str | None:
    asset = page.context.videos[clip.asset_id].asset
    wanted = "thumbnail" in (page.index.options.get("addons") or [])
    if not wanted or asset.width is None:
        return None
    return call.address(f"/media/assets/{asset.id}/frames/{round(1000 * span.midpoint)}.jpg")


def _metadata(page: RankedPage, asset_id: str) -> dict[str, Any] | None:
    return dict(page.context.videos[asset_id].metadata) if page.options["metadata"] else None
