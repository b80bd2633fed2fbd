"""What videos contain, and answers that cite their seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import Query, Response

from videlicet.analyze.backend import AnalysisBackend
from videlicet.analyze.backends import analysis_backend
from videlicet.analyze.evidence.load import AssetEvidence, load_evidence
from videlicet.analyze.evidence.select_assets import promising
from videlicet.analyze.query_checks import check_length, check_question
from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import ApiError, invalid
from videlicet.api.routing import router_for
from videlicet.api.streaming import Check, run_cancellable, until_disconnect
from videlicet.api.v1 import analysis_schemas as schemas
from videlicet.ingest import videos
from videlicet.rights import Purpose
from videlicet.services.indexes import get_index
from videlicet.services.indexing import get_video
from videlicet.types import Index, Modality, Resource, Span, instant

router = router_for("analysis")

#: No limits in time.
_WHOLE = (None, None)
_PLACE = "/indexes/{index_id}/videos/{video_id}"


@router.post("/indexes/{index_id}/ask", response_model=schemas.Answer)
async def ask(call: Call, index_id: str, body: schemas.Ask) -> Any:
    """Answer a question from the videos of an index, or from some of them."""
    return await _apart(call, _ask, call, index_id, body)


def _ask(call: HttpCaller, index_id: str, body: schemas.Ask, check: Check) -> Any:
    check_question(body.question, call.settings)
    index = get_index(call, index_id)
    if body.videos is None:
        searcher = call.platform.searcher(index)
        chosen = promising(call.scope(Purpose.ANALYZE, index.id), searcher, body.question)
        materials = [_gathered(call, index, one) for one in chosen]
    else:
        materials = [_material(call, index, one) for one in body.videos]
    answer = _analyst(call, index, check).ask(materials, body.question)
    return _timed(answer.to_json(), materials)


@router.post("/indexes/{index_id}/extract", response_model=schemas.Answer)
async def extract(call: Call, index_id: str, body: schemas.Extract) -> Any:
    """Data of a JSON schema from videos, as ``value``: null or empty where there is no
    evidence."""
    return await _apart(call, _extract, call, index_id, body)


def _extract(call: HttpCaller, index_id: str, body: schemas.Extract, check: Check) -> Any:
    check_length(body.prompt, call.settings, "prompt")
    index = get_index(call, index_id)
    materials = [_material(call, index, one) for one in body.videos]
    answer = _analyst(call, index, check).extract(materials, body.json_schema, body.prompt)
    return _timed(answer.to_json(), materials)


@router.post("/indexes/{index_id}/compare", response_model=schemas.Comparison)
async def compare(call: Call, index_id: str, body: schemas.Compare) -> Any:
    """What two videos have in common, and what only one of them has."""
    return await _apart(call, _compare, call, index_id, body)


def _compare(call: HttpCaller, index_id: str, body: schemas.Compare, _: Check) -> Any:
    from videlicet.analyze.compare import compare as compared

    index = get_index(call, index_id)
    left, right = _material(call, index, body.left), _material(call, index, body.right)
    row = compared(left, right, body.count).to_json()
    pairs = [
        {
            **pair,
            "left": _timed(pair["left"], [left], left),
            "right": _timed(pair["right"], [right], right),
        }
        for pair in row.pop("pairs")
    ]
    return {**_timed(row, [left, right]), "pairs": pairs}


@router.get(f"{_PLACE}/gist", response_model=schemas.Gist)
async def gist(call: Call, index_id: str, video_id: str) -> Any:
    """Title, topics and hashtags of a video."""
    return await _apart(call, _of_one, call, index_id, video_id, _gist, _WHOLE)


def _gist(analyst: AnalysisBackend, material: AssetEvidence) -> Any:
    return _timed(analyst.gist(material).to_json(), [material])


@router.post(f"{_PLACE}/summary", response_model=schemas.Answer)
async def summary(call: Call, index_id: str, video_id: str, body: schemas.Summarize) -> Any:
    """What is in a video, in so many sentences."""
    if body.end is not None and body.end <= (body.start or 0.0):
        raise invalid("end must be after start.")
    check_length(body.focus, call.settings, "focus")
    return await _apart(
        call, _of_one, call, index_id, video_id, partial(_summary, body), (body.start, body.end)
    )


def _summary(body: schemas.Summarize, analyst: AnalysisBackend, material: AssetEvidence) -> Any:
    found = analyst.summarize([material], sentences=body.sentences, focus=body.focus)
    return _timed(found.to_json(), [material])


@router.get(f"{_PLACE}/chapters", response_model=schemas.Chapters)
async def chapters(
    call: Call,
    index_id: str,
    video_id: str,
    count: Annotated[int | None, Query(ge=1, le=1000)] = None,
) -> Any:
    """The parts of a video, titled, without gaps."""
    return await _apart(call, _of_one, call, index_id, video_id, partial(_chapters, count), _WHOLE)


def _chapters(count: int | None, analyst: AnalysisBackend, material: AssetEvidence) -> Any:
    found = analyst.chapters(material, count=count)
    return {"chapters": [_timed(one.to_json(), [material], material) for one in found]}


@router.get(f"{_PLACE}/highlights", response_model=schemas.Highlights)
async def highlights(
    call: Call,
    index_id: str,
    video_id: str,
    count: Annotated[int, Query(ge=1, le=200)] = 5,
    query: Annotated[str | None, Query(min_length=1, pattern=r"^[^\x00]*$")] = None,
) -> Any:
    """The stretches of a video that stand out, or have most to do with ``query``, best first."""
    check_length(query, call.settings, "query")
    work = partial(_highlights, count, query)
    return await _apart(call, _of_one, call, index_id, video_id, work, _WHOLE)


def _highlights(
    count: int, query: str | None, analyst: AnalysisBackend, material: AssetEvidence
) -> Any:
    found = analyst.highlights(material, count=count, query=query)
    return {"highlights": [_timed(one.to_json(), [material], material) for one in found]}


@router.get(
    f"{_PLACE}/subtitles",
    response_class=Response,
    responses={200: {"content": {"text/vtt": {}, "application/x-subrip": {}}}},
)
def subtitles(
    call: Call, index_id: str, video_id: str, form: Literal["vtt", "srt"] = "vtt"
) -> Response:
    """What is said in a video, as subtitles."""
    from videlicet.analyze.exports.exporter import SubtitleExport
    from videlicet.analyze.exports.registry import EXPORTERS, render
    from videlicet.analyze.exports.subtitles import spoken

    index = get_index(call, index_id)
    video = _ready(call, index, video_id)
    scope = call.scope(Purpose.ANALYZE, index.id)
    asset = call.catalog.asset(scope, video.id)
    seen = call.catalog.observations(scope, video.id, Modality.SPEECH)
    name = f"subtitles.{form}"
    content = render(name, SubtitleExport(asset, spoken(seen, asset.media.span.start)))
    return Response(content, media_type=EXPORTERS.get(name).media_type)


# -- what they share ----------------------------------------------------------------------------


async def _apart(call: HttpCaller, work: Callable[..., Any], *values: Any) -> Any:
    """Work in one of few threads: analyses must not take those that searches need. It ends when
    the client hangs up."""
    work = partial(work, *values)
    return await until_disconnect(
        call.receive, partial(run_cancellable, work, call.server.analysing)
    )


def _of_one(
    call: HttpCaller,
    index_id: str,
    video_id: str,
    work: Callable[[AnalysisBackend, AssetEvidence], Any],
    times: tuple[float | None, float | None],
    check: Check,
) -> Any:
    index = get_index(call, index_id)
    return work(_analyst(call, index, check), _material(call, index, video_id, *times))


def _analyst(call: HttpCaller, index: Index, check: Check) -> AnalysisBackend:
    encoder = call.platform.encoders(index.cards).text
    return analysis_backend(call.scope(Purpose.ANALYZE), call.store, call.settings, encoder, check)


def _ready(call: HttpCaller, index: Index, video_id: str) -> Resource:
    video = get_video(call, index, video_id)
    if video.status != videos.READY:
        raise ApiError(409, "resource_conflict", f"The video {video_id} is {video.status}.")
    return video


def _material(
    call: HttpCaller,
    index: Index,
    video_id: str,
    start: float | None = None,
    end: float | None = None,
) -> AssetEvidence:
    video = _ready(call, index, video_id)
    if start is None and end is None:
        return _gathered(call, index, video.id)
    scope = call.scope(Purpose.ANALYZE, index.id)
    whole = call.catalog.asset(scope, video.id).media.span
    first = whole.start + instant(start or 0.0)
    last = whole.end if end is None else whole.start + instant(end)
    if first >= min(last, whole.end):
        raise invalid("The video ends before start.")
    return load_evidence(scope, call.store, video.id, Span(first, min(last, whole.end)))


def _gathered(call: HttpCaller, index: Index, asset_id: str) -> AssetEvidence:
    return load_evidence(call.scope(Purpose.ANALYZE, index.id), call.store, asset_id)


def _timed(value: Any, materials: Sequence[AssetEvidence], own: AssetEvidence | None = None) -> Any:
    """What an analyst said, with times from the start of each video: citations are those of their
    own videos, other times those of ``own``."""
    begins = {one.asset.id: float(one.asset.media.span.start) for one in materials}
    begin = None if own is None else float(own.asset.media.span.start)
    return _moved(value, begins, begin)


def _moved(value: Any, begins: Mapping[str, float], begin: float | None) -> Any:
    if isinstance(value, list | tuple):
        return [_moved(one, begins, begin) for one in value]
    if not isinstance(value, dict):
        return value
    by = begins.get(value["asset_id"]) if "asset_id" in value else begin
    # The value of a schema is in the form of whoever asked, and its times are told already.
    row = {key: one if key == "value" else _moved(one, begins, begin) for key, one in value.items()}
    if by is not None and "start" in row and "end" in row:
        row |= {name: round(row[name] - by, 6) for name in ("start", "end")}
    if "asset_id" in row:
        row["video_id"] = row.pop("asset_id")
    return row
