"""Saved searches: run on every new video of an index; webhooks are notified of matches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from videlicet.errors import NotFound
from videlicet.rights import Purpose
from videlicet.saved_searches.records import match_of, save_search, saved_search_of
from videlicet.services import filters
from videlicet.services.indexes import get_index
from videlicet.services.indexing import video_ids
from videlicet.services.media import MediaSource, open_media
from videlicet.services.problems import unknown
from videlicet.services.search import MAX_MEDIA_SIZE
from videlicet.types import Kind, Modality, Query, QueryPart

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.services.search import SearchRequest
    from videlicet.types import Index, Match, SavedSearch


@dataclass(frozen=True, slots=True)
class VideoMatch:
    """A match, and the id of the video that its asset is in the index."""

    match: Match
    video_id: str


def create_saved_search(
    caller: Caller,
    index: Index,
    name: str,
    request: SearchRequest,
    *,
    include_existing: bool = False,
) -> SavedSearch:
    """Save a search of an index. Media that are not assets are stored with it.

    Raises:
        InvalidQuery: the index could not be searched with it.
        InvalidInput: ``invalid_argument``, the name, or one saved search too many.
        NotFound: ``asset_not_found``.
    """
    parts: list[QueryPart] = []
    assets: dict[int, str] = {}
    with ExitStack() as opened:
        for number, part in enumerate(request.parts):
            value: Any = part.value
            if isinstance(part.value, MediaSource):
                value = opened.enter_context(open_media(caller, part.value, MAX_MEDIA_SIZE))
                if part.value.asset_id is not None:
                    assets[number] = part.value.asset_id
            parts.append(QueryPart(part.kind, value, part.weight))
        query = Query(
            parts=tuple(parts),
            modalities=frozenset(Modality(one) for one in request.modalities),
            filter=filters.of_assets(caller, index, request.filter),
            threshold=request.threshold,
            lanes=frozenset(request.lanes),
        )
        saved = save_query(
            caller, index, name, query, assets=assets, include_existing=include_existing
        )
    return _of_videos(caller, saved)


def save_query(
    caller: Caller,
    index: Index,
    name: str,
    query: Query,
    *,
    assets: Mapping[int, str] | None = None,
    include_existing: bool = False,
) -> SavedSearch:
    """Save a query of an index. ``assets`` are the ids of the assets that parts of it are, by
    number; the media of other parts are stored with it.

    Raises:
        InvalidQuery: the index could not be searched with it.
        InvalidInput: ``invalid_argument``, the name, or one saved search too many.
    """
    made = save_search(
        caller.scope(Purpose.INDEX, index.id), caller.store, caller.platform.searcher(index),
        name, query, assets=assets, include_existing=include_existing,
    )  # fmt: skip
    caller.platform.worker_client.notify()
    return saved_search_of(made)


def list_saved_searches(
    caller: Caller, index_id: str | None = None, *, offset: int = 0, limit: int | None = None
) -> tuple[list[SavedSearch], int]:
    """A page of saved searches, newest first, and how many there are in all; of one index, if
    given."""
    rows, total = caller.catalog.find_resources(
        caller.manage, Kind.SAVED_SEARCH, parent=index_id, offset=offset, limit=limit
    )
    return [_of_videos(caller, saved_search_of(row)) for row in rows], total


def get_saved_search(caller: Caller, saved_search_id: str) -> SavedSearch:
    """A saved search of the caller's.

    Raises:
        NotFound: ``resource_not_found``.
    """
    try:
        row = caller.catalog.resource(caller.manage, Kind.SAVED_SEARCH, saved_search_id)
    except NotFound:
        raise unknown("saved search", saved_search_id) from None
    return _of_videos(caller, saved_search_of(row))


def delete_saved_search(caller: Caller, saved_search_id: str) -> None:
    """Delete a saved search, its matches and its pending deliveries.

    Raises:
        NotFound: ``resource_not_found``.
    """
    caller.store.delete_saved_search(caller.manage, get_saved_search(caller, saved_search_id).id)


def list_matches(
    caller: Caller, saved_search_id: str, *, offset: int = 0, limit: int | None = None
) -> tuple[list[VideoMatch], int]:
    """A page of what a saved search has found, newest first, and how many matches there are.

    Raises:
        NotFound: ``resource_not_found``.
    """
    search = get_saved_search(caller, saved_search_id)
    rows, total = caller.catalog.find_resources(
        caller.manage, Kind.MATCH, parent=search.id, offset=offset, limit=limit
    )
    return _with_videos(caller, search, [match_of(row) for row in rows]), total


def _with_videos(caller: Caller, search: SavedSearch, matches: Sequence[Match]) -> list[VideoMatch]:
    """The matches whose videos have not just been deleted."""
    index = get_index(caller, search.index_id)
    ids = video_ids(caller, index, {one.asset_id for one in matches})
    return [VideoMatch(one, ids[one.asset_id]) for one in matches if one.asset_id in ids]


def _of_videos(caller: Caller, search: SavedSearch) -> SavedSearch:
    """A saved search whose filter names videos, as whoever saved it knows them."""
    if not (named := set(filters.ids_in(search.filter))):
        return search
    index = get_index(caller, search.index_id)
    known = video_ids(caller, index, named)
    return replace(search, filter=filters.replace_ids(search.filter, known))
