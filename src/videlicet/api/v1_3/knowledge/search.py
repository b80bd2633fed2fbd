"""Search in a knowledge store: over its videos and pictures together."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import ApiError, invalid_parameter
from videlicet.api.routing import router_for
from videlicet.api.schemas import Problem
from videlicet.api.v1_3.knowledge.hits import (
    FORM,
    RankedHit,
    hit_rows,
    pack_hits,
    rank_hits,
    unpack_hits,
)
from videlicet.api.v1_3.knowledge.schemas import (
    AssetType,
    Filter,
    Found,
    IdFilter,
    Search,
    TypeFilter,
)
from videlicet.services import search_cursors
from videlicet.services.knowledge.items import items_of
from videlicet.services.knowledge.search import rank_items
from videlicet.services.knowledge.stores import get_store, store_index
from videlicet.types import GroupBy, Index, Resource

router = router_for("knowledge stores")

#: A token of a kept search, and when it ceases to be good: one that has is told from junk even
#: when the search is gone.
_TOKEN = re.compile(r"([0-9a-f-]{1,40})\.([0-9a-f]{1,11})")


@router.post(
    "/knowledge-stores/{knowledge_store_id}/search",
    response_model=Found,
    response_model_exclude_none=True,
    responses={410: {"model": Problem, "description": "The page token has expired."}},
)
def search(call: Call, knowledge_store_id: str, body: Search) -> Any:
    """Find moments of videos, and pictures, by words. Later pages are cut from the same list."""
    store = get_store(call, knowledge_store_id)
    index = store_index(call, store)
    if body.page_token is not None:
        found, number = _load_search(call, body.page_token)
        settings = found.body["settings"]
        if settings["index_id"] != index.id:
            raise invalid_parameter("page_token belongs to another knowledge store.")
        if body.include_metadata is not None:
            settings = {**settings, "metadata": body.include_metadata}
        return _page(call, index, settings, unpack_hits(settings["hits"]), number, found)
    kinds, ids = _scope(body.filter)
    modalities = _modalities(body, kinds)
    group = GroupBy.ASSET if body.group_by == "item" else GroupBy.MOMENT
    rows = [
        row for row in items_of(call, index, ids, ready=True) if row.body["asset_type"] in kinds
    ]
    settings = {
        "index_id": index.id,
        "limit": body.page_size,
        "metadata": bool(body.include_metadata),
        "options": {"video": {"modalities": modalities}} if "video" in kinds else {},
    }
    hits = rank_hits(*rank_items(call, index, body.query.text, rows, modalities, group))
    again = None
    if len(hits) > body.page_size:
        again = search_cursors.store(call, FORM, {**settings, "hits": pack_hits(hits)}, [])
    return _page(call, index, settings, hits, 1, again)


def _scope(filter: Filter | None) -> tuple[set[AssetType], set[str] | None]:
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


def _modalities(body: Search, kinds: Collection[AssetType]) -> list[str]:
    given = None if body.search_options is None else body.search_options.video
    if given is None:
        return ["visual"]
    if "video" not in kinds:
        raise invalid_parameter("search_options.video: the filter leaves no videos to search.")
    return list(dict.fromkeys(given.modalities))


def _token(again: Resource, number: int) -> str:
    assert again.expires_at is not None
    return f"{search_cursors.token(again, number)}.{int(again.expires_at.timestamp()):x}"


def _load_search(call: HttpCaller, token: str) -> tuple[Resource, int]:
    matched = _TOKEN.fullmatch(token)
    if matched is None:
        raise invalid_parameter("page_token is not known.")
    late = ApiError(410, "page_token_expired", "page_token has expired; search again.")
    if int(matched[2], 16) < datetime.now(UTC).timestamp():
        raise late
    found, number = search_cursors.find(call, FORM, matched[1])
    if search_cursors.is_expired(found):
        raise late
    return found, number


def _page(
    call: HttpCaller,
    index: Index,
    settings: dict[str, Any],
    hits: Sequence[RankedHit],
    number: int,
    again: Resource | None,
) -> dict[str, Any]:
    limit = int(settings["limit"])
    last = max(1, -(-len(hits) // limit))
    if number > last:
        raise invalid_parameter("page_token is not known.")
    rows = hit_rows(call, index, hits[(number - 1) * limit : number * limit], settings["metadata"])
    # Clients stop at an empty page: one whose items were all deleted meanwhile is passed over.
    while not rows and number < last:
        number += 1
        rows = hit_rows(
            call, index, hits[(number - 1) * limit : number * limit], settings["metadata"]
        )
    found = {"data": rows, "effective_search_options": settings["options"]}
    if again is not None and number < last:
        found["next_page_token"] = _token(again, number + 1)
    return found
