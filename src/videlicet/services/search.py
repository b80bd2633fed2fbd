"""Search by words, pictures, sounds and clips, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from videlicet.rights import Purpose
from videlicet.search.compose import modality_named
from videlicet.search.lanes import lane_names
from videlicet.search.paging import fingerprint, page_token
from videlicet.services import filters, search_cursors
from videlicet.services.indexes import get_index
from videlicet.services.indexing import to_asset_ids, videos_of
from videlicet.services.media import MediaSource, open_media
from videlicet.services.problems import invalid
from videlicet.types import GroupBy, PartKind, Query, QueryPart

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.types import Index, Resource, SearchPage, Video

#: Marks the stored searches of this form.
FORM = "1 assets"
#: Bytes of the largest picture, sound or clip that is fetched for a query.
MAX_MEDIA_SIZE = 512 * 1024**2


@dataclass(frozen=True, slots=True)
class RequestPart:
    """One thing to search for: a text, or media of one kind."""

    kind: PartKind
    value: str | MediaSource
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search, perhaps of some videos only."""

    parts: Sequence[RequestPart]
    modalities: Sequence[str] = ()
    lanes: Sequence[str] = ()
    #: The library's own grammar; its field ``id`` is that of videos.
    filter: Mapping[str, Any] = field(default_factory=dict)
    videos: Sequence[str] | None = None
    threshold: float | None = None
    group_by: Literal["moment", "video"] = "moment"
    limit: int = 10


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page of hits, with the video of each hit's asset, by the asset's id."""

    page: SearchPage
    videos: Mapping[str, Video]
    next_token: str | None
    previous_token: str | None
    expires_at: datetime | None


def search(caller: Caller, index: Index, request: SearchRequest) -> FoundPage:
    """The first page of a search.

    Raises:
        InvalidInput: ``invalid_argument``, or what is wrong with media.
        InvalidQuery: the query cannot be run.
    """
    if strange := set(request.lanes) - set(lane_names()):
        raise invalid(f"lanes: there is no lane {min(strange)!r}.")
    settings: dict[str, Any] = {
        "index_id": index.id,
        "modalities": list(request.modalities),
        "lanes": list(request.lanes),
        "filter": filters.of_assets(caller, index, request.filter),
        "assets": _assets(caller, index, request.videos),
        "threshold": request.threshold,
        "group_by": request.group_by,
        "limit": request.limit,
        "parts": [_stored_part(part) for part in request.parts],
    }
    with ExitStack() as stack:
        sources = [
            part.value
            if isinstance(part.value, str)
            else stack.enter_context(open_media(caller, part.value, MAX_MEDIA_SIZE))
            for part in request.parts
        ]
        return _page(caller, index, settings, sources, 1, None)


def search_page(caller: Caller, token: str, index_id: str | None = None) -> FoundPage:
    """Another page of a search; of one index only, if given.

    Raises:
        InvalidInput: ``page_token_invalid`` or ``invalid_argument``.
        NotFound: ``index_not_found``.
    """
    stored, number = search_cursors.load(caller, FORM, token)
    settings = stored.body["settings"]
    index = get_index(caller, settings["index_id"])
    if index_id not in (None, index.id):
        raise invalid("The page token belongs to a search of another index.")
    media = iter(search_cursors.media_of(caller, stored))
    with ExitStack() as stack:
        sources = [_source(caller, stack, part, media) for part in settings["parts"]]
        return _page(caller, index, settings, sources, number, stored)


def query_of(settings: Mapping[str, Any], sources: Sequence[str | bytes | Path]) -> Query:
    """The query of stored settings over the media of their parts."""
    return Query(
        parts=tuple(
            QueryPart(PartKind(part["kind"]), source, part["weight"])
            for part, source in zip(settings["parts"], sources, strict=True)
        ),
        modalities=frozenset(map(modality_named, settings["modalities"])),
        filter=settings["filter"],
        asset_ids=None if settings["assets"] is None else tuple(settings["assets"]),
        threshold=settings["threshold"],
        group_by=GroupBy.ASSET if settings["group_by"] == "video" else GroupBy.MOMENT,
        page_size=int(settings["limit"]),
        lanes=frozenset(settings["lanes"]),
    )


def _assets(caller: Caller, index: Index, videos: Sequence[str] | None) -> list[str] | None:
    return None if videos is None else to_asset_ids(caller, index, videos)


def _stored_part(part: RequestPart) -> dict[str, Any]:
    """A part for later pages. Media that came with the request are stored beside it; an asset is
    stored already."""
    common = {"kind": part.kind.value, "weight": part.weight}
    if isinstance(part.value, str):
        return {**common, "text": part.value}
    return {**common, "asset_id": part.value.asset_id}


def _source(
    caller: Caller, stack: ExitStack, part: Mapping[str, Any], media: Iterator[Path]
) -> str | bytes | Path:
    """What a part of a stored search is made of."""
    if part["kind"] == PartKind.TEXT:
        return str(part["text"])
    if part["asset_id"] is None:
        return next(media)
    source = MediaSource(asset_id=part["asset_id"], name=f"parts.{part['kind']}")
    return stack.enter_context(open_media(caller, source))


def _page(
    caller: Caller,
    index: Index,
    settings: Mapping[str, Any],
    sources: Sequence[str | bytes | Path],
    number: int,
    stored: Resource | None,
) -> FoundPage:
    scope = caller.scope(Purpose.SEARCH, index.id)
    query = query_of(settings, sources)
    if number > 1:
        mark = fingerprint(index.id, query)
        query = replace(query, page_token=page_token(mark, (number - 1) * query.page_size))
    found = caller.platform.searcher(index).search(scope, query)
    if stored is None and found.next_page is not None:
        sent = [
            source
            for part, source in zip(settings["parts"], sources, strict=True)
            if not isinstance(source, str) and part["asset_id"] is None
        ]
        stored = search_cursors.store(caller, FORM, settings, sent)
    videos = videos_of(caller, index, {hit.asset_id for hit in found.hits})
    more = stored is not None and found.next_page is not None
    return FoundPage(
        # Without those that have been deleted since they were found.
        page=replace(found, hits=tuple(hit for hit in found.hits if hit.asset_id in videos)),
        videos=videos,
        next_token=search_cursors.token(stored, number + 1) if stored and more else None,
        previous_token=search_cursors.token(stored, number - 1) if stored and number > 1 else None,
        expires_at=None if stored is None else stored.expires_at,
    )
