"""Search in a knowledge store: over its videos and pictures together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from videlicet.api.caller import Call
from videlicet.api.errors import invalid_parameter
from videlicet.api.routing import V1_3, router_for
from videlicet.api.schemas import Problem
from videlicet.api.v1_3.knowledge.schemas import (
    AssetType,
    IdFilter,
    ItemFilter,
    KnowledgeSearchRequest,
    KnowledgeSearchResponse,
    TypeFilter,
)
from videlicet.services.knowledge import search_pages
from videlicet.services.knowledge.search_pages import ItemClip, ItemHit, ItemPage, ItemSearch
from videlicet.types import GroupBy, Video

router = router_for("knowledge stores", V1_3)


@router.post(
    "/knowledge-stores/{knowledge_store_id}/search",
    response_model=KnowledgeSearchResponse,
    response_model_exclude_none=True,
    responses={410: {"model": Problem, "description": "The page token has expired."}},
)
def search(call: Call, knowledge_store_id: str, body: KnowledgeSearchRequest) -> Any:
    """Find moments of videos, and pictures, by words. Later pages are cut from the same list."""
    if body.page_token is not None:
        changed = {} if body.include_metadata is None else {"metadata": body.include_metadata}
        return _page_to_json(
            search_pages.later_page(call, knowledge_store_id, body.page_token, changed)
        )
    kinds, ids = _scope(body.filter)
    modalities = _modalities(body, kinds)
    wanted = ItemSearch(
        body.query.text, kinds, ids, modalities,
        GroupBy.ASSET if body.group_by == "item" else GroupBy.MOMENT, body.page_size,
    )  # fmt: skip
    options = {
        "metadata": bool(body.include_metadata),
        "effective": {"video": {"modalities": modalities}} if "video" in kinds else {},
    }
    return _page_to_json(search_pages.first_page(call, knowledge_store_id, wanted, options))


def _scope(filter: ItemFilter | None) -> tuple[set[AssetType], set[str] | None]:
    """Which types of items, and which items (``None`` for all), a filter leaves."""
    kinds: set[AssetType] = {"video", "image"}
    ids = None
    if filter is not None and filter.asset_type is not None:
        kinds = set(_one_of("asset_type", filter.asset_type))
    if filter is not None and filter.item_id is not None:
        ids = set(_one_of("item_id", filter.item_id))
    return kinds, ids


def _one_of(name: str, filter: TypeFilter | IdFilter) -> Sequence[Any]:
    if (filter.eq is None) == (filter.in_ is None):
        raise invalid_parameter(f"filter.{name} takes exactly one of eq and in.")
    return [filter.eq] if filter.in_ is None else filter.in_


def _modalities(body: KnowledgeSearchRequest, kinds: Collection[AssetType]) -> list[str]:
    given = None if body.search_options is None else body.search_options.video
    if given is None:
        return ["visual"]
    if "video" not in kinds:
        raise invalid_parameter("search_options.video: the filter leaves no videos to search.")
    return list(dict.fromkeys(given.modalities))


# -- showing --------------------------------------------------------------------------------------


def _page_to_json(page: ItemPage) -> dict[str, Any]:
    """A page as v1.3 shows it."""
    row: dict[str, Any] = {
        "data": [_hit_to_json(hit, metadata=page.options["metadata"]) for hit in page.hits],
        "effective_search_options": page.options["effective"],
    }
    if page.next_token is not None:
        row["next_page_token"] = page.next_token
    return row


def _hit_to_json(hit: ItemHit, *, metadata: bool) -> dict[str, Any]:
    video = hit.video
    is_video = video.item_type == "video"
    return {
        "asset_type": video.item_type,
        "rank": hit.rank,
        "item_id": video.item_id,
        "metadata": _metadata(video) if metadata else None,
        "matches": [_clip_to_json(clip) for clip in hit.clips] if is_video else None,
    }


def _clip_to_json(clip: ItemClip) -> dict[str, Any]:
    return {
        "start_sec": float(clip.span.start),
        "end_sec": float(clip.span.end),
        "modalities": list(clip.modalities),
        "transcription": clip.transcript or None,
    }


def _metadata(video: Video) -> dict[str, Any]:
    names = ["width", "height", "size"]
    if video.item_type == "video":
        names.append("duration")
    return {
        "system": {name: getattr(video.asset, name) for name in names},
        "user": dict(video.metadata),
    }
