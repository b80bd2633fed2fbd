"""Saved searches: run on every new video of an index; webhooks are notified of matches."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from videlicet.errors import NotFound
from videlicet.rights import Purpose
from videlicet.saved_searches.records import match_of, save_search, saved_search_of
from videlicet.services.media import MediaSource, open_media
from videlicet.services.problems import unknown
from videlicet.services.search import MAX_MEDIA_SIZE
from videlicet.types import Kind, Modality, Query, QueryPart

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.services.search import SearchRequest
    from videlicet.types import Index, Match, SavedSearch


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
            filter=request.filter,
            threshold=request.threshold,
            lanes=frozenset(request.lanes),
        )
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
    return [saved_search_of(row) for row in rows], total


def get_saved_search(caller: Caller, saved_search_id: str) -> SavedSearch:
    """A saved search of the caller's.

    Raises:
        NotFound: ``resource_not_found``.
    """
    try:
        return saved_search_of(
            caller.catalog.resource(caller.manage, Kind.SAVED_SEARCH, saved_search_id)
        )
    except NotFound:
        raise unknown("saved search", saved_search_id) from None


def delete_saved_search(caller: Caller, saved_search_id: str) -> None:
    """Delete a saved search, its matches and its pending deliveries.

    Raises:
        NotFound: ``resource_not_found``.
    """
    caller.store.delete_saved_search(caller.manage, get_saved_search(caller, saved_search_id).id)


def list_matches(
    caller: Caller, saved_search_id: str, *, offset: int = 0, limit: int | None = None
) -> tuple[list[Match], int]:
    """A page of the matches of a saved search, newest first, and how many there are in all.

    Raises:
        NotFound: ``resource_not_found``.
    """
    found = get_saved_search(caller, saved_search_id)
    rows, total = caller.catalog.find_resources(
        caller.manage, Kind.MATCH, parent=found.id, offset=offset, limit=limit
    )
    return [match_of(row) for row in rows], total
