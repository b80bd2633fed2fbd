"""Saving searches, and reading them and their matches back.

A saved search is a resource under its index; its ``body`` holds ``parts`` (kind, weight, and
``text`` or ``asset_id``), ``media`` (how many parts are neither: their bytes are blobs, in order),
``modalities``, ``lanes``, ``filter``, ``threshold``, ``include_existing``, and the ``error`` of the
last failed run. A match is a resource under its saved search, named after its asset; its ``body``
holds ``index_id``, ``saved_search`` (its name), ``asset``, ``origin``, ``moments`` (see
:mod:`videlicet.types.saved_search`) and a ``seed`` for the ids of its deliveries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from videlicet.errors import InvalidInput, InvalidQuery, NotFound
from videlicet.search.lanes import lane_names
from videlicet.store.files import path_of_asset
from videlicet.types import (
    Kind,
    Match,
    Modality,
    PartKind,
    Query,
    QueryPart,
    Resource,
    SavedSearch,
    SavedSearchPart,
    derived_id,
    random_id,
)
from videlicet.types.saved_search import hit_from_json

if TYPE_CHECKING:
    from videlicet.rights import IndexScope, Scope
    from videlicet.search.engine import Searcher
    from videlicet.store import Store
    from videlicet.types import Index

#: States of a saved search, a run and a match.
ACTIVE, PROCESSING, FAILED, NEW, ANNOUNCED = "active", "processing", "failed", "found", "raised"
#: The default threshold of a match. On the development corpus (59 queries, 29 videos) 1.2 % of the
#: videos without the target score as much, and 70 % of those with it: an event interrupts somebody,
#: so precision comes first.
THRESHOLD = 0.5
#: Most saved searches of a tenant: all of an index run before a video is reported ready.
MAX_SAVED_SEARCHES = 100
#: Moments that a match holds.
MAX_MOMENTS = 10
MAX_NAME_LENGTH = 200


def save_search(
    scope: IndexScope,
    store: Store,
    searcher: Searcher,
    name: str,
    query: Query,
    *,
    assets: Mapping[int, str] | None = None,
    include_existing: bool = False,
) -> Resource:
    """Save a search of the scope's index. ``assets`` are the ids of the parts that are assets, by
    number; the media of other parts are stored with it. The caller wakes a worker.

    Raises:
        InvalidQuery: the index cannot be searched with it.
        InvalidInput: ``invalid_argument``, the name, or one saved search too many.
    """
    assets = assets or {}
    if not name.strip() or not name.isprintable() or len(name) > MAX_NAME_LENGTH:
        raise InvalidInput(
            "invalid_argument",
            f"The name of a saved search is 1 to {MAX_NAME_LENGTH} printable characters.",
            subject="name",
        )
    _, there = store.catalog.find_resources(scope, Kind.SAVED_SEARCH, limit=0)
    if there >= MAX_SAVED_SEARCHES:
        raise InvalidInput(
            "invalid_argument",
            f"There are {MAX_SAVED_SEARCHES} saved searches already.",
            subject="name",
        )
    if strange := query.lanes - set(lane_names()):
        raise InvalidQuery("filter_invalid", f"There is no lane {min(strange)!r}.", subject="lanes")
    if query.threshold is None:
        query = replace(query, threshold=THRESHOLD)
    # Whatever is wrong with it is wrong in an empty index too.
    searcher.search(scope, replace(query, asset_ids=(), page_token=None))
    came = [
        part.value
        for number, part in enumerate(query.parts)
        if part.kind is not PartKind.TEXT and number not in assets
    ]
    now = datetime.now(UTC)
    index = scope.index
    made = Resource(
        id=random_id(), kind=Kind.SAVED_SEARCH, tenant=index.tenant, created_at=now, updated_at=now,
        status=ACTIVE, parent=index.id, name=name,
        body={
            "parts": [
                {
                    "kind": part.kind.value,
                    "weight": part.weight,
                    "text": str(part.value) if part.kind is PartKind.TEXT else None,
                    "asset_id": assets.get(number),
                }
                for number, part in enumerate(query.parts)
            ],
            "media": len(came),
            "modalities": sorted(query.modalities),
            "lanes": sorted(query.lanes),
            "filter": dict(query.filter),
            "threshold": query.threshold,
            "include_existing": include_existing,
            "error": None,
        },
    )  # fmt: skip
    for number, media in enumerate(came):
        assert not isinstance(media, str)
        store.blobs.put(scope, media_key(made.id, number), media)
    store.catalog.put_saved_search(scope, made, pending_run(index, made.id, now))
    return made


def pending_run(index: Index, name: str, now: datetime) -> Resource:
    """A run that is due: of a new saved search, or of all of them on a new asset."""
    return Resource(
        id=derived_id("trial", index.id, name), kind=Kind.SAVED_SEARCH_RUN, tenant=index.tenant,
        created_at=now, updated_at=now, status=PROCESSING, parent=index.id, name=name,
        body={"attempts": 0},
    )  # fmt: skip


def media_key(saved_search_id: str, number: int) -> str:
    """The blob key of one of the media of a saved search."""
    return f"queries/{saved_search_id}/{number}"


def list_saved_searches(
    scope: Scope, store: Store, index_id: str | None = None
) -> list[SavedSearch]:
    """The saved searches of an index, or of all, newest first."""
    rows, _ = store.catalog.find_resources(scope, Kind.SAVED_SEARCH, parent=index_id)
    return [saved_search_of(row) for row in rows]


def get_saved_search(scope: Scope, store: Store, name: str) -> SavedSearch:
    """A saved search by id or by name.

    Raises:
        NotFound: ``resource_not_found``.
        InvalidInput: ``invalid_argument``, if several have the name.
    """
    try:
        return saved_search_of(store.catalog.resource(scope, Kind.SAVED_SEARCH, name))
    except NotFound:
        rows, _ = store.catalog.find_resources(scope, Kind.SAVED_SEARCH, name=name)
        if not rows:
            raise
    if len(rows) > 1:
        raise InvalidInput(
            "invalid_argument",
            f"{name} is " + " and ".join(row.id for row in rows[:5]),
            subject=name,
            remedy="Name one of them by its id.",
        )
    return saved_search_of(rows[0])


def list_matches(
    scope: Scope,
    store: Store,
    saved_search_id: str | None = None,
    *,
    offset: int = 0,
    limit: int | None = None,
) -> tuple[list[Match], int]:
    """The matches of a saved search, or of all, newest first; and how many there are."""
    rows, total = store.catalog.find_resources(
        scope, Kind.MATCH, parent=saved_search_id, offset=offset, limit=limit
    )
    return [match_of(row) for row in rows], total


def saved_search_of(row: Resource) -> SavedSearch:
    """A saved search as a record."""
    body = row.body
    return SavedSearch(
        id=row.id,
        name=row.name,
        index_id=row.parent,
        parts=tuple(
            SavedSearchPart(PartKind(one["kind"]), one["weight"], one["text"], one["asset_id"])
            for one in body["parts"]
        ),
        threshold=body["threshold"],
        created_at=row.created_at,
        modalities=frozenset(Modality(one) for one in body["modalities"]),
        lanes=frozenset(body["lanes"]),
        filter=body["filter"],
        include_existing=body["include_existing"],
        error=body["error"],
    )


def match_of(row: Resource) -> Match:
    """A match as a record."""
    body = row.body
    return Match(
        id=row.id,
        saved_search_id=row.parent,
        saved_search_name=body["saved_search"],
        index_id=body["index_id"],
        asset_id=row.name,
        asset_name=body["asset"],
        moments=tuple(
            hit_from_json(one, body["index_id"], row.name, body["asset"], rank)
            for rank, one in enumerate(body["moments"], 1)
        ),
        origin=Fraction(body["origin"]),
        created_at=row.created_at,
    )


def build_query(scope: Scope, store: Store, one: SavedSearch) -> Query:
    """The query of a saved search.

    Raises:
        InvalidQuery: ``query_media_invalid``, an asset that is part of it has gone.
    """
    came = 0
    parts = []
    for part in one.parts:
        value: Any = part.text
        if part.kind is not PartKind.TEXT and part.asset_id is None:
            value = store.blobs.path(scope, media_key(one.id, came))
            came += 1
        elif part.kind is not PartKind.TEXT:
            value = _asset(scope, store, part)
        parts.append(QueryPart(part.kind, value, part.weight))
    return Query(
        parts=tuple(parts),
        modalities=one.modalities,
        lanes=one.lanes,
        filter=one.filter,
        threshold=one.threshold,
        page_size=MAX_MOMENTS,
    )


def _asset(scope: Scope, store: Store, part: SavedSearchPart) -> Any:
    assert part.asset_id is not None
    try:
        asset = store.catalog.asset(scope, part.asset_id)
    except NotFound:
        raise InvalidQuery(
            "query_media_invalid",
            f"The asset {part.asset_id} that the saved search looks for was deleted.",
            subject=part.asset_id,
        ) from None
    return path_of_asset(scope, store, asset)


def match_event(match: Match, video_id: str) -> dict[str, Any]:
    """A match as the data of an event: times are seconds from the start of the file."""
    return {
        "id": match.id,
        "saved_search": {"id": match.saved_search_id, "name": match.saved_search_name},
        "index_id": match.index_id,
        "video_id": video_id,
        "name": match.asset_name,
        "moments": [
            {
                "start": float(hit.span.start - match.origin),
                "end": float(hit.span.end - match.origin),
                "score": hit.score,
                "evidence": [
                    {
                        "lane": one.lane,
                        "modality": one.modality.value,
                        "card": one.card,
                        "rank": one.rank,
                        "score": one.score,
                        "contribution": one.contribution,
                        "start": float(one.span.start - match.origin),
                        "end": float(one.span.end - match.origin),
                        "text": one.text,
                        "frame": None if one.frame is None else float(one.frame - match.origin),
                        "observation_id": one.observation_id,
                    }
                    for one in hit.evidence
                ],
            }
            for hit in match.moments
        ],
    }
