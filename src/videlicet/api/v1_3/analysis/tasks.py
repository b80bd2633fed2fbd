"""Analysis tasks: asked for now, answered when it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query, Response

from videlicet.analysis_jobs import analyses
from videlicet.analyze.run import AnalysisRequest
from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import ApiError, unknown
from videlicet.api.parameters import Pages, text_of
from videlicet.api.routing import router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.analysis.jobs import job_of, model_of
from videlicet.api.v1_3.analysis.schemas import (
    Canceled,
    Made,
    Mode,
    Status,
    Task,
    TaskRequest,
)
from videlicet.api.v1_3.analysis.sources import Subject, begin, bytes_of
from videlicet.errors import NotFound
from videlicet.rights import Purpose
from videlicet.telemetry import traces
from videlicet.types import Kind, Resource, derived_id, random_id
from videlicet.webhooks import delivery

router = router_for("analysis tasks")

#: What of a request is told again.
_PARAMS = (
    "analysis_mode", "image", "prompt", "prompt_v2", "response_format", "temperature", "max_tokens",
    "min_segment_duration", "max_segment_duration", "start_time", "end_time",
)  # fmt: skip


@router.post("/analyze/tasks", status_code=202, response_model=Made)
def create(call: Call, body: TaskRequest) -> Any:
    """Have a video analysed."""
    model = model_of(body)
    job = job_of(call, body)
    params = without_media(body.model_dump(exclude_none=True, include=set(_PARAMS)))
    if body.image:
        subject: Subject | None = None
        given = bytes_of(call, body.image)
    else:
        subject, given = begin(call, body.video, body.video_id), []
    made = make(call, subject, job, params, model, custom_id=body.custom_id, pictures=given)
    call.platform.work.wake()
    return {"task_id": made.id, "status": made.status}


def make(
    call: HttpCaller,
    subject: Subject | None,
    job: AnalysisRequest,
    params: Mapping[str, Any],
    model: str,
    *,
    custom_id: str | None = None,
    batch_id: str = "",
    pictures: Sequence[tuple[str, bytes]] = (),
) -> Resource:
    """A new analysis, of a video or of pictures."""
    now = datetime.now(UTC)
    scope = call.scope(Purpose.INGEST)
    id = random_id()
    for number, (_, data) in enumerate(pictures):
        call.store.blobs.put(scope, analyses.picture(id, number), data)
    made = Resource(
        id=id,
        kind=Kind.ANALYSIS,
        tenant=call.tenant,
        created_at=now,
        updated_at=now,
        status=analyses.QUEUED,
        parent=batch_id,
        body={
            "job": job.to_json(),
            "params": dict(params),
            "source": None if subject is None else subject.source,
            "model": model,
            "custom_id": custom_id,
            "index_id": None if subject is None else subject.index.id,
            "video_id": None if subject is None else subject.video.id,
            "own": None if subject is None else subject.own,
            "pictures": [name for name, _ in pictures],
            **traces.carried(),
        },
    )
    call.catalog.put_resource(scope, made)
    return made


@router.get("/analyze/tasks", response_model=Page[Task], response_model_exclude_none=True)
def find(
    call: Call,
    pages: Pages,
    status: Annotated[list[Status] | None, Query()] = None,
    video_url: str | None = None,
    asset_id: str | None = None,
    analysis_mode: Mode | None = None,
) -> Any:
    """List analysis tasks, newest first."""
    wanted: list[tuple[tuple[str, ...], str, str]] = []
    if video_url is not None:
        wanted.append((("source", "url"), "==", video_url))
    if asset_id is not None:
        wanted.append((("source", "asset_id"), "==", asset_id))
    if analysis_mode is not None:
        wanted.append((("params", "analysis_mode"), "==", analysis_mode))
    rows, total = call.catalog.find_resources(
        call.manage, Kind.ANALYSIS, status=status or (), body=wanted, offset=pages.offset,
        limit=pages.limit,
    )  # fmt: skip
    return pages.of([shown(call, row) for row in rows], total)


@router.get("/analyze/tasks/{task_id}", response_model=Task, response_model_exclude_none=True)
def retrieve(call: Call, task_id: str) -> Any:
    """Look at one analysis task, and at what came of it."""
    return shown(call, task_of(call, task_id))


@router.delete("/analyze/tasks/{task_id}", response_class=Response)
def delete(call: Call, task_id: str) -> Response:
    """Delete an analysis task that is not at work."""
    one = task_of(call, task_id)
    if one.status == analyses.PROCESSING:
        raise ApiError(409, "resource_conflict", "The task is at work; cancel it first.")
    if one.status in analyses.LIVE:
        analyses.end(call.scope(Purpose.INGEST), call.store, one, analyses.CANCELED, {})
    blobs = [analyses.folder_of(one.id)] if one.body.get("pictures") else []
    call.catalog.delete_resource(call.manage, Kind.ANALYSIS, one.id, blobs=blobs)
    if blobs:
        call.store.finish_erasures()
    return Response(status_code=200)


@router.post("/analyze/tasks/{task_id}/cancel", response_model=Canceled)
def cancel(call: Call, task_id: str) -> Any:
    """Cancel an analysis task that has not ended."""
    one = task_of(call, task_id)
    if one.status in analyses.LIVE:
        one = analyses.end(call.scope(Purpose.INGEST), call.store, one, analyses.CANCELED, {})
        call.platform.work.wake()
        if one.status == analyses.CANCELED:
            return {"task_id": one.id, "status": one.status}
    raise ApiError(409, "resource_conflict", f"The task is {one.status}.")


def task_of(call: HttpCaller, task_id: str) -> Resource:
    """An analysis of the caller's."""
    try:
        return call.catalog.resource(call.manage, Kind.ANALYSIS, task_id)
    except NotFound:
        raise unknown("analysis task", task_id) from None


