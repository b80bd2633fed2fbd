"""What the models said, what an index holds, and the models themselves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from videlicet.api.caller import Call
from videlicet.api.routing import V1, router_for
from videlicet.api.v1.schemas import CardList, IndexStatisticsOut, ObservationPage
from videlicet.models.base import File
from videlicet.models.cards import all_cards
from videlicet.models.registry import missing
from videlicet.search.modality_field import ModalityName
from videlicet.services import observations as observed
from videlicet.services.indexes import get_index, index_statistics
from videlicet.services.indexing import get_video
from videlicet.types import Modality as Kinds
from videlicet.types import PartKind
from videlicet.types.kinds import payload_to_json

router = router_for("looking", V1)

_MEDIA = {"image": PartKind.IMAGE, "audio": PartKind.AUDIO, "video": PartKind.VIDEO}


@router.get("/indexes/{index_id}/videos/{video_id}/observations", response_model=ObservationPage)
def observations(
    call: Call,
    index_id: str,
    video_id: str,
    modality: ModalityName | None = None,
    start: Annotated[float | None, Query(ge=0, le=1e6)] = None,
    end: Annotated[float | None, Query(ge=0, le=1e6)] = None,
) -> Any:
    """What the models say about a video, in the order of time; between two times, if given."""
    index = get_index(call, index_id)
    video = get_video(call, index, video_id)
    kind = None if modality is None else Kinds(modality)
    found = observed.observations_of(call, index, video, kind, start=start, end=end)
    return {
        "observations": [
            {
                "id": one.id,
                "modality": one.modality.value,
                "card": one.card,
                "start": float(one.span.start - found.origin),
                "end": float(one.span.end - found.origin),
                "payload": payload_to_json(one.payload),
            }
            for one in found.rows
        ]
    }


@router.get("/indexes/{index_id}/statistics", response_model=IndexStatisticsOut)
def statistics(call: Call, index_id: str) -> Any:
    """How much an index holds, and how good its approximate searches were measured to be."""
    found = index_statistics(call, index_id)
    return {"texts": found.texts, "vectors": found.vectors}


@router.get("/models", response_model=CardList, response_model_exclude_none=True)
def models(call: Call) -> Any:
    """The models there are: licences, limits, and whether their weights are here."""
    absent = {card.id for card in missing(call.settings, all_cards())}
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
            for card in all_cards()
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
