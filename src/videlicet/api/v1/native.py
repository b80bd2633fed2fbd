"""What the models said, what an index holds, and the models themselves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from videlicet.api.errors import invalid
from videlicet.api.v1.schemas import (
    Cards,
    Modality,
    Observations,
    Statistics,
)
from videlicet.api.v1_3.common import Call, router_for
from videlicet.api.v1_3.indexes import index_of
from videlicet.api.v1_3.video_records import video_of
from videlicet.models.base import File
from videlicet.models.cards import CARDS
from videlicet.models.registry import missing
from videlicet.rights import Purpose
from videlicet.types import Modality as Kinds
from videlicet.types import PartKind, Span, instant
from videlicet.types.observation import payload_to_json

router = router_for("looking")

_MEDIA = {"image": PartKind.IMAGE, "audio": PartKind.AUDIO, "video": PartKind.VIDEO}


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
    scope = call.scope(Purpose.ANALYZE, index.id)
    whole = call.catalog.asset(scope, video.id).media.span
    within = None
    if start is not None or end is not None:
        first = whole.start + instant(start or 0.0)
        last = whole.end if end is None else whole.start + instant(end)
        if last < first:
            raise invalid("end must not be before start.")
        within = Span(first, last)
    kind = None if modality is None else Kinds(modality)
    rows = call.catalog.observations(scope, video.id, kind, within)
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
    scope = call.scope(Purpose.MANAGE, index.id)
    return {
        "texts": call.store.texts.statistics(scope),
        "vectors": call.store.vectors.statistics(scope),
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
                "needs": list(card.needs),
                "files": [_file(file) for file in card.files],
            }
            for card in CARDS
        ]
    }


def _file(file: File) -> dict[str, Any]:
    return {
        "name": file.name,
        "sha256": file.sha256,
        "size": file.size,
        "provenance": file.provenance,
        "sources": [
            {
                "kind": source.kind,
                "parts": [
                    {"package": part.package, "version": part.version, "member": part.member}
                    for part in source.parts
                ],
            }
            for source in file.sources
        ],
    }
