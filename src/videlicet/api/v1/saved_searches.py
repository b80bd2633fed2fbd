"""Saved searches: they run on every new video of an index."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from videlicet.api.caller import Call
from videlicet.api.parameters import Pages, format_time
from videlicet.api.routing import V1, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1.schemas import MatchOut, NewSavedSearch, SavedSearchOut
from videlicet.api.v1.search import part_of
from videlicet.saved_searches.records import match_event
from videlicet.services import saved_searches
from videlicet.services.indexes import get_index
from videlicet.services.saved_searches import VideoMatch
from videlicet.services.search import SearchRequest
from videlicet.types import SavedSearch

router = router_for("saved-searches", V1)


@router.post(
    "/saved-searches",
    status_code=201,
    response_model=SavedSearchOut,
    response_model_exclude_none=True,
)
def create(call: Call, body: NewSavedSearch) -> Any:
    """Save a search. It runs on each video of the index that becomes ready from now on. Webhooks
    are notified of matches (``saved_search.matched``), once for each saved search and video."""
    index = get_index(call, body.index_id)
    request = SearchRequest(
        [part_of(one) for one in body.parts], modalities=body.modalities, lanes=body.lanes,
        filter=body.filter, threshold=body.threshold,
    )  # fmt: skip
    made = saved_searches.create_saved_search(
        call, index, body.name, request, include_existing=body.include_existing
    )
    return saved_search_row(made)


@router.get(
    "/saved-searches", response_model=Page[SavedSearchOut], response_model_exclude_none=True
)
def find(call: Call, pages: Pages, index_id: str | None = None) -> Any:
    """List saved searches, newest first; of one index, if given."""
    rows, total = saved_searches.list_saved_searches(
        call, index_id, offset=pages.offset, limit=pages.limit
    )
    return pages.response([saved_search_row(row) for row in rows], total)


@router.get(
    "/saved-searches/{saved_search_id}",
    response_model=SavedSearchOut,
    response_model_exclude_none=True,
)
def retrieve(call: Call, saved_search_id: str) -> Any:
    """Get a saved search."""
    return saved_search_row(saved_searches.get_saved_search(call, saved_search_id))


@router.delete("/saved-searches/{saved_search_id}", response_class=Response)
def delete(call: Call, saved_search_id: str) -> Response:
    """Delete a saved search, its matches and its pending deliveries."""
    saved_searches.delete_saved_search(call, saved_search_id)
    return Response(status_code=200)


@router.get(
    "/saved-searches/{saved_search_id}/matches",
    response_model=Page[MatchOut],
    response_model_exclude_none=True,
)
def matches(call: Call, pages: Pages, saved_search_id: str) -> Any:
    """List the matches of a saved search, newest first: one for each video, with its moments."""
    found, total = saved_searches.list_matches(
        call, saved_search_id, offset=pages.offset, limit=pages.limit
    )
    return pages.response([_match(one) for one in found], total)


def saved_search_row(one: SavedSearch) -> dict[str, Any]:
    """A saved search without its media."""
    return {
        "id": one.id,
        "name": one.name,
        "index_id": one.index_id,
        "parts": [
            {
                "kind": part.kind.value,
                "weight": part.weight,
                "text": part.text,
                "asset_id": part.asset_id,
            }
            for part in one.parts
        ],
        "modalities": sorted(one.modalities),
        "lanes": sorted(one.lanes),
        "filter": one.filter,
        "threshold": one.threshold,
        "include_existing": one.include_existing,
        "created_at": format_time(one.created_at),
        "error": one.error,
    }


def _match(one: VideoMatch) -> dict[str, Any]:
    row = match_event(one.match, one.video_id)
    return {
        **{name: row[name] for name in ("id", "index_id", "video_id", "name", "moments")},
        "saved_search_id": one.match.saved_search_id,
        "created_at": format_time(one.match.created_at),
    }
