"""Video indexing tasks: upload and index in one call."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import File, Form, Query, Request, Response, UploadFile

from videlicet.api.errors import ApiError, missing, unknown
from videlicet.api.v1_3 import assets
from videlicet.api.v1_3 import video_records as videos
from videlicet.api.v1_3.common import (
    Call,
    Caller,
    Pages,
    ascending,
    metadata_of,
    numbers,
    router_for,
    sorted_by,
    text_of,
    time_of,
)
from videlicet.api.v1_3.indexes import index_of
from videlicet.api.v1_3.schemas.common import Page
from videlicet.api.v1_3.schemas.tasks import Made, Out
from videlicet.errors import NotFound
from videlicet.ingest.videos import READY, video_of
from videlicet.rights import Purpose
from videlicet.store.catalog.schema import folded
from videlicet.types import Kind, Resource, Status, Task

router = router_for("tasks")

StatusName = Literal["ready", "uploading", "validating", "pending", "queued", "indexing", "failed"]


@router.post("/tasks", response_model=Made)
def create(
    call: Call,
    index_id: Annotated[str, Form()],
    video_url: Annotated[str | None, Form()] = None,
    enable_video_stream: Annotated[bool, Form()] = True,
    user_metadata: Annotated[str | None, Form()] = None,
    video_file: Annotated[UploadFile | None, File()] = None,
) -> Any:
    """Upload a video, or have one fetched, and index it."""
    index = index_of(call, index_id)
    metadata = {} if user_metadata is None else metadata_of(user_metadata)
    body: dict[str, Any] = {
        "user_metadata": metadata,
        "hls": enable_video_stream,
        "thumbnail": True,
    }
    if video_file is not None:
        file = assets.make(
            call, method="direct", name=video_file.filename or "upload", source=video_file.file,
            body=body,
        )  # fmt: skip
    elif video_url:
        assets.check_url(call, video_url, "video_url")
        file = assets.make(
            call, method="url", name=assets.name_in(video_url), body={**body, "url": video_url}
        )
    else:
        raise missing("video_file")
    video, task = videos.make(call, index, file, metadata, stream=enable_video_stream)
    return {"_id": task.id, "video_id": video.id}


@router.get("/tasks", response_model=Page[Out], response_model_exclude_none=True)
def find(
    request: Request,
    call: Call,
    pages: Pages,
    sort_by: str | None = None,
    sort_option: str | None = None,
    index_id: str | None = None,
    status: Annotated[list[StatusName] | None, Query()] = None,
    filename: str | None = None,
    created_at: str | None = None,
    updated_at: str | None = None,
) -> Any:
    """List tasks, newest first."""
    key, up = sorted_by(sort_by), ascending(sort_option)
    since, touched = time_of("created_at", created_at), time_of("updated_at", updated_at)
    bounds = {name: numbers(request, name) for name in ("duration", "width", "height")}
    rows, _ = call.catalog.find_resources(call.manage, Kind.VIDEO, parent=index_id)
    by_id = {row.id: row for row in rows}
    named = {index.id for index in call.catalog.indexes(call.manage)}
    found = []
    for task in tasks_in(call, index_id):
        video_id = video_of(task.source)
        video = None if video_id is None else by_id.get(video_id)
        if (
            video_id is None
            or task.index_id not in named
            or (status and status_of(task, video) not in status)
            or not _named(video, filename)
            or (since is not None and task.created_at < since)
            or (touched is not None and task.updated_at < touched)
            or not all(_fits(video, name, bound) for name, bound in bounds.items())
        ):
            continue
        found.append((task, video))
    # The newest come first already: equal times keep that order, or its reverse.
    found.reverse()
    found.sort(key=lambda pair: getattr(pair[0], key))
    if not up:
        found.reverse()
    chosen = found[pages.offset : pages.offset + pages.limit]
    return pages.of([shown(call, task, video) for task, video in chosen], len(found))


@router.get("/tasks/{task_id}", response_model=Out, response_model_exclude_none=True)
def retrieve(call: Call, task_id: str) -> Any:
    """Look at one task."""
    task, video = _task(call, task_id)
    return shown(call, task, video)


@router.delete("/tasks/{task_id}", response_class=Response)
def delete(call: Call, task_id: str) -> Response:
    """Delete a task. One that is at work is cancelled; one that is ready goes after its video."""
    task, video = _task(call, task_id)
    if video is not None and video.status == READY and status_of(task, video) != "failed":
        raise ApiError(
            400, "resource_conflict", "The task's video is still there; delete the video first."
        )
    if video is not None and not task.status.ended:
        videos.remove(call, video)
    call.catalog.delete_task(call.manage, task.id)
    return Response(status_code=200)


def tasks_in(call: Caller, index_id: str | None) -> list[Task]:
    """The caller's tasks of one index, none where it is unknown, or of all."""
    try:
        scope = call.manage if index_id is None else call.scope(Purpose.MANAGE, index_id)
    except NotFound:
        return []
    return call.catalog.tasks(scope)


def _task(call: Caller, task_id: str) -> tuple[Task, Resource | None]:
    try:
        task = call.catalog.task(call.manage, task_id)
    except NotFound:
        raise unknown("task", task_id) from None
    if video_of(task.source) is None:
        raise unknown("task", task_id)
    return task, _video(call, task)


def _video(call: Caller, task: Task) -> Resource | None:
    video_id = video_of(task.source)
    if video_id is None:
        return None
    try:
        return call.catalog.resource(call.manage, Kind.VIDEO, video_id)
    except NotFound:
        return None


def _named(video: Resource | None, part: str | None) -> bool:
    """Whether a part of the file's name is given, whatever the case."""
    return part is None or (video is not None and folded(part) in folded(video.name))


def _fits(video: Resource | None, name: str, bounds: list[tuple[str, float]]) -> bool:
    if not bounds:
        return True
    value = None if video is None else video.body.get(name)
    if value is None:
        return False
    tests = {"==": operator.eq, ">=": operator.ge, "<=": operator.le}
    return all(tests[name](value, bound) for name, bound in bounds)


def status_of(task: Task, video: Resource | None) -> str:
    """Where a task stands, in the words of v1.3."""
    # What waits is queued, whatever became of its video before.
    if video is not None and task.status is Status.RUNNING:
        return video.status
    return {
        Status.QUEUED: "queued",
        Status.RUNNING: "indexing",
        Status.READY: "ready",
        Status.FAILED: "failed",
        Status.CANCELLED: "failed",
    }[task.status]


def shown(call: Caller, task: Task, video: Resource | None) -> dict[str, Any]:
    """A task as v1.3 shows it. Of a video that was deleted nothing is known but its id."""
    error: Mapping[str, Any] | None = task.error
    if task.status is Status.CANCELLED:
        error = {"message": "The task was cancelled.", "code": "cancelled"}
    return {
        "_id": task.id,
        "video_id": video_of(task.source) or "",
        "created_at": text_of(task.created_at),
        "updated_at": text_of(task.updated_at),
        "status": status_of(task, video),
        "index_id": task.index_id,
        "system_metadata": {}
        if video is None
        else {
            "filename": video.name,
            **{name: video.body.get(name) for name in ("duration", "width", "height")},
        },
        "hls": None if video is None else videos.hls_of(call, video),
        "error": None if error is None else {"message": error["message"], "code": error["code"]},
    }
