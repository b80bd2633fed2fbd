"""Gist and summarize, as earlier clients of v1.3 call them: of a video in an index."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from anyio import to_thread

from videlicet.analyze.backend import AnalysisBackend, PromptRequest
from videlicet.analyze.backends import analysis_backend
from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.run import AnalysisRequest, load_request_evidence, run_analysis
from videlicet.api.caller import Call, HttpCaller
from videlicet.api.routing import router_for
from videlicet.api.streaming import Check, run_cancellable, until_disconnect
from videlicet.api.v1_3.analysis.jobs import checked
from videlicet.api.v1_3.analysis.schemas import USUAL_TOKENS, Gist, GistOut, Summarize, SummarizeOut
from videlicet.api.v1_3.analysis.sources import Subject, begin, observed
from videlicet.models.base import TextEncoder
from videlicet.models.cards import chosen_cards
from videlicet.rights import Purpose
from videlicet.types import Sentence, Span, random_id

router = router_for("analysis, earlier forms")


@router.post("/gist", response_model=GistOut, response_model_exclude_none=True)
async def gist(call: Call, body: Gist) -> Any:
    """Title, topics and hashtags of a video."""
    return await until_disconnect(call.receive, partial(_of_video, call, body, _gist))


@router.post("/summarize", response_model=SummarizeOut, response_model_exclude_none=True)
async def summarize(call: Call, body: Summarize) -> Any:
    """A summary, chapters or highlights of a video."""
    return await until_disconnect(call.receive, partial(_of_video, call, body, _sum_up))


async def _of_video(call: HttpCaller, body: Any, work: Callable[..., dict[str, Any]]) -> Any:
    subject = await to_thread.run_sync(begin, call, None, body.video_id)
    await observed(call, subject)
    return await run_cancellable(partial(work, call, subject, body), call.server.analysing)


def _of(
    call: HttpCaller, subject: Subject, check: Check
) -> tuple[AnalysisBackend, TextEncoder, AssetEvidence]:
    encoder = call.platform.encoders(chosen_cards(call.settings.models)).text
    scope = call.scope(Purpose.ANALYZE, subject.index.id)
    material = load_request_evidence(
        scope, call.store, subject.video.id, AnalysisRequest(PromptRequest(""))
    )
    return analysis_backend(scope, call.store, call.settings, encoder, check), encoder, material


def _gist(call: HttpCaller, subject: Subject, body: Gist, check: Check) -> dict[str, Any]:
    analyst, encoder, material = _of(call, subject, check)
    found = analyst.gist(material)
    parts: dict[str, Any] = {}
    if "title" in body.types:
        parts["title"] = found.title.text
    if "topic" in body.types:
        parts["topics"] = [one.text for one in found.topics]
    if "hashtag" in body.types:
        parts["hashtags"] = [one.text.removeprefix("#") for one in found.hashtags]
    said = [one.text for one in (found.title, *found.topics, *found.hashtags)]
    return {"id": random_id(), **parts, "usage": _usage(encoder, material, said)}


def _sum_up(call: HttpCaller, subject: Subject, body: Summarize, check: Check) -> dict[str, Any]:
    analyst, encoder, material = _of(call, subject, check)
    origin = material.asset.media.span.start
    row: dict[str, Any] = {"summarize_type": body.type, "id": random_id()}
    if body.type == "summary":
        schema = None if body.response_format is None else body.response_format.json_schema
        request = PromptRequest(
            body.prompt or "Summarize this video.",
            None if schema is None else checked(schema),
            max_tokens=body.max_tokens or USUAL_TOKENS,
        )
        done = run_analysis(analyst, encoder, [material], AnalysisRequest(request))
        return {**row, "summary": done.data, "usage": done.usage.to_json()}
    said: list[str] = []
    if body.type == "chapter":
        row["chapters"] = []
        for number, chapter in enumerate(analyst.chapters(material)):
            told = {"chapter_title": chapter.title.text, "chapter_summary": _told(chapter.summary)}
            row["chapters"].append(
                {"chapter_number": number, **_times(chapter.span.shift(-origin)), **told}
            )
            said += told.values()
    else:
        row["highlights"] = []
        for one in sorted(
            analyst.highlights(material, query=body.prompt), key=lambda one: one.span
        ):
            text = "; ".join(piece.text for piece in one.title.citations)
            told = {"highlight": one.title.text, "highlight_summary": text}
            row["highlights"].append({**_times(one.span.shift(-origin)), **told})
            said += told.values()
    return {**row, "usage": _usage(encoder, material, said)}


def _told(sentences: Iterable[Sentence]) -> str:
    return " ".join(one.text for one in sentences)


def _times(span: Span) -> dict[str, Any]:
    return {
        "start": math.floor(span.start),
        "end": math.ceil(span.end),
        "start_sec": float(span.start),
        "end_sec": float(span.end),
    }


def _usage(encoder: TextEncoder, material: AssetEvidence, said: Iterable[str]) -> dict[str, int]:
    return {
        "input_tokens": sum(encoder.count_tokens(piece.text) for piece in material.pieces),
        "output_tokens": sum(map(encoder.count_tokens, said)),
    }
