"""Analysis that is waited for: at once, or as it is written."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import asdict
from functools import partial
from typing import Any

import anyio
from anyio import from_thread, to_thread
from fastapi.responses import JSONResponse, StreamingResponse

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
from videlicet.api.errors import of_library
from videlicet.api.v1_3.analysis.jobs import job_of, model_of
from videlicet.api.v1_3.analysis.schemas import Analyze, Answer
from videlicet.api.v1_3.analysis.sources import Subject, begin, done_with, observed, pictures
from videlicet.api.v1_3.common import Call, Caller, router_for
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
    model = model_of(body)
    job = await to_thread.run_sync(job_of, call, body)
    subject: Subject | None = None
    if body.image:
        materials = await _apart(call, pictures, call, body.image)
    else:
        subject = await to_thread.run_sync(begin, call, body.video, body.video_id)
        try:
            await observed(call, subject)
            materials = [await to_thread.run_sync(_read, call, subject, job)]
        except BaseException:
            await done_with(call, subject)
            raise
    work = partial(_perform, call, materials, job)
    id = random_id()
    if body.stream:
        return StreamingResponse(
            _streamed(call, id, work, materials, subject), media_type="application/x-ndjson"
        )
    try:
        done = await _apart(call, work)
    finally:
        if subject is not None:
            await done_with(call, subject)
    return JSONResponse({"id": id, **done.to_json(), "model": model})


def _read(call: Caller, subject: Subject, job: AnalysisRequest) -> AssetEvidence:
    return load_request_evidence(
        call.grant(Purpose.ANALYZE), call.store, subject.index, subject.video.id, job
    )


def _perform(
    call: Caller,
    materials: list[AssetEvidence],
    job: AnalysisRequest,
    tell: OnSentence = ignore_sentence,
) -> AnalysisResult:
    encoder = call.service.encoders(chosen_cards(call.settings.models)).text
    analyst = analysis_backend(call.grant(Purpose.ANALYZE), call.store, call.settings, encoder)
    return run_analysis(analyst, encoder, materials, job, tell)


async def _apart(call: Caller, work: Callable[..., Any], *values: Any) -> Any:
    """Work in one of few threads: analyses must not take those that searches need."""
    return await to_thread.run_sync(partial(work, *values), limiter=call.server.analysing)


async def _streamed(
    call: Caller,
    id: str,
    work: Callable[..., AnalysisResult],
    materials: list[AssetEvidence],
    subject: Subject | None,
) -> AsyncIterator[str]:
    """The lines of a stream: a start, each sentence as it comes, and an end that says how it
    went."""
    origins = {one.asset.id: one.asset.media.span.start for one in materials}
    send, receive = anyio.create_memory_object_stream[Sentence | AnalysisResult | VidelicetError](
        math.inf
    )

    def tell(one: Sentence | AnalysisResult | VidelicetError) -> None:
        from_thread.run_sync(send.send_nowait, one)

    def run() -> None:
        try:
            tell(work(on_sentence=tell))
        except VidelicetError as error:
            tell(error)
        except Exception as error:
            _log.exception("an analysis failed")
            tell(TaskError("task_failed", f"The analysis failed: {type(error).__name__}."))

    try:
        yield _line({"event_type": "stream_start", "metadata": {"generation_id": id}})
        async with anyio.create_task_group() as group:
            group.start_soon(_apart, call, run)
            at = 0
            ended: AnalysisResult | VidelicetError | None = None
            async for one in receive:
                if not isinstance(one, Sentence):
                    ended = one
                    break
                text = (" " if at else "") + one.text
                cited = cite([one], origins, at + len(text) - len(one.text))
                yield _text(text, cited)
                at += len(text)
        assert ended is not None
        if isinstance(ended, AnalysisResult) and not at and ended.data:
            yield _text(ended.data, ended.citations)
        yield _line(_end(id, ended))
    finally:
        if subject is not None:
            await done_with(call, subject)


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
