"""Video indexing tasks: upload and index in one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import File, Form, Query, Request, Response, UploadFile

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import ApiError, missing_parameter
from videlicet.api.parameters import Pages, format_time, is_ascending, parse_time, sort_column
from videlicet.api.routing import V1_3, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.common import number_bounds, parse_metadata
from videlicet.api.v1_3.schemas.tasks import IndexingTaskOut, TaskCreated
from videlicet.api.v1_3.video_shapes import hls_to_json
from videlicet.ingest.progress import printable_source
from videlicet.services import assets, indexing
from videlicet.services.assets import NewAsset
from videlicet.services.indexes import get_index
from videlicet.services.indexing import IndexingTask, TaskFilter
from videlicet.types import Status, VideoStatus

router = router_for("tasks", V1_3)

StatusName = Literal["ready", "uploading", "validating", "pending", "queued", "indexing", "failed"]


@router.post("/tasks", response_model=TaskCreated)
def create(
    call: Call,
    index_id: Annotated[str, Form()],
    video_url: Annotated[str | None, Form()] = None,
    enable_video_stream: Annotated[bool, Form()] = True,
    user_metadata: Annotated[str | None, Form()] = None,
    video_file: Annotated[UploadFile | None, File()] = None,
) -> Any:
    """Upload a video, or have one fetched, and index it."""
    index = get_index(call, index_id)
    metadata = {} if user_metadata is None else parse_metadata(user_metadata)
    if video_file is not None:
        new = NewAsset(video_file.filename or "upload", metadata, enable_video_stream)
        asset = assets.upload_asset(call, new, video_file.file)
    elif video_url:
        new = NewAsset(assets.name_in(video_url), metadata, enable_video_stream)
        asset = assets.fetch_asset(call, new, video_url, "video_url")
    else:
        raise missing_parameter("video_file")
    video, task = indexing.index_asset(call, index, asset, metadata, stream=enable_video_stream)
    return {"_id": task.id, "video_id": video.id}


@router.get("/tasks", response_model=Page[IndexingTaskOut], response_model_exclude_none=True)
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
    key, up = sort_column(sort_by), is_ascending(sort_option)
    wanted = TaskFilter(
        index_id=index_id,
        status=status or (),
        name_part=filename,
        created_since=parse_time("created_at", created_at),
        updated_since=parse_time("updated_at", updated_at),
        numbers={name: number_bounds(request, name) for name in ("duration", "width", "height")},
    )
    found, total = indexing.list_indexing_tasks(
        call, wanted, sort_by=key, ascending=up, offset=pages.offset, limit=pages.limit
    )
    return pages.response([task_to_json(call, one) for one in found], total)


@router.get("/tasks/{task_id}", response_model=IndexingTaskOut, response_model_exclude_none=True)
def retrieve(call: Call, task_id: str) -> Any:
    """Look at one task."""
    return task_to_json(call, indexing.get_indexing_task(call, task_id))


@router.delete("/tasks/{task_id}", response_class=Response)
def delete(call: Call, task_id: str) -> Response:
    """Delete a task. One that is at work is cancelled; one that is ready goes after its video."""
    one = indexing.get_indexing_task(call, task_id)
    if one.video is not None and one.video.status is VideoStatus.READY and one.stage != "failed":
        raise ApiError(
            400, "resource_conflict", "The task's video is still there; delete the video first."
        )
    indexing.delete_task(call, one)
    return Response(status_code=200)


def task_to_json(call: HttpCaller, one: IndexingTask) -> dict[str, Any]:
    """A task as v1.3 shows it. Of a video that was deleted nothing is known but its id."""
    task, video = one.task, one.video
    error: Mapping[str, Any] | None = task.error
    if task.status is Status.CANCELLED:
        error = {"message": "The task was cancelled.", "code": "cancelled"}
    return {
        "_id": task.id,
        "video_id": task.video_id or "",
        "created_at": format_time(task.created_at),
        "updated_at": format_time(task.updated_at),
        "status": one.stage,
        "index_id": task.index_id,
        "system_metadata": {}
        if video is None
        else {
            "filename": printable_source(video.name),
            **{name: getattr(video.asset, name) for name in ("duration", "width", "height")},
        },
        "hls": None if video is None else hls_to_json(call, video),
        "error": None if error is None else {"message": error["message"], "code": error["code"]},
    }
