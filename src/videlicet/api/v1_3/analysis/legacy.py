"""Gist and summarize, as earlier clients of v1.3 call them: of a video in an index."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from anyio import to_thread

from videlicet.analyze.backend import PromptRequest
from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.run import AnalysisRequest
from videlicet.api.caller import Call, HttpCaller
from videlicet.api.routing import V1_3, router_for
from videlicet.api.streaming import Check, run_cancellable, until_disconnect
from videlicet.api.v1_3.analysis.requests import check_schema
from videlicet.api.v1_3.analysis.schemas import (
    USUAL_TOKENS,
    GistRequest,
    GistResponse,
    SummarizeRequest,
    SummarizeResponse,
)
from videlicet.api.v1_3.analysis.sources import wait_until_observed
from videlicet.services.analysis import answers
from videlicet.services.analysis.targets import AnalysisTarget, target_video
from videlicet.types import Sentence, Span, random_id

router = router_for("analysis, earlier forms", V1_3)

#: Highlights that are given.
MOST_HIGHLIGHTS = 5


@router.post("/gist", response_model=GistResponse, response_model_exclude_none=True)
async def gist(call: Call, body: GistRequest) -> Any:
    """Title, topics and hashtags of a video."""
    return await until_disconnect(call.receive, partial(_of_video, call, body, _gist))


@router.post("/summarize", response_model=SummarizeResponse, response_model_exclude_none=True)
async def summarize(call: Call, body: SummarizeRequest) -> Any:
    """A summary, chapters or highlights of a video."""
    return await until_disconnect(call.receive, partial(_of_video, call, body, _summarize))


async def _of_video(call: HttpCaller, body: Any, work: Callable[..., dict[str, Any]]) -> Any:
    target = await to_thread.run_sync(target_video, call, body.video_id)
    await wait_until_observed(call, target)
    return await run_cancellable(partial(work, call, target, body), call.server.analysis_limiter)


def _gist(
    call: HttpCaller, target: AnalysisTarget, body: GistRequest, check: Check
) -> dict[str, Any]:
    done = answers.gist(call, target.index, target.video.asset_id, check=check)
    found = done.value
    parts: dict[str, Any] = {}
    if "title" in body.types:
        parts["title"] = found.title.text
    if "topic" in body.types:
        parts["topics"] = [one.text for one in found.topics]
    if "hashtag" in body.types:
        parts["hashtags"] = [one.text.removeprefix("#") for one in found.hashtags]
    said = [one.text for one in (found.title, *found.topics, *found.hashtags)]
    return {"id": random_id(), **parts, "usage": _usage(call, target, done.evidence[0], said)}


def _summarize(
    call: HttpCaller, target: AnalysisTarget, body: SummarizeRequest, check: Check
) -> dict[str, Any]:
    row: dict[str, Any] = {"summarize_type": body.type, "id": random_id()}
    if body.type == "summary":
        schema = None if body.response_format is None else body.response_format.json_schema
        request = AnalysisRequest(
            PromptRequest(
                body.prompt or "Summarize this video.",
                None if schema is None else check_schema(schema),
                max_tokens=body.max_tokens or USUAL_TOKENS,
            )
        )
        evidence = answers.load_target(call, target, request)
        result = answers.run_request(call, target.index.cards, [evidence], request, check=check)
        return {**row, "summary": result.data, "usage": result.usage.to_json()}
    said: list[str] = []
    if body.type == "chapter":
        found = answers.chapters(call, target.index, target.video.asset_id, check=check)
        (evidence,) = found.evidence
        row["chapters"] = []
        for number, chapter in enumerate(found.value):
            texts = {
                "chapter_title": chapter.title.text,
                "chapter_summary": _text_of(chapter.summary),
            }
            times = _times(chapter.span.shift(-evidence.asset.media.span.start))
            row["chapters"].append({"chapter_number": number, **times, **texts})
            said += texts.values()
    else:
        best = answers.highlights(
            call, target.index, target.video.asset_id, count=MOST_HIGHLIGHTS, query=body.prompt,
            check=check,
        )  # fmt: skip
        (evidence,) = best.evidence
        row["highlights"] = []
        for one in sorted(best.value, key=lambda one: one.span):
            text = "; ".join(item.text for item in one.title.citations)
            texts = {"highlight": one.title.text, "highlight_summary": text}
            times = _times(one.span.shift(-evidence.asset.media.span.start))
            row["highlights"].append({**times, **texts})
            said += texts.values()
    return {**row, "usage": _usage(call, target, evidence, said)}


def _text_of(sentences: Iterable[Sentence]) -> str:
    return " ".join(one.text for one in sentences)


def _times(span: Span) -> dict[str, Any]:
    return {
        "start": math.floor(span.start),
        "end": math.ceil(span.end),
        "start_sec": float(span.start),
        "end_sec": float(span.end),
    }


def _usage(
    call: HttpCaller, target: AnalysisTarget, evidence: AssetEvidence, said: Iterable[str]
) -> dict[str, int]:
    encoder = call.platform.encoders(target.index.cards).text
    return {
        "input_tokens": sum(encoder.count_tokens(item.text) for item in evidence.items),
        "output_tokens": sum(map(encoder.count_tokens, said)),
    }
