"""What videos contain, and answers that cite their seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import Query, Response

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.api.caller import Call, HttpCaller
from videlicet.api.routing import V1, router_for
from videlicet.api.streaming import Check, run_cancellable, until_disconnect
from videlicet.api.v1 import analysis_schemas as schemas
from videlicet.rights import Purpose
from videlicet.services.analysis import answers
from videlicet.services.analysis.answers import Analyzed, require_ready_video, span_between
from videlicet.services.indexes import get_index
from videlicet.types import Index, Modality

router = router_for("analysis", V1)

_PLACE = "/indexes/{index_id}/videos/{video_id}"


@router.post("/indexes/{index_id}/ask", response_model=schemas.Answer)
async def ask(call: Call, index_id: str, body: schemas.AskRequest) -> Any:
    """Answer a question from the videos of an index, or from some of them."""
    return await _run_analysis(call, _ask, call, index_id, body)


def _ask(call: HttpCaller, index_id: str, body: schemas.AskRequest, check: Check) -> Any:
    index = get_index(call, index_id)
    ids = None if body.videos is None else _ready(call, index, body.videos)
    return _for_videos(answers.ask(call, index, body.question, ids, check=check))


@router.post("/indexes/{index_id}/extract", response_model=schemas.Answer)
async def extract(call: Call, index_id: str, body: schemas.ExtractionRequest) -> Any:
    """Data of a JSON schema from videos, as ``value``: null or empty where there is no
    evidence."""
    return await _run_analysis(call, _extract, call, index_id, body)


def _extract(call: HttpCaller, index_id: str, body: schemas.ExtractionRequest, check: Check) -> Any:
    index = get_index(call, index_id)
    ids = _ready(call, index, body.videos)
    return _for_videos(
        answers.extract(call, index, ids, body.json_schema, body.prompt, check=check)
    )


@router.post("/indexes/{index_id}/compare", response_model=schemas.Comparison)
async def compare(call: Call, index_id: str, body: schemas.ComparisonRequest) -> Any:
    """What two videos have in common, and what only one of them has."""
    return await _run_analysis(call, _compare, call, index_id, body)


def _compare(call: HttpCaller, index_id: str, body: schemas.ComparisonRequest, _: Check) -> Any:
    index = get_index(call, index_id)
    left_id, right_id = _ready(call, index, [body.left, body.right])
    found = answers.compare(call, index, left_id, right_id, body.count)
    left, right = found.evidence
    row = found.value.to_json()
    pairs = [
        {
            **pair,
            "left": _of_videos(found, pair["left"], left),
            "right": _of_videos(found, pair["right"], right),
        }
        for pair in row.pop("pairs")
    ]
    return {**_of_videos(found, row), "pairs": pairs}


@router.get(f"{_PLACE}/gist", response_model=schemas.Gist)
async def gist(call: Call, index_id: str, video_id: str) -> Any:
    """Title, topics and hashtags of a video."""
    return await _run_analysis(call, _of_video, call, index_id, video_id, answers.gist)


@router.post(f"{_PLACE}/summary", response_model=schemas.Answer)
async def summary(call: Call, index_id: str, video_id: str, body: schemas.SummaryRequest) -> Any:
    """What is in a video, in so many sentences."""
    return await _run_analysis(call, _summarize, call, index_id, video_id, body)


def _summarize(
    call: HttpCaller, index_id: str, video_id: str, body: schemas.SummaryRequest, check: Check
) -> Any:
    index = get_index(call, index_id)
    video = require_ready_video(call, index, video_id)
    within = span_between(video, body.start, body.end)
    found = answers.summarize(
        call, index, [video.asset_id], sentences=body.sentences, focus=body.focus, within=within,
        check=check,
    )  # fmt: skip
    return _for_videos(found)


@router.get(f"{_PLACE}/chapters", response_model=schemas.Chapters)
async def chapters(
    call: Call,
    index_id: str,
    video_id: str,
    count: Annotated[int | None, Query(ge=1, le=1000)] = None,
) -> Any:
    """The parts of a video, titled, without gaps."""
    work = partial(answers.chapters, count=count)
    return {"chapters": await _run_analysis(call, _of_video, call, index_id, video_id, work)}


@router.get(f"{_PLACE}/highlights", response_model=schemas.Highlights)
async def highlights(
    call: Call,
    index_id: str,
    video_id: str,
    count: Annotated[int, Query(ge=1, le=200)] = 5,
    query: Annotated[str | None, Query(min_length=1, pattern=r"^[^\x00]*$")] = None,
) -> Any:
    """The stretches of a video that stand out, or have most to do with ``query``, best first."""
    work = partial(answers.highlights, count=count, query=query)
    return {"highlights": await _run_analysis(call, _of_video, call, index_id, video_id, work)}


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
    from videlicet.analyze.exports.subtitles import spoken_cues
    from videlicet.exporters import EXPORTERS, render

    index = get_index(call, index_id)
    video = require_ready_video(call, index, video_id)
    asset = video.asset
    scope = call.scope(Purpose.ANALYZE, index.id)
    seen = call.catalog.observations(scope, asset.id, Modality.SPEECH)
    name = f"subtitles.{form}"
    content = render(name, SubtitleExport(asset, spoken_cues(seen, asset.media.span.start)))
    return Response(content, media_type=EXPORTERS.get(name).media_type)


# -- what they share ----------------------------------------------------------------------------


async def _run_analysis(call: HttpCaller, work: Callable[..., Any], *values: Any) -> Any:
    """Work in one of few threads: analyses must not take those that searches need. It ends when
    the client hangs up."""
    work = partial(work, *values)
    return await until_disconnect(
        call.receive, partial(run_cancellable, work, call.server.analysis_limiter)
    )


def _of_video(
    call: HttpCaller,
    index_id: str,
    video_id: str,
    work: Callable[..., Analyzed[Any]],
    check: Check,
) -> Any:
    index = get_index(call, index_id)
    (asset_id,) = _ready(call, index, [video_id])
    return _for_videos(work(call, index, asset_id, check=check))


def _ready(call: HttpCaller, index: Index, video_ids: Sequence[str]) -> list[str]:
    """The assets of videos that must have been observed."""
    return [require_ready_video(call, index, one).asset_id for one in video_ids]


def _for_videos(found: Analyzed[Any]) -> Any:
    """What was found, with the ids of videos and times from the start of each."""
    if isinstance(found.value, list):
        (own,) = found.evidence
        return [_of_videos(found, one.to_json(), own) for one in found.value]
    return _of_videos(found, found.value.to_json())


def _of_videos(found: Analyzed[Any], value: Any, own: AssetEvidence | None = None) -> Any:
    """A value with the ids of videos and times from the start of each: citations are those of
    their own videos, other times those of ``own``."""
    begins = {one.asset.id: float(one.asset.media.span.start) for one in found.evidence}
    begin = None if own is None else float(own.asset.media.span.start)
    return _translated(value, found.video_ids, begins, begin)


def _translated(
    value: Any, ids: Mapping[str, str], begins: Mapping[str, float], begin: float | None
) -> Any:
    if isinstance(value, list | tuple):
        return [_translated(one, ids, begins, begin) for one in value]
    if not isinstance(value, dict):
        return value
    by = begins.get(value["asset_id"]) if "asset_id" in value else begin
    # The value of a schema is in the form of whoever asked, and its times are display times
    # already.
    row = {
        key: one if key == "value" else _translated(one, ids, begins, begin)
        for key, one in value.items()
    }
    if by is not None and "start" in row and "end" in row:
        row |= {name: round(row[name] - by, 6) for name in ("start", "end")}
    if "asset_id" in row:
        row["video_id"] = ids[row.pop("asset_id")]
    return row
