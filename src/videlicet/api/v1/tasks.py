"""Indexing tasks: how far they are, calling them off, and trying again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.parameters import Pages, format_time
from videlicet.api.routing import V1, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1.schemas import TaskOut, TaskStatus
from videlicet.ingest.progress import printable_source
from videlicet.services import indexing
from videlicet.types import Task

router = router_for("tasks", V1)


@router.get("/tasks", response_model=Page[TaskOut], response_model_exclude_none=True)
def find(
    call: Call,
    pages: Pages,
    status: Annotated[list[TaskStatus] | None, Query()] = None,
    index_id: str | None = None,
) -> Any:
    """List tasks, newest first; of some states or of one index, if given."""
    found = indexing.list_tasks(call, index_id=index_id, status=status or ())
    chosen = found[pages.offset : pages.offset + pages.limit]
    names = indexing.names_of(call, chosen)
    return pages.response([task_to_json(task, names) for task in chosen], len(found))


@router.get("/tasks/{task_id}", response_model=TaskOut, response_model_exclude_none=True)
def retrieve(call: Call, task_id: str) -> Any:
    """How far a task is."""
    return _task_response(call, indexing.get_task(call, task_id))


@router.post("/tasks/{task_id}/cancel", response_model=TaskOut, response_model_exclude_none=True)
def cancel(call: Call, task_id: str) -> Any:
    """Call off a task that is queued or running. What it has done so far is taken back, and its
    video fails with the code ``cancelled``."""
    return _task_response(call, indexing.cancel_task(call, task_id))


@router.post("/tasks/{task_id}/retry", response_model=TaskOut, response_model_exclude_none=True)
def retry(call: Call, task_id: str) -> Any:
    """Try a task again that failed or was cancelled."""
    return _task_response(call, indexing.retry_task(call, task_id))


def _task_response(call: HttpCaller, task: Task) -> dict[str, Any]:
    return task_to_json(task, indexing.names_of(call, [task]))


def task_to_json(task: Task, names: dict[str, str]) -> dict[str, Any]:
    """A task; ``names`` are those of what tasks index. Paths on the server are not shown."""
    return {
        "id": task.id,
        "index_id": task.index_id,
        "video_id": task.video_id,
        "name": printable_source(names[task.id]),
        "status": task.status.value,
        "stage": task.stage,
        "done_s": task.done_s,
        "total_s": task.total_s,
        "attempts": task.attempts,
        "error": task.error,
        "created_at": format_time(task.created_at),
        "updated_at": format_time(task.updated_at),
    }
