"""Tools that list and add."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, cast

from videlicet.mcp import schemas
from videlicet.mcp.seat import index_of
from videlicet.rights import Purpose
from videlicet.search.lanes import modalities_of
from videlicet.types import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from videlicet.mcp.seat import Seat
    from videlicet.types import Task

#: Most tasks that are told of at once.
MOST_TASKS = 50

#: How states of tasks and of videos are told of a video.
_STATES = {
    "running": "indexing", "validating": "indexing", "indexing": "indexing",
    "cancelled": "failed", "failed": "failed", "ready": "ready",
}  # fmt: skip


def list_indexes(seat: Seat, _: schemas.ListIndexes) -> schemas.Indexes:
    """Every index of the caller's."""
    scope = seat.scope(Purpose.MANAGE)
    catalog = seat.store.catalog
    return schemas.Indexes(
        indexes=[
            schemas.Index(
                id=index.id,
                name=index.name,
                videos=len(catalog.members(seat.store.scope(scope, index.id))),
                modalities=list[str](modalities_of(index.cards)),
                created_at=index.created_at.isoformat(),
            )
            for index in catalog.indexes(scope)
        ]
    )


def list_videos(seat: Seat, asked: schemas.ListVideos) -> schemas.Videos:
    """A page of an index's recordings."""
    index = index_of(seat, asked.index)
    rows, total = seat.videos(index, (asked.page - 1) * asked.limit, asked.limit)
    return schemas.Videos(
        index_id=index.id,
        videos=[
            schemas.Video(
                id=row.id,
                name=row.name,
                status=cast(Any, _STATES.get(row.status, "queued")),
                duration=None if row.duration is None else round(row.duration, 3),
                added_at=row.added_at.isoformat(),
                error=None if row.error is None else reason(row.error),
            )
            for row in rows
        ],
        total=total,
        next_page=asked.page + 1 if asked.page * asked.limit < total else None,
    )


def add_video(seat: Seat, asked: schemas.AddVideo) -> schemas.Added:
    """Begin to take in a recording."""
    done = seat.add(asked.index, asked.source)
    return schemas.Added(
        index_id=done.index.id,
        tasks=shown(seat, done.tasks[:MOST_TASKS]),
        total=len(done.tasks),
        refused=[
            schemas.Refused(source=name, error=reason(error))
            for name, error in done.refused[:MOST_TASKS]
        ],
    )


def get_task(seat: Seat, asked: schemas.GetTask) -> schemas.TaskFound:
    """How far a task is."""
    task = seat.store.catalog.task(seat.scope(Purpose.MANAGE), asked.task_id)
    return schemas.TaskFound(task=shown(seat, [task])[0])


def shown(seat: Seat, tasks: Sequence[Task]) -> list[schemas.Task]:
    """Tasks as agents see them. Where files lie is not told."""
    from videlicet.ingest.videos import video_of

    ids = [id for task in tasks if (id := video_of(task.source)) is not None]
    names = {}
    if ids:
        rows, _ = seat.store.catalog.find_resources(seat.scope(Purpose.MANAGE), Kind.VIDEO, ids=ids)
        names = {row.id: row.name for row in rows}
    return [
        schemas.Task(
            id=task.id,
            index_id=task.index_id,
            video_id=video_of(task.source) or task.asset_id,
            name=names.get(video_of(task.source) or "", "") or name_of(task),
            status=task.status.value,
            stage=task.stage,
            done_s=round(task.done_s, 3),
            total_s=None if task.total_s is None else round(task.total_s, 3),
            error=None if task.error is None else reason(task.error),
        )
        for task in tasks
    ]


def name_of(task: Task) -> str:
    """The name of the file that a task takes in; empty, where a video has it."""
    from videlicet.ingest.videos import video_of

    return "" if video_of(task.source) is not None else PurePath(task.source).name


def reason(error: Mapping[str, Any]) -> schemas.Reason:
    """An error as it is kept, without what it is about: that may be a path."""
    return schemas.Reason.model_validate(
        {name: error[name] for name in schemas.Reason.model_fields if name in error}
    )
