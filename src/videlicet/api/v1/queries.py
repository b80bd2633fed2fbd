"""Standing queries: saved once, tried against every new video of an index."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from fastapi import Response

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import unknown
from videlicet.api.media_sources import opened
from videlicet.api.parameters import Pages, text_of
from videlicet.api.routing import router_for
from videlicet.api.schemas import Page
from videlicet.api.v1.schemas import MatchOut, NewQuery, QueryOut
from videlicet.api.v1.search import given
from videlicet.errors import NotFound
from videlicet.rights import Purpose
from videlicet.saved_searches.records import matched, news, save, saved
from videlicet.services.indexes import get_index
from videlicet.services.search import MAX_MEDIA_SIZE
from videlicet.types import Kind, Match, PartKind, Query, QueryPart, Resource
from videlicet.types import Modality as Kinds

router = router_for("queries")


@router.post("/queries", status_code=201, response_model=QueryOut, response_model_exclude_none=True)
def create(call: Call, body: NewQuery) -> Any:
    """Save a query. Each video of the index that becomes ready from now on is searched with it, and
    what matches is told to webhooks as ``query.matched``, once for each query and video."""
    index = get_index(call, body.index_id)
    parts, assets = [], {}
    with ExitStack() as held:
        for number, part in enumerate(body.parts):
            kind, source = given(part)
            value: Any = source
            if not isinstance(source, str):
                value = held.enter_context(opened(call, source, f"parts.{kind}", MAX_MEDIA_SIZE))
                if source.asset_id:
                    assets[number] = source.asset_id
            parts.append(QueryPart(PartKind(kind), value, part.weight))
        query = Query(
            parts=tuple(parts),
            modalities=frozenset(Kinds(one) for one in body.modalities),
            filter=body.filter,
            threshold=body.threshold,
            lanes=frozenset(body.lanes),
        )
        made = save(
            call.scope(Purpose.INDEX, index.id), call.store, call.platform.searcher(index),
            body.name, query, assets=assets, include_existing=body.include_existing,
        )  # fmt: skip
    call.platform.work.wake()
    return shown(made)


@router.get("/queries", response_model=Page[QueryOut], response_model_exclude_none=True)
def find(call: Call, pages: Pages, index_id: str | None = None) -> Any:
    """List standing queries, newest first; of one index, if given."""
    rows, total = call.catalog.find_resources(
        call.manage, Kind.QUERY, parent=index_id, offset=pages.offset, limit=pages.limit
    )
    return pages.of([shown(row) for row in rows], total)


@router.get("/queries/{query_id}", response_model=QueryOut, response_model_exclude_none=True)
def retrieve(call: Call, query_id: str) -> Any:
    """Look at one standing query."""
    return shown(query_of(call, query_id))


@router.delete("/queries/{query_id}", response_class=Response)
def delete(call: Call, query_id: str) -> Response:
    """Delete a standing query with its matches; what was not delivered yet no longer is."""
    call.store.delete_query(call.manage, query_of(call, query_id).id)
    return Response(status_code=200)


@router.get(
    "/queries/{query_id}/matches", response_model=Page[MatchOut], response_model_exclude_none=True
)
def matches(call: Call, pages: Pages, query_id: str) -> Any:
    """What a standing query has found, newest first: a video each, with its moments."""
    query = query_of(call, query_id)
    rows, total = call.catalog.find_resources(
        call.manage, Kind.MATCH, parent=query.id, offset=pages.offset, limit=pages.limit
    )
    return pages.of([_match(matched(row)) for row in rows], total)


def query_of(call: HttpCaller, query_id: str) -> Resource:
    """A standing query of the caller's."""
    try:
        return call.catalog.resource(call.manage, Kind.QUERY, query_id)
    except NotFound:
        raise unknown("query", query_id) from None


def shown(row: Resource) -> dict[str, Any]:
    """A standing query without the media that came with it."""
    one = saved(row)
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
        "created_at": text_of(one.created_at),
        "error": one.error,
    }


def _match(one: Match) -> dict[str, Any]:
    told = news(one)
    return {
        **{name: told[name] for name in ("id", "index_id", "video_id", "name", "moments")},
        "query_id": one.query_id,
        "created_at": text_of(one.created_at),
    }
