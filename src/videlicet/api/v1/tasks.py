"""Indexing tasks: how far they are, calling them off, and trying again."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any

from fastapi import Query

from videlicet.api.errors import unknown
from videlicet.api.v1.schemas import TaskOut, TaskStatus
from videlicet.api.v1_3.common import Call, Caller, Pages, router_for, text_of
from videlicet.api.v1_3.schemas.common import Page
from videlicet.api.v1_3.tasks import tasks_in
from videlicet.errors import NotFound
from videlicet.ingest.progress import printable
from videlicet.ingest.tasks import call_off, requeue, require_tried
from videlicet.ingest.videos import video_of
from videlicet.types import Kind, Task

router = router_for("tasks")


@router.get("/tasks", response_model=Page[TaskOut], response_model_exclude_none=True)
def find(
    call: Call,
    pages: Pages,
    status: Annotated[list[TaskStatus] | None, Query()] = None,
    index_id: str | None = None,
) -> Any:
    """List tasks, newest first; of some states or of one index, if given."""
    found = [task for task in tasks_in(call, index_id) if not status or task.status in status]
    chosen = found[pages.offset : pages.offset + pages.limit]
    ids = [id for task in chosen if (id := video_of(task.source)) is not None]
    rows, _ = call.catalog.find_resources(call.manage, Kind.VIDEO, ids=ids)
    names = {row.id: row.name for row in rows}
    return pages.of([shown(task, names) for task in chosen], len(found))


@router.get("/tasks/{task_id}", response_model=TaskOut, response_model_exclude_none=True)
def retrieve(call: Call, task_id: str) -> Any:
    """How far a task is."""
    return _answer(call, task_of(call, task_id))


@router.post("/tasks/{task_id}/cancel", response_model=TaskOut, response_model_exclude_none=True)
def cancel(call: Call, task_id: str) -> Any:
    """Call off a task that is queued or running. What it has done so far is taken back, and its
    video fails with the code ``cancelled``."""
    return _answer(call, call_off(call.manage, call.store, task_of(call, task_id).id))


@router.post("/tasks/{task_id}/retry", response_model=TaskOut, response_model_exclude_none=True)
def retry(call: Call, task_id: str) -> Any:
    """Try a task again that failed or was cancelled."""
    task = task_of(call, task_id)
    require_tried(task)
    again = requeue(call.manage, call.store, task)
    call.service.work.wake()
    return _answer(call, again)


def task_of(call: Caller, task_id: str) -> Task:
    """A task of the caller's."""
    try:
        return call.catalog.task(call.manage, task_id)
    except NotFound:
        raise unknown("task", task_id) from None


def _answer(call: Caller, task: Task) -> dict[str, Any]:
    video_id = video_of(task.source)
    ids = [] if video_id is None else [video_id]
    rows, _ = call.catalog.find_resources(call.manage, Kind.VIDEO, ids=ids)
    return shown(task, {row.id: row.name for row in rows})


def shown(task: Task, names: dict[str, str]) -> dict[str, Any]:
    """A task; ``names`` are those of videos by id. Where files lie on the server is not told."""
    video_id = video_of(task.source)
    name = PurePath(printable(task.source)).name if video_id is None else names.get(video_id, "")
    return {
        "id": task.id,
        "index_id": task.index_id,
        "video_id": video_id,
        "name": name,
        "status": task.status.value,
        "stage": task.stage,
        "done_s": task.done_s,
        "total_s": task.total_s,
        "attempts": task.attempts,
        "error": task.error,
        "created_at": text_of(task.created_at),
        "updated_at": text_of(task.updated_at),
    }