def shown(call: HttpCaller, one: Resource) -> dict[str, Any]:
    """An analysis as v1.3 shows it."""
    error = one.body.get("error")
    return {
        "task_id": one.id,
        "custom_id": one.body.get("custom_id"),
        "batch_id": one.parent or None,
        "model_name": one.body["model"],
        "video_source": one.body["source"]
        and {**one.body["source"], "system_metadata": _facts(call, one)},
        "request_params": _params(one),
        "status": one.status,
        "created_at": text_of(one.created_at),
        "completed_at": text_of(one.body.get("completed_at")),
        "result": one.body.get("result"),
        "error": None if error is None else {"code": error["code"], "message": error["message"]},
        "webhooks": told(call, one) or None,
    }


def _params(one: Resource) -> dict[str, Any]:
    """What was asked, as it is told again: every picture with its kind."""
    params = dict(one.body["params"])
    if pictures := params.get("image"):
        params["image"] = [{**row, "media_type": "image"} for row in pictures]
    return params


def _facts(call: HttpCaller, one: Resource) -> dict[str, Any] | None:
    try:
        video = call.catalog.resource(call.manage, Kind.VIDEO, one.body["video_id"])
    except NotFound:
        return None
    duration = video.body.get("duration")
    return None if duration is None else {"duration": duration}


def told(call: HttpCaller, one: Resource) -> list[dict[str, Any]]:
    """How the webhooks were told of the end of an analysis."""
    if one.status not in analyses.ENDED:
        return []
    found = []
    kind = analyses.EVENTS[one.status]
    webhooks, _ = call.catalog.find_resources(call.manage, Kind.WEBHOOK)
    for webhook in webhooks:
        try:
            row = call.catalog.resource(
                call.manage, Kind.DELIVERY, derived_id(webhook.id, kind, one.id)
            )
        except NotFound:
            continue
        found.append(
            {
                "url": webhook.name,
                "delivered": row.status == delivery.DELIVERED,
                "attempts": int(row.body["attempts"]),
                "last_error": row.body.get("last_error"),
            }
        )
    return found


def without_media(value: Any) -> Any:
    """What was asked, without the bytes of pictures."""
    if isinstance(value, dict):
        return {key: without_media(one) for key, one in value.items() if key != "base64_string"}
    return [without_media(one) for one in value] if isinstance(value, list) else value
