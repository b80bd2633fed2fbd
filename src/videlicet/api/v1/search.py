"""Any-to-any search with evidence, page by page."""

from __future__ import annotations

from typing import Any

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import invalid_parameter, missing_parameter
from videlicet.api.media_sources import source_of
from videlicet.api.parameters import format_time
from videlicet.api.routing import V1, router_for
from videlicet.api.schemas import MediaSource
from videlicet.api.v1.schemas import QueryPart, SearchBody, SearchResponse
from videlicet.ingest.progress import printable_source
from videlicet.services import search as searches
from videlicet.services.indexes import get_index
from videlicet.services.search import FoundPage, RequestPart, SearchRequest
from videlicet.types import Hit, PartKind

router = router_for("search", V1)

_MEDIA = ("image", "audio", "video")


@router.post(
    "/indexes/{index_id}/search", response_model=SearchResponse, response_model_exclude_none=True
)
def search(call: Call, index_id: str, body: SearchBody) -> Any:
    """Find moments by words, pictures, sounds and clips, alone or together. ``next_page`` alone as
    ``page``, or at ``/search/{page_token}``, brings the next page for an hour."""
    index = get_index(call, index_id)
    if body.page is not None:
        if body.model_fields_set != {"page"}:
            raise invalid_parameter("page comes alone: the token holds the whole search.")
        return page_to_json(call, searches.search_page(call, body.page, index.id))
    if not body.parts:
        raise missing_parameter("parts")
    request = SearchRequest(
        parts=[part_of(part) for part in body.parts],
        modalities=body.modalities,
        lanes=body.lanes,
        filter=body.filter,
        videos=body.videos,
        threshold=body.threshold,
        group_by=body.group_by,
        limit=body.limit,
    )
    return page_to_json(call, searches.search(call, index, request))


@router.get("/search/{page_token}", response_model=SearchResponse, response_model_exclude_none=True)
def search_page(call: Call, page_token: str) -> Any:
    """Another page of a search."""
    return page_to_json(call, searches.search_page(call, page_token))


def part_of(part: QueryPart) -> RequestPart:
    """The one thing that a part names, with its kind."""
    kind, value = value_of(part)
    if isinstance(value, MediaSource):
        return RequestPart(PartKind(kind), source_of(value, f"parts.{kind}"), part.weight)
    return RequestPart(PartKind(kind), value, part.weight)


def value_of(part: QueryPart) -> tuple[str, str | MediaSource]:
    """The one thing that a part names, with its kind."""
    names = [name for name in ("text", *_MEDIA) if getattr(part, name) is not None]
    if len(names) != 1:
        raise invalid_parameter("parts: each part has exactly one of text, image, audio and video.")
    value: str | MediaSource = getattr(part, names[0])
    return names[0], value


def page_to_json(call: HttpCaller, found: FoundPage) -> dict[str, Any]:
    """A page of hits."""
    return {
        "hits": [_hit_to_json(call, hit, found) for hit in found.page.hits],
        "total": found.page.total,
        "next_page": found.next_token,
        "prev_page": found.previous_token,
        "page_expires_at": format_time(found.expires_at),
        "cards": list(found.page.cards),
        "exact": found.page.exact,
    }


def _hit_to_json(call: HttpCaller, hit: Hit, found: FoundPage) -> dict[str, Any]:
    video = found.videos[hit.asset_id]
    origin = video.asset.media.span.start
    shown = next((e.frame for e in hit.evidence if e.frame is not None), hit.span.midpoint)
    path = f"/media/assets/{hit.asset_id}/frames/{round(1000 * (shown - origin))}.jpg"
    return {
        "video_id": video.id,
        "name": printable_source(hit.asset_name),
        "start": float(hit.span.start - origin),
        "end": float(hit.span.end - origin),
        "score": hit.score,
        "rank": hit.rank,
        "thumbnail_url": call.address(path),
        "evidence": [
            {
                "lane": one.lane,
                "modality": one.modality.value,
                "card": one.card,
                "rank": one.rank,
                "score": one.score,
                "contribution": one.contribution,
                "start": float(one.span.start - origin),
                "end": float(one.span.end - origin),
                "text": one.text,
                "frame": None if one.frame is None else float(one.frame - origin),
                "observation_id": one.observation_id,
            }
            for one in hit.evidence
        ],
        "moments": [_hit_to_json(call, inner, found) for inner in hit.moments],
    }
