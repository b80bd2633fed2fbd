"""What a response cites, as v1.3 shows it."""

from __future__ import annotations

from typing import Any

from videlicet.api.caller import HttpCaller
from videlicet.services.knowledge.citations import TextCitation


def citation_to_json(call: HttpCaller, citation: TextCitation) -> dict[str, Any]:
    """A citation with a picture of what it cites, and where that can be played."""
    video, span = citation.video, citation.span
    base = f"/media/assets/{video.asset_id}"
    row: dict[str, Any] = {
        "type": "image_citation" if span is None else "video_citation",
        "start_index": citation.start,
        "end_index": citation.end,
        "item_id": video.item_id,
    }
    if span is None:
        picture, stream = f"{base}/thumbnail.jpg", None
    else:
        row |= {"start_sec": float(span.start), "end_sec": float(span.end)}
        picture = f"{base}/frames/{round(1000 * span.midpoint)}.jpg"
        stream = call.address(f"{base}/hls/index.m3u8")
    return {
        **row,
        "title": video.name,
        "thumbnail_url": call.address(picture),
        "hls_url": stream,
    }
