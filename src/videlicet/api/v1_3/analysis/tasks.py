"""Analysis tasks: asked for now, answered when it is done."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from videlicet.api.caller import Call
from videlicet.api.parameters import Pages, format_time
from videlicet.api.routing import V1_3, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.analysis.requests import model_of, request_of
from videlicet.api.v1_3.analysis.schemas import (
    AnalysisTask,
    AnalysisTaskCanceled,
    AnalysisTaskCreated,
    AnalysisTaskRequest,
    Mode,
    Status,
)
from videlicet.api.v1_3.analysis.sources import images_of, target_of
from videlicet.services.analysis import tasks
from videlicet.services.analysis.images import read_images
from videlicet.services.caller import Caller
from videlicet.types import Resource

router = router_for("analysis tasks", V1_3)

#: The fields of a request that are returned.
_PARAMS = (
    "analysis_mode", "image", "prompt", "prompt_v2", "response_format", "temperature", "max_tokens",
    "min_segment_duration", "max_segment_duration", "start_time", "end_time",
)  # fmt: skip


@router.post("/analyze/tasks", status_code=202, response_model=AnalysisTaskCreated)
def create(call: Call, body: AnalysisTaskRequest) -> Any:
    """Have a video analysed."""
    model = model_of(body)
    request = request_of(call, body)
    params = without_media(body.model_dump(exclude_none=True, include=set(_PARAMS)))
    if body.image:
        target, images = None, read_images(call, images_of(body.image))
    else:
        target, images = target_of(call, body.video, body.video_id), []
    made = tasks.create_task(
        call, tasks.NewTask(request, model, params, target, images, body.custom_id)
    )
    return {"task_id": made.id, "status": made.status}


@router.get("/analyze/tasks", response_model=Page[AnalysisTask], response_model_exclude_none=True)
def find(
    call: Call,
    pages: Pages,
    status: Annotated[list[Status] | None, Query()] = None,
    video_url: str | None = None,
    asset_id: str | None = None,
    analysis_mode: Mode | None = None,
) -> Any:
    """List analysis tasks, newest first."""
    rows, total = tasks.list_tasks(
        call, status=status or (), url=video_url, asset_id=asset_id, mode=analysis_mode,
        offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.response([task_row(call, row) for row in rows], total)


@router.get(
    "/analyze/tasks/{task_id}", response_model=AnalysisTask, response_model_exclude_none=True
)
def retrieve(call: Call, task_id: str) -> Any:
    """Look at one analysis task, and at what came of it."""
    return task_row(call, tasks.get_task(call, task_id))


@router.delete("/analyze/tasks/{task_id}", response_class=Response)
def delete(call: Call, task_id: str) -> Response:
    """Delete an analysis task that is not at work."""
    tasks.delete_task(call, task_id)
    return Response(status_code=200)


@router.post("/analyze/tasks/{task_id}/cancel", response_model=AnalysisTaskCanceled)
def cancel(call: Call, task_id: str) -> Any:
    """Cancel an analysis task that has not ended."""
    one = tasks.cancel_task(call, task_id)
    return {"task_id": one.id, "status": one.status}


def task_row(caller: Caller, one: Resource) -> dict[str, Any]:
    """An analysis as v1.3 shows it."""
    error = one.body.get("error")
    return {
        "task_id": one.id,
        "custom_id": one.body.get("custom_id"),
        "batch_id": one.parent or None,
        "model_name": one.body["model"],
        "video_source": one.body["source"]
        and {**one.body["source"], "system_metadata": _facts(caller, one)},
        "request_params": _params(one),
        "status": one.status,
        "created_at": format_time(one.created_at),
        "completed_at": format_time(one.body.get("completed_at")),
        "result": one.body.get("result"),
        "error": None if error is None else {"code": error["code"], "message": error["message"]},
        "webhooks": _deliveries(caller, one) or None,
    }


def _params(one: Resource) -> dict[str, Any]:
    """The request as it is returned: every picture with its kind."""
    params = dict(one.body["params"])
    if pictures := params.get("image"):
        params["image"] = [{**row, "media_type": "image"} for row in pictures]
    return params


def _facts(caller: Caller, one: Resource) -> dict[str, Any] | None:
    duration = tasks.duration_of(caller, one)
    return None if duration is None else {"duration": duration}


def _deliveries(caller: Caller, one: Resource) -> list[dict[str, Any]]:
    return [
        {
            "url": row.url,
            "delivered": row.is_delivered,
            "attempts": row.attempts,
            "last_error": row.last_error,
        }
        for row in tasks.deliveries_of(caller, one)
    ]


def without_media(value: Any) -> Any:
    """What was asked, without the bytes of pictures."""
    if isinstance(value, dict):
        return {key: without_media(one) for key, one in value.items() if key != "base64_string"}
    return [without_media(one) for one in value] if isinstance(value, list) else value
