"""Documents of videos, by ours and by installed exporters."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Query, Response

from videlicet.analyze.exports.documents import Document
from videlicet.api.caller import Call, HttpCaller
from videlicet.api.registered import NameIn
from videlicet.api.routing import V1, router_for
from videlicet.api.streaming import Check, run_cancellable, until_disconnect
from videlicet.api.v1.analysis_schemas import ExporterList
from videlicet.exporters import EXPORTERS
from videlicet.search.modality_field import ModalityName
from videlicet.services.analysis.answers import require_ready_video
from videlicet.services.exports import export_document
from videlicet.services.indexes import get_index
from videlicet.types import Modality

router = router_for("exports", V1)


@router.get("/exporters", response_model=ExporterList)
def exporters(call: Call) -> Any:
    """The forms in which something can be exported, and the packages that add them."""
    rows = []
    for name in EXPORTERS.names():
        one = EXPORTERS.get(name)
        rows.append(
            {
                "name": name,
                "description": one.description,
                "media_type": one.media_type,
                "file_ending": one.file_ending,
                "package": EXPORTERS.package(name),
            }
        )
    return {"exporters": rows}


@router.get(
    "/indexes/{index_id}/videos/{video_id}/exports/{name}",
    response_class=Response,
    responses={200: {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def export(
    call: Call,
    index_id: str,
    video_id: str,
    name: Annotated[str, NameIn(EXPORTERS, without="matrix.")],
    modality: Annotated[ModalityName, Query(description="What subtitles are made of.")] = "speech",
) -> Response:
    """A document of a video by the name of an exporter: what is said as `subtitles.srt`, its
    chapters as `chapters.youtube`, its highlights as `cuts.otio`; `GET /v1/exporters` lists all."""
    work = partial(_document, call, index_id, video_id, name, Modality(modality))
    document = await until_disconnect(
        call.receive, partial(run_cancellable, work, call.server.analysis_limiter)
    )
    named = f"attachment; filename*=UTF-8''{quote(document.file_name)}"
    return Response(
        document.content,
        media_type=document.media_type,
        headers={"Content-Disposition": named},
    )


def _document(
    call: HttpCaller, index_id: str, video_id: str, name: str, modality: Modality, check: Check
) -> Document:
    index = get_index(call, index_id)
    video = require_ready_video(call, index, video_id)
    return export_document(call, index, video.asset_id, name, modality=modality, check=check)
