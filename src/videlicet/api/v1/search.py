"""Any-to-any search with evidence, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from videlicet.api.errors import invalid, missing
from videlicet.api.v1.schemas import Found, Part, Search
from videlicet.api.v1_3 import search_cursors
from videlicet.api.v1_3.common import Call, Caller, router_for, text_of
from videlicet.api.v1_3.indexes import index_of
from videlicet.api.v1_3.media_sources import opened
from videlicet.api.v1_3.schemas.media_sources import MediaSource
from videlicet.rights import Purpose
from videlicet.search.lanes import LANES
from videlicet.search.paging import fingerprint, page_token
from videlicet.types import GroupBy, Hit, Index, Kind, PartKind, Query, QueryPart, Resource
from videlicet.types import Modality as Kinds

router = router_for("search")

#: Marks the kept searches of this interface.
FORM = "1"
#: Largest picture, sound or clip that is fetched for a query, in bytes.
LARGEST = 512 * 1024**2

_MEDIA = ("image", "audio", "video")


@router.post("/indexes/{index_id}/search", response_model=Found, response_model_exclude_none=True)
def search(call: Call, index_id: str, body: Search) -> Any:
    """Find moments by words, pictures, sounds and clips, alone or together. ``next_page`` alone as
    ``page``, or at ``/search/{page_token}``, brings the next page for an hour."""
    index = index_of(call, index_id)
    if body.page is not None:
        if body.model_fields_set != {"page"}:
            raise invalid("page comes alone: the token holds the whole search.")
        return _later(call, body.page, index.id)
    if not body.parts:
        raise missing("parts")
    if strange := set(body.lanes) - {lane.name for lane in LANES}:
        raise invalid(f"lanes: there is no lane {min(strange)!r}.")
    settings = body.model_dump(exclude={"parts", "page"})
    with ExitStack() as held:
        parts = [given(part) for part in body.parts]
        sources = [
            value if isinstance(value, str)
            else held.enter_context(opened(call, value, f"parts.{kind}", LARGEST))
            for kind, value in parts
        ]  # fmt: skip
        settings["parts"] = [
            # What came along is kept beside; an asset is there already.
            {"kind": kind, "weight": part.weight, "asset_id": value.asset_id or None}
            if isinstance(value, MediaSource)
            else {"kind": kind, "weight": part.weight, "text": value}
            for (kind, value), part in zip(parts, body.parts, strict=True)
        ]
        settings["index_id"] = index.id
        return _page(call, index, settings, sources, 1, None)


@router.get("/search/{page_token}", response_model=Found, response_model_exclude_none=True)
def later(call: Call, page_token: str) -> Any:
    """Another page of a search."""
    return _later(call, page_token, None)


def _later(call: Caller, token: str, index_id: str | None) -> Any:
    found, number = search_cursors.recall(call, FORM, token)
    settings = found.body["settings"]
    index = index_of(call, settings["index_id"])
    if index_id not in (None, index.id):
        raise invalid("The page token belongs to a search of another index.")
    files = iter(search_cursors.media_of(call, found))
    with ExitStack() as held:
        sources = [_source(call, held, part, files) for part in settings["parts"]]
        return _page(call, index, settings, sources, number, found)


def given(part: Part) -> tuple[str, str | MediaSource]:
    """The one thing that a part names, with its kind."""
    names = [name for name in ("text", *_MEDIA) if getattr(part, name) is not None]
    if len(names) != 1:
        raise invalid("parts: each part has exactly one of text, image, audio and video.")
    value: str | MediaSource = getattr(part, names[0])
    return names[0], value


def _source(
    call: Caller, held: ExitStack, part: Mapping[str, Any], files: Iterator[Path]
) -> str | bytes | Path:
    """What a part of a kept search is made of."""
    if part["kind"] == "text":
        return str(part["text"])
    if part["asset_id"] is None:
        return next(files)
    source = MediaSource(asset_id=part["asset_id"])
    return held.enter_context(opened(call, source, f"parts.{part['kind']}"))


def _page(
    call: Caller,
    index: Index,
    settings: Mapping[str, Any],
    sources: Sequence[str | bytes | Path],
    number: int,
    again: Resource | None,
) -> dict[str, Any]:
    scope = call.scope(Purpose.SEARCH, index.id)
    limit = int(settings["limit"])
    query = Query(
        parts=tuple(
            QueryPart(PartKind(part["kind"]), source, part["weight"])
            for part, source in zip(settings["parts"], sources, strict=True)
        ),
        modalities=frozenset(Kinds(one) for one in settings["modalities"]),
        filter=settings["filter"],
        asset_ids=None if settings["videos"] is None else tuple(settings["videos"]),
        threshold=settings["threshold"],
        group_by=GroupBy.ASSET if settings["group_by"] == "video" else GroupBy.MOMENT,
        page_size=limit,
        lanes=frozenset(settings["lanes"]),
    )
    if number > 1:
        mark = fingerprint(index.id, query)
        query = replace(query, page_token=page_token(mark, (number - 1) * limit))
    found = call.service.searcher(index).search(scope, query)
    if again is None and found.next_page is not None:
        came = [
            source
            for part, source in zip(settings["parts"], sources, strict=True)
            if part["kind"] != "text" and part["asset_id"] is None and not isinstance(source, str)
        ]
        again = search_cursors.keep(call, FORM, settings, came)
    ids = {hit.asset_id for hit in found.hits}
    files = {
        row.id: str(row.body["file_id"])
        for row in call.catalog.find_resources(scope, Kind.VIDEO, ids=ids)[0]
    }
    starts = {id: call.catalog.asset(scope, id).media.span.start for id in ids}
    return {
        "hits": [_hit(call, hit, starts, files) for hit in found.hits],
        "total": found.total,
        "next_page": search_cursors.token(again, number + 1) if again and found.next_page else None,
        "prev_page": search_cursors.token(again, number - 1) if again and number > 1 else None,
        "page_expires_at": None if again is None else text_of(again.expires_at),
        "cards": list(found.cards),
        "exact": found.exact,
    }


def _hit(
    call: Caller, hit: Hit, starts: dict[str, Fraction], files: dict[str, str]
) -> dict[str, Any]:
    origin = starts[hit.asset_id]
    shown = next((e.frame for e in hit.evidence if e.frame is not None), hit.span.midpoint)
    file = files.get(hit.asset_id)
    path = f"/media/assets/{file}/frames/{round(1000 * (shown - origin))}.jpg"
    return {
        "video_id": hit.asset_id,
        "name": hit.asset_name,
        "start": float(hit.span.start - origin),
        "end": float(hit.span.end - origin),
        "score": hit.score,
        "rank": hit.rank,
        "thumbnail_url": None if file is None else call.address(path),
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
        "moments": [_hit(call, inner, starts, files) for inner in hit.moments],
    }
