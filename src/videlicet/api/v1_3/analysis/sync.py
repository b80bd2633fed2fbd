"""Analysis that is waited for: at once, or as it is written."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi.responses import JSONResponse, Response

from videlicet.analyze.backend import OnSentence, ignore_sentence
from videlicet.analyze.backends import analysis_backend
from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.run import (
    AnalysisRequest,
    AnalysisResult,
    Citation,
    cite,
    load_request_evidence,
    run_analysis,
)
from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import of_library
from videlicet.api.routing import router_for
from videlicet.api.streaming import (
    Check,
    StreamedResponse,
    Write,
    follow,
    run_cancellable,
    until_disconnect,
)
from videlicet.api.v1_3.analysis.jobs import job_of, model_of
from videlicet.api.v1_3.analysis.schemas import Analyze, Answer
from videlicet.api.v1_3.analysis.sources import Subject, begin, done_with, observed, pictures
from videlicet.errors import TaskError, VidelicetError
from videlicet.models.cards import chosen_cards
from videlicet.rights import Purpose
from videlicet.types import Sentence, random_id

router = router_for("analysis")

_log = logging.getLogger(__name__)


@router.post(
    "/analyze",
    response_model=Answer,
    responses={
        200: {
            "description": "The answer; with `stream` one JSON object a line.",
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        }
    },
)
async def analyze(call: Call, body: Analyze) -> Any:
    """Ask something of a video, or of pictures. What is not known of the video yet is observed
    first."""
    return await until_disconnect(call.receive, partial(_analyze, call, body))


async def _analyze(call: HttpCaller, body: Analyze) -> Response:
    model = model_of(body)
    job = await to_thread.run_sync(job_of, call, body)
    subject: Subject | None = None
    if body.image:
        limiter = call.server.analysing
        materials = await to_thread.run_sync(pictures, call, body.image, limiter=limiter)
    else:
        subject = await to_thread.run_sync(begin, call, body.video, body.video_id)
        try:
            await observed(call, subject)
            materials = [await to_thread.run_sync(_read, call, subject, job)]
        except BaseException:
            await done_with(call, subject)
            raise
    id = random_id()
    work = partial(_perform, call, materials, job)
    if body.stream:
        return StreamedResponse(
            partial(_stream, call, id, work, materials), "application/x-ndjson",
            cleanup=partial(done_with, call, subject),
        )  # fmt: skip
    try:
        done = await run_cancellable(partial(work, ignore_sentence), call.server.analysing)
    finally:
        await done_with(call, subject)
    return JSONResponse({"id": id, **done.to_json(), "model": model})


def _read(call: HttpCaller, subject: Subject, job: AnalysisRequest) -> AssetEvidence:
    scope = call.scope(Purpose.ANALYZE, subject.index.id)
    return load_request_evidence(scope, call.store, subject.video.id, job)


def _perform(
    call: HttpCaller,
    materials: list[AssetEvidence],
    job: AnalysisRequest,
    tell: OnSentence,
    check: Check,
) -> AnalysisResult:
    encoder = call.platform.encoders(chosen_cards(call.settings.models)).text
    scope = call.scope(Purpose.ANALYZE)
    analyst = analysis_backend(scope, call.store, call.settings, encoder, check)
    return run_analysis(analyst, encoder, materials, job, tell)


async def _stream(
    call: HttpCaller,
    id: str,
    work: Callable[[OnSentence, Check], AnalysisResult],
    materials: list[AssetEvidence],
    write: Write,
) -> None:
    """The lines of a stream: a start, each sentence as it comes, and an end that says how it
    went."""
    origins = {one.asset.id: one.asset.media.span.start for one in materials}
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
    await follow(run, call.server.analysing, take)


def _text(text: str, cited: Iterable[Citation]) -> str:
    citations = [asdict(one) for one in cited]
    return _line({"event_type": "text_generation", "text": text, "citations": citations})


def _end(id: str, one: AnalysisResult | VidelicetError) -> dict[str, Any]:
    if isinstance(one, VidelicetError):
        told = of_library(one)
        return {
            "event_type": "stream_end",
            "finish_reason": "stop",
            "metadata": {"generation_id": id, "usage": {"output_tokens": 0}},
            "error": {"code": told.code, "message": told.message},
        }
    row = one.to_json()
    return {
        "event_type": "stream_end",
        "finish_reason": row["finish_reason"],
        "metadata": {"generation_id": id, "usage": row["usage"]},
        "untrusted_instructions": row["untrusted_instructions"],
    }


def _line(row: dict[str, Any]) -> str:
    # Clients decode each piece of the body by itself: no character may be cut, so all are ASCII.
    return json.dumps(row, ensure_ascii=True, separators=(",", ":")) + "\n"
