"""Saved searches: saved once, tried against every new video of an index."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from videlicet.api.caller import Call
from videlicet.api.parameters import Pages, format_time
from videlicet.api.routing import router_for
from videlicet.api.schemas import Page
from videlicet.api.v1.schemas import MatchOut, NewQuery, QueryOut
from videlicet.api.v1.search import part_of
from videlicet.saved_searches.records import match_event
from videlicet.services import saved_searches
from videlicet.services.indexes import get_index
from videlicet.services.saved_searches import VideoMatch
from videlicet.services.search import SearchRequest
from videlicet.types import SavedQuery

router = router_for("queries")


@router.post("/queries", status_code=201, response_model=QueryOut, response_model_exclude_none=True)
def create(call: Call, body: NewQuery) -> Any:
    """Save a query. Each video of the index that becomes ready from now on is searched with it, and
    what matches is told to webhooks as ``query.matched``, once for each query and video."""
    index = get_index(call, body.index_id)
    request = SearchRequest(
        [part_of(one) for one in body.parts], modalities=body.modalities, lanes=body.lanes,
        filter=body.filter, threshold=body.threshold,
    )  # fmt: skip
    made = saved_searches.create_saved_search(
        call, index, body.name, request, include_existing=body.include_existing
    )
    return saved_search_row(made)


@router.get("/queries", response_model=Page[QueryOut], response_model_exclude_none=True)
def find(call: Call, pages: Pages, index_id: str | None = None) -> Any:
    """List saved searches, newest first; of one index, if given."""
    rows, total = saved_searches.list_saved_searches(
        call, index_id, offset=pages.offset, limit=pages.limit
    )
    return pages.response([saved_search_row(row) for row in rows], total)


@router.get("/queries/{query_id}", response_model=QueryOut, response_model_exclude_none=True)
def retrieve(call: Call, query_id: str) -> Any:
    """Look at one saved search."""
    return saved_search_row(saved_searches.get_saved_search(call, query_id))


@router.delete("/queries/{query_id}", response_class=Response)
def delete(call: Call, query_id: str) -> Response:
    """Delete a saved search with its matches; what was not delivered yet no longer is."""
    saved_searches.delete_saved_search(call, query_id)
    return Response(status_code=200)


@router.get(
    "/queries/{query_id}/matches", response_model=Page[MatchOut], response_model_exclude_none=True
)
def matches(call: Call, pages: Pages, query_id: str) -> Any:
    """What a saved search has found, newest first: a video each, with its moments."""
    found, total = saved_searches.list_matches(
        call, query_id, offset=pages.offset, limit=pages.limit
    )
    return pages.response([_match(one) for one in found], total)


def saved_search_row(one: SavedQuery) -> dict[str, Any]:
    """A saved search without the media that came with it."""
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
        "query_id": one.match.query_id,
        "created_at": format_time(one.match.created_at),
    }
