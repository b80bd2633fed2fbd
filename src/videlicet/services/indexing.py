"""Videos: assets inside indexes, and the tasks that index them."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from videlicet.embedding.clips import embed_clips
from videlicet.embedding.spans import TimedVectors
from videlicet.errors import InvalidInput, NotFound
from videlicet.ingest import files, videos
from videlicet.ingest.indexing import index_file, remove_video
from videlicet.ingest.indexing import videos_of_file as every_video_of
from videlicet.ingest.tasks import mark_cancelled, requeue, require_retryable
from videlicet.ingest.videos import video_id_of
from videlicet.rights import Purpose
from videlicet.services.indexes import options_of
from videlicet.services.problems import unknown
from videlicet.services.user_metadata import merge_metadata
from videlicet.store.catalog.schema import casefolded
from videlicet.types import Index, Kind, Modality, Resource, Status, Task

if TYPE_CHECKING:
    from videlicet.services.caller import Caller

#: The numbers that are known of a video.
NUMBERS = ("duration", "fps", "width", "height", "size")
#: Seconds of a clip that has a vector of its own.
CLIP_SECONDS = 6.0
#: A number filter: an operator of :data:`_TESTS` and a bound.
Bound = tuple[str, float]

_TESTS = {"==": operator.eq, ">=": operator.ge, "<=": operator.le}


@dataclass(frozen=True, slots=True)
class VideoFilter:
    """Which videos of an index a list holds. Values of ``metadata`` are text, and are compared by
    the type that is stored."""

    status: Collection[str] = ()
    name_part: str | None = None
    created_since: datetime | None = None
    updated_since: datetime | None = None
    numbers: Mapping[str, Sequence[Bound]] = field(default_factory=dict)
    metadata: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which indexing tasks of uploaded videos a list holds."""

    index_id: str | None = None
    status: Collection[Status | str] = ()
    name_part: str | None = None
    created_since: datetime | None = None
    updated_since: datetime | None = None
    numbers: Mapping[str, Sequence[Bound]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IndexingTask:
    """A task with its video, as long as that is there."""

    task: Task
    video: Resource | None

    @property
    def stage(self) -> str:
        """Where the video is while the task runs; else where the task is."""
        # A task that waits is queued, whatever became of its video before.
        if self.video is not None and self.task.status is Status.RUNNING:
            return self.video.status
        return _STAGES[self.task.status]


_STAGES = {
    Status.QUEUED: "queued",
    Status.RUNNING: "indexing",
    Status.READY: "ready",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
}


# -- videos -------------------------------------------------------------------------------------


def index_asset(
    caller: Caller, index: Index, file: Resource, metadata: Mapping[str, Any], *, stream: bool
) -> tuple[Resource, Task]:
    """Put an asset into an index: its video there, and the task that indexes it.

    Raises:
        InvalidInput: ``asset_not_ready`` or ``asset_type_not_supported``.
    """
    require_indexable(file)
    made = index_file(
        caller.scope(Purpose.INGEST), caller.store, index, file, metadata, stream=stream
    )
    caller.platform.worker_client.notify()
    return made


def require_indexable(file: Resource) -> None:
    """Refuse an asset that can never be indexed. One that is not ready yet may wait.

    Raises:
        InvalidInput: ``asset_not_ready`` or ``asset_type_not_supported``.
    """
    if file.status == files.FAILED:
        raise InvalidInput(
            "asset_not_ready", "The asset could not be read; upload it again.", subject=file.id
        )
    if file.status == files.READY and file.body.get("kind") not in ("video", "audio"):
        raise InvalidInput(
            "asset_type_not_supported", "Only videos and sounds can be indexed.", subject=file.id
        )


def get_video(caller: Caller, index: Index, video_id: str) -> Resource:
    """A video of an index.

    Raises:
        NotFound: ``asset_not_found``.
    """
    try:
        found = caller.catalog.resource(caller.manage, Kind.VIDEO, video_id)
    except NotFound:
        raise unknown("video", video_id) from None
    if found.parent != index.id:
        raise unknown("video", video_id)
    return found


def list_videos(
    caller: Caller,
    index: Index,
    wanted: VideoFilter,
    *,
    sort_by: str = "created_at",
    ascending: bool = False,
    offset: int = 0,
    limit: int | None = None,
) -> tuple[list[Resource], int]:
    """A page of an index's videos, and how many there are in all. ``sort_by`` is a time, the
    ``name``, or one of :data:`NUMBERS`."""
    chosen: dict[str, Any] = {
        "parent": index.id,
        "status": wanted.status,
        "named_like": wanted.name_part,
        "since": wanted.created_since,
        "updated_since": wanted.updated_since,
        "body": [([key], *bound) for key, bounds in wanted.numbers.items() for bound in bounds],
        "ascending": ascending,
    }
    chosen["by_number" if sort_by in NUMBERS else "sort"] = sort_by
    if not wanted.metadata:
        return caller.catalog.find_resources(
            caller.manage, Kind.VIDEO, offset=offset, limit=limit, **chosen
        )
    rows, _ = caller.catalog.find_resources(caller.manage, Kind.VIDEO, **chosen)
    rows = [row for row in rows if all(_matches(row, *one) for one in wanted.metadata)]
    return rows[offset : None if limit is None else offset + limit], len(rows)


def list_videos_of(caller: Caller, asset_id: str) -> list[Resource]:
    """The videos of an asset in the caller's indexes; those in hidden ones are left out."""
    named = {index.id for index in caller.catalog.indexes(caller.manage)}
    found = every_video_of(caller.manage, caller.store, asset_id)
    return [video for video in found if video.parent in named]


def update_video_metadata(caller: Caller, video: Resource, changes: Mapping[str, Any]) -> None:
    """Change user metadata of a video; null deletes a key. Searches filter by it at once."""
    old = video.body.get("user_metadata") or {}
    new = merge_metadata(old, changes)
    caller.catalog.update_resource(caller.manage, Kind.VIDEO, video.id, body={"user_metadata": new})
    gone = {videos.filter_field(key): None for key in old if key not in new}
    with suppress(NotFound):  # not indexed yet: the worker attaches what it finds then
        caller.catalog.set_metadata(
            caller.manage, video.id, {**videos.filterable_metadata(new), **gone}
        )


def delete_video(caller: Caller, video: Resource) -> None:
    """Take a video out of its index with everything derived from it; the asset stays."""
    remove_video(caller.manage, caller.store, video)


def video_vectors(
    caller: Caller, index: Index, video: Resource, options: Sequence[str]
) -> list[dict[str, Any]]:
    """The vectors of a video, clip by clip and as a whole."""
    span = caller.catalog.asset(caller.scope(Purpose.EMBED_EXPORT), video.id).media.span
    request = {
        "options": [one for one in options if one in options_of(index) or one != "audio"],
        "scopes": ["clip", "asset"],
        "types": ["separate"],
        "clip": CLIP_SECONDS,
    }
    return embed_clips(stored_strips(caller, index, video.id), span, request)


def stored_strips(caller: Caller, index: Index, video_id: str) -> dict[str, TimedVectors]:
    """The stored vectors along a video, by what they are of."""
    scope = caller.scope(Purpose.EMBED_EXPORT, index.id)
    encoders = caller.platform.encoders(index.cards)
    text = encoders.text.card.space
    wanted = {"words": (Modality.SPEECH, text), "screen": (Modality.TEXT, text)}
    if "vision" in index.cards:
        wanted["meaning"] = (Modality.VISUAL, text)
        wanted["looks"] = (Modality.VISUAL, encoders.vision.card.space)
    if "sound" in index.cards:
        wanted["sounds"] = (Modality.SOUND, encoders.sound.card.space)
    found = {}
    for name, (modality, space) in wanted.items():
        batch = caller.store.vectors.of_asset(scope, modality, space, video_id)
        if batch is not None:
            found[name] = TimedVectors(batch.spans, batch.vectors)
    return found


# -- tasks --------------------------------------------------------------------------------------


def get_task(caller: Caller, task_id: str) -> Task:
    """A task of the caller's, whatever its source.

    Raises:
        NotFound: ``task_not_found``.
    """
    try:
        return caller.catalog.task(caller.manage, task_id)
    except NotFound:
        raise unknown("task", task_id) from None


def get_indexing_task(caller: Caller, task_id: str) -> IndexingTask:
    """A task that indexes an uploaded video.

    Raises:
        NotFound: ``task_not_found``, also for one that indexes a path.
    """
    task = get_task(caller, task_id)
    video_id = video_id_of(task.source)
    if video_id is None:
        raise unknown("task", task_id)
    try:
        return IndexingTask(task, caller.catalog.resource(caller.manage, Kind.VIDEO, video_id))
    except NotFound:
        return IndexingTask(task, None)


def list_tasks(
    caller: Caller, *, index_id: str | None = None, status: Collection[str] = ()
) -> list[Task]:
    """The caller's tasks, newest first; of one index or of some states, if given."""
    if index_id is None:
        scope = caller.manage
    else:
        try:
            scope = caller.scope(Purpose.MANAGE, index_id)
        except NotFound:
            return []
    found = caller.catalog.tasks(scope)
    return [task for task in found if not status or task.status in status]


def list_indexing_tasks(
    caller: Caller, wanted: TaskFilter, *, sort_by: str = "created_at", ascending: bool = False
) -> list[IndexingTask]:
    """The caller's tasks that index uploaded videos and pass a filter, sorted."""
    rows, _ = caller.catalog.find_resources(caller.manage, Kind.VIDEO, parent=wanted.index_id)
    by_id = {row.id: row for row in rows}
    named = {index.id for index in caller.catalog.indexes(caller.manage)}
    found = []
    for task in list_tasks(caller, index_id=wanted.index_id):
        video_id = video_id_of(task.source)
        if video_id is None or task.index_id not in named:
            continue
        one = IndexingTask(task, by_id.get(video_id))
        if _passes(one, wanted):
            found.append(one)
    # The newest come first already: equal times keep that order, or its reverse.
    found.reverse()
    found.sort(key=lambda one: getattr(one.task, sort_by))
    if not ascending:
        found.reverse()
    return found


def names_of(caller: Caller, tasks: Iterable[Task]) -> dict[str, str]:
    """The names of the videos that tasks index, by the videos' ids."""
    ids = [id for task in tasks if (id := video_id_of(task.source)) is not None]
    rows, _ = caller.catalog.find_resources(caller.manage, Kind.VIDEO, ids=ids)
    return {row.id: row.name for row in rows}


def cancel_task(caller: Caller, task_id: str) -> Task:
    """Cancel a task that is queued or running. What it has derived so far is taken back.

    Raises:
        NotFound: ``task_not_found``.
        Conflict: ``task_not_cancellable``.
    """
    return mark_cancelled(caller.manage, caller.store, get_task(caller, task_id).id)


def retry_task(caller: Caller, task_id: str) -> Task:
    """Have a task that failed or was cancelled tried again.

    Raises:
        NotFound: ``task_not_found``.
        Conflict: ``task_not_retryable``.
    """
    task = get_task(caller, task_id)
    require_retryable(task)
    again = requeue(caller.manage, caller.store, task)
    caller.platform.worker_client.notify()
    return again


def delete_task(caller: Caller, one: IndexingTask) -> None:
    """Delete a task; one that has not ended takes its video with it."""
    if one.video is not None and not one.task.status.ended:
        delete_video(caller, one.video)
    caller.catalog.delete_task(caller.manage, one.task.id)


def _passes(one: IndexingTask, wanted: TaskFilter) -> bool:
    video = one.video
    return (
        (not wanted.status or one.stage in wanted.status)
        and (
            wanted.name_part is None
            or (video is not None and casefolded(wanted.name_part) in casefolded(video.name))
        )
        and (wanted.created_since is None or one.task.created_at >= wanted.created_since)
        and (wanted.updated_since is None or one.task.updated_at >= wanted.updated_since)
        and all(_fits(video, name, bounds) for name, bounds in wanted.numbers.items())
    )


def _fits(video: Resource | None, name: str, bounds: Sequence[Bound]) -> bool:
    if not bounds:
        return True
    value = None if video is None else video.body.get(name)
    if value is None:
        return False
    return all(_TESTS[test](value, bound) for test, bound in bounds)


def _matches(row: Resource, key: str, text: str) -> bool:
    value = (row.body.get("user_metadata") or {}).get(key)
    match value:
        case None:
            return False
        case bool():
            return text.casefold() == str(value).casefold()
        case int() | float():
            try:
                return float(text) == float(value)
            except ValueError:
                return False
        case list():
            return text in value
        case _:
            return str(value) == text
