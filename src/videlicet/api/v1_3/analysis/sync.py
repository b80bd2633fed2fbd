"""Analysis that is waited for: at once, or as it is written."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi.responses import JSONResponse, Response

from videlicet.analyze.backend import OnSentence, ignore_sentence
from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.run import AnalysisResult, Citation, cite
from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import api_error_of
from videlicet.api.routing import V1_3, router_for
from videlicet.api.streaming import (
    Check,
    StreamedResponse,
    Write,
    follow,
    run_cancellable,
    until_disconnect,
)
from videlicet.api.v1_3.analysis.requests import model_of, request_of
from videlicet.api.v1_3.analysis.schemas import AnalysisResponse, AnalyzeRequest
from videlicet.api.v1_3.analysis.sources import (
    images_of,
    remove_upload,
    target_of,
    wait_until_observed,
)
from videlicet.errors import TaskError, VidelicetError
from videlicet.models.cards import chosen_cards
from videlicet.services.analysis.answers import load_target, run_request
from videlicet.services.analysis.images import load_images
from videlicet.services.analysis.targets import AnalysisTarget
from videlicet.types import Sentence, random_id

router = router_for("analysis", V1_3)

_log = logging.getLogger(__name__)


@router.post(
    "/analyze",
    response_model=AnalysisResponse,
    responses={
        200: {
            "description": "The answer; with `stream` one JSON object a line.",
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        }
    },
)
async def analyze(call: Call, body: AnalyzeRequest) -> Any:
    """Ask something of a video, or of pictures. What is not known of the video yet is observed
    first."""
    return await until_disconnect(call.receive, partial(_analyze, call, body))


async def _analyze(call: HttpCaller, body: AnalyzeRequest) -> Response:
    model = model_of(body)
    request = await to_thread.run_sync(request_of, call, body)
    target: AnalysisTarget | None = None
    cards: Mapping[str, str] = chosen_cards(call.settings.models)
    if body.image:
        images, limiter = images_of(body.image), call.server.analysis_limiter
        evidence = await to_thread.run_sync(load_images, call, images, limiter=limiter)
    else:
        target = await to_thread.run_sync(target_of, call, body.video, body.video_id)
        cards = target.index.cards
        try:
            await wait_until_observed(call, target)
            evidence = [await to_thread.run_sync(load_target, call, target, request)]
        except BaseException:
            await remove_upload(call, target)
            raise
    id = random_id()
    work = partial(run_request, call, cards, evidence, request)
    if body.stream:
        return StreamedResponse(
            partial(_stream, call, id, work, evidence), "application/x-ndjson",
            cleanup=partial(remove_upload, call, target),
        )  # fmt: skip
    try:
        done = await run_cancellable(partial(work, ignore_sentence), call.server.analysis_limiter)
    finally:
        await remove_upload(call, target)
    return JSONResponse({"id": id, **done.to_json(), "model": model})


async def _stream(
    call: HttpCaller,
    id: str,
    work: Callable[[OnSentence, Check], AnalysisResult],
    evidence: list[AssetEvidence],
    write: Write,
) -> None:
    """The lines of a stream: a start, each sentence as it comes, and an end that says how it
    went."""
    origins = {one.asset.id: one.asset.media.span.start for one in evidence}
    at = 0

    def run(
        emit: Callable[[Sentence | AnalysisResult | VidelicetError], None], check: Check
    ) -> None:
        try:
            emit(work(emit, check))
        except VidelicetError as error:
            emit(error)
        except Exception as error:
            _log.exception("an analysis failed")
            emit(TaskError("task_failed", f"The analysis failed: {type(error).__name__}."))

    async def take(one: Sentence | AnalysisResult | VidelicetError | None) -> None:
        nonlocal at
        if isinstance(one, Sentence):
            text = (" " if at else "") + one.text
            await write(_text(text, cite([one], origins, at + len(text) - len(one.text))))
            at += len(text)
        elif one is not None:
            if isinstance(one, AnalysisResult) and not at and one.data:
                await write(_text(one.data, one.citations))
            await write(_line(_end(id, one)))

    await write(_line({"event_type": "stream_start", "metadata": {"generation_id": id}}))
    await follow(run, call.server.analysis_limiter, take)


def _text(text: str, cited: Iterable[Citation]) -> str:
    citations = [asdict(one) for one in cited]
    return _line({"event_type": "text_generation", "text": text, "citations": citations})


def _end(id: str, one: AnalysisResult | VidelicetError) -> dict[str, Any]:
    if isinstance(one, VidelicetError):
        reported = api_error_of(one)
        return {
            "event_type": "stream_end",
            "finish_reason": "stop",
            "metadata": {"generation_id": id, "usage": {"output_tokens": 0}},
            "error": {"code": reported.code, "message": reported.message},
        }
    row = one.to_json()
    return {
        "event_type": "stream_end",
        "finish_reason": row["finish_reason"],
        "metadata": {"generation_id": id, "usage": row["usage"]},
        "untrusted_instructions": row["untrusted_instructions"],
    }


def _line(row: dict[str, Any]) -> str:
    # Clients decode each chunk of the body separately: no character may be cut, so all are ASCII.
    return json.dumps(row, ensure_ascii=True, separators=(",", ":")) + "\n"
