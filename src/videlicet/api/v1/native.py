"""Any-to-any search with evidence, and what the models said: what v1.3 has no word for."""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query

from videlicet.api.errors import invalid
from videlicet.api.v1.schemas import (
    Cards,
    Found,
    Modality,
    Observations,
    Part,
    Search,
    Statistics,
)
from videlicet.api.v1_3.common import Call, Caller, router_for
from videlicet.api.v1_3.indexes import index_of
from videlicet.api.v1_3.media_sources import opened
from videlicet.api.v1_3.video_records import video_of
from videlicet.models.cards import CARDS
from videlicet.models.registry import missing
from videlicet.rights import Purpose
from videlicet.search.lanes import LANES
from videlicet.types import GroupBy, Hit, Kind, PartKind, QueryPart, Span, instant
from videlicet.types import Modality as Kinds
from videlicet.types import Query as Asked
from videlicet.types.observation import payload_to_json

router = router_for("native")

_MEDIA = {"image": PartKind.IMAGE, "audio": PartKind.AUDIO, "video": PartKind.VIDEO}


@router.post("/indexes/{index_id}/search", response_model=Found, response_model_exclude_none=True)
def search(call: Call, index_id: str, body: Search) -> Any:
    """Find moments by words, pictures, sounds and clips, alone or together. Later pages are had by
    the same body with ``page``."""
    index = index_of(call, index_id)
    if strange := set(body.lanes) - {lane.name for lane in LANES}:
        raise invalid(f"lanes: there is no lane {min(strange)!r}.")
    with ExitStack() as held:
        query = Asked(
            parts=tuple(_part(call, held, part) for part in body.parts),
            modalities=frozenset(Kinds(one) for one in body.modalities),
            filter=body.filter,
            asset_ids=None if body.videos is None else tuple(body.videos),
            threshold=body.threshold,
            group_by=GroupBy.ASSET if body.group_by == "video" else GroupBy.MOMENT,
            page_size=body.limit,
            page_token=body.page,
            lanes=frozenset(body.lanes),
        )
        found = call.service.searcher(index).search(call.grant(Purpose.SEARCH), index, query)
    grant = call.grant(Purpose.SEARCH)
    ids = {hit.asset_id for hit in found.hits}
    files = {
        row.id: str(row.body["file_id"])
        for row in call.catalog.find_resources(grant, Kind.VIDEO, ids=ids)[0]
    }
    starts = {id: call.catalog.asset(grant, id).media.span.start for id in ids}
    return {
        "hits": [_hit(call, hit, starts, files) for hit in found.hits],
        "total": found.total,
        "next_page": found.next_page,
        "cards": list(found.cards),
        "exact": found.exact,
    }


@router.get("/indexes/{index_id}/videos/{video_id}/observations", response_model=Observations)
def observations(
    call: Call,
    index_id: str,
    video_id: str,
    modality: Modality | None = None,
    start: Annotated[float | None, Query(ge=0, le=1e6)] = None,
    end: Annotated[float | None, Query(ge=0, le=1e6)] = None,
) -> Any:
    """What the models say about a video, in the order of time; between two times, if given."""
    index = index_of(call, index_id)
    video = video_of(call, index, video_id)
    if video.status != "ready":
        return {"observations": []}
    grant = call.grant(Purpose.ANALYZE)
    whole = call.catalog.asset(grant, video.id).media.span
    within = None
    if start is not None or end is not None:
        first = whole.start + instant(start or 0.0)
        last = whole.end if end is None else whole.start + instant(end)
        if last < first:
            raise invalid("end must not be before start.")
        within = Span(first, last)
    kind = None if modality is None else Kinds(modality)
    rows = call.catalog.observations(grant, index.id, video.id, kind, within)
    return {
        "observations": [
            {
                "id": one.id,
                "modality": one.modality.value,
                "card": one.card,
                "start": float(one.span.start - whole.start),
                "end": float(one.span.end - whole.start),
                "payload": payload_to_json(one.payload),
            }
            for one in rows
        ]
    }


@router.get("/indexes/{index_id}/statistics", response_model=Statistics)
def statistics(call: Call, index_id: str) -> Any:
    """How much an index holds, and how good its approximate searches were measured to be."""
    index = index_of(call, index_id)
    grant = call.manage
    return {
        "texts": call.store.texts.statistics(grant, index.id),
        "vectors": call.store.vectors.statistics(grant, index.id),
    }


@router.get("/models", response_model=Cards, response_model_exclude_none=True)
def models(call: Call) -> Any:
    """The models there are: licences, limits, and whether their weights are here."""
    absent = {card.id for card in missing(call.settings, CARDS)}
    return {
        "models": [
            {
                "id": card.id,
                "role": card.role,
                "title": card.title,
                "licence": card.licence,
                "homepage": card.homepage,
                "languages": list(card.languages),
                "dimensions": card.dimensions,
                "limits": card.limits,
                "default": card.default,
                "present": card.id not in absent,
            }
            for card in CARDS
        ]
    }


def _part(call: Caller, held: ExitStack, part: Part) -> QueryPart:
    given = [name for name in ("text", *_MEDIA) if getattr(part, name) is not None]
    if len(given) != 1:
        raise invalid("parts: each part has exactly one of text, image, audio and video.")
    name = given[0]
    if name == "text":
        return QueryPart(PartKind.TEXT, part.text or "", part.weight)
    given_source = getattr(part, name)
    source = held.enter_context(opened(call, given_source, f"parts.{name}"))
    if given_source.url and isinstance(source, Path):
        # A page token knows media by their bytes; where they were downloaded to is chance.
        source = source.read_bytes()
    return QueryPart(_MEDIA[name], source, part.weight)


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
