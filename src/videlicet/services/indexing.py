"""Videos: assets inside indexes, and the tasks that index them."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from videlicet.embedding.clips import embed_clips
from videlicet.embedding.spans import TimedVectors
from videlicet.errors import InvalidInput, NotFound
from videlicet.ingest.indexing import add_video, remove_video
from videlicet.ingest.tasks import mark_cancelled, requeue, require_retryable
from videlicet.rights import Purpose
from videlicet.services.indexes import options_of
from videlicet.services.problems import unknown
from videlicet.services.user_metadata import merge_metadata
from videlicet.store.catalog.schema import casefolded
from videlicet.store.records import VideoFilter
from videlicet.types import Asset, AssetStatus, Index, Modality, Status, Task, Video

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
class TaskFilter:
    """Which indexing tasks a list holds."""

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
    video: Video | None

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


@dataclass(frozen=True, slots=True)
class ListedVideo:
    """A video of an index, or a path or URL that is to become one: exactly one of the two."""

    video: Video | None = None
    task: Task | None = None


# -- videos -------------------------------------------------------------------------------------


def index_asset(
    caller: Caller, index: Index, asset: Asset, metadata: Mapping[str, Any], *, stream: bool
) -> tuple[Video, Task]:
    """Put an asset into an index: its video there, and the task that indexes it.

    Raises:
        InvalidInput: ``asset_not_ready`` or ``asset_type_not_supported``.
    """
    require_indexable(asset)
    made = add_video(
        caller.scope(Purpose.INGEST), caller.store, index, asset, metadata, stream=stream
    )
    caller.platform.worker_client.notify()
    return made


def require_indexable(asset: Asset) -> None:
    """Refuse an asset that can never be indexed. One that is not ready yet may wait.

    Raises:
        InvalidInput: ``asset_not_ready`` or ``asset_type_not_supported``.
    """
    if asset.status is AssetStatus.FAILED:
        raise InvalidInput(
            "asset_not_ready", "The asset could not be read; upload it again.", subject=asset.id
        )
    if asset.status is AssetStatus.READY and asset.type not in ("video", "audio"):
        raise InvalidInput(
            "asset_type_not_supported", "Only videos and sounds can be indexed.", subject=asset.id
        )


def get_video(caller: Caller, index: Index, video_id: str) -> Video:
    """A video of an index.

    Raises:
        NotFound: ``asset_not_found``.
    """
    try:
        found = caller.catalog.video(caller.manage, video_id)
    except NotFound:
        raise unknown("video", video_id) from None
    if found.index_id != index.id:
        raise unknown("video", video_id)
    return found


def video_ids(caller: Caller, index: Index, asset_ids: Iterable[str]) -> dict[str, str]:
    """The ids of the videos that assets are in an index, by the assets' ids; an asset that is not
    in it is left out."""
    return caller.catalog.video_ids(caller.scope(Purpose.SEARCH, index.id), set(asset_ids))


def videos_of(caller: Caller, index: Index, asset_ids: Iterable[str]) -> dict[str, Video]:
    """The videos that assets are in an index, by the assets' ids; an asset that is not in it is
    left out."""
    ids = video_ids(caller, index, asset_ids)
    found = caller.catalog.videos(caller.scope(Purpose.SEARCH, index.id), ids=ids.values())
    return {video.asset_id: video for video in found}


def asset_ids(caller: Caller, index: Index, ids: Iterable[str]) -> dict[str, str]:
    """The ids of the assets that videos of an index are, by the videos' ids; a video that is not
    there is left out."""
    scope = caller.scope(Purpose.SEARCH, index.id)
    return {video.id: video.asset_id for video in caller.catalog.videos(scope, ids=set(ids))}


def to_asset_ids(caller: Caller, index: Index, ids: Sequence[str]) -> list[str]:
    """The ids of the assets that videos of an index are, in their order; an id that is of no video
    stays: nothing has it, or an asset."""
    known = asset_ids(caller, index, ids)
    return [known.get(one, one) for one in ids]


def list_videos(
    caller: Caller,
    index: Index,
    wanted: VideoFilter,
    *,
    sort_by: str = "created_at",
    ascending: bool = False,
    offset: int = 0,
    limit: int | None = None,
) -> tuple[list[Video], int]:
    """A page of an index's videos, and how many there are in all. ``sort_by`` is a time, the
    ``name``, or one of :data:`NUMBERS`."""
    return caller.catalog.find_videos(
        caller.scope(Purpose.MANAGE, index.id), wanted, sort_by=sort_by, ascending=ascending,
        offset=offset, limit=limit,
    )  # fmt: skip


def list_videos_of(caller: Caller, asset_id: str) -> list[Video]:
    """The videos of an asset in the caller's indexes; those in hidden ones are left out."""
    named = {index.id for index in caller.catalog.indexes(caller.manage)}
    found = caller.catalog.videos(caller.manage, asset_id=asset_id)
    return [video for video in found if video.index_id in named]


def list_videos_and_sources(
    caller: Caller, index: Index, *, offset: int, limit: int
) -> tuple[list[ListedVideo], int]:
    """A page of an index's videos, newest first, and how many there are in all. Before them come
    paths and URLs of which nothing is known yet, because they wait or could not be read."""
    sources = _sources(caller, index)
    chosen = [ListedVideo(task=task) for task in sources[offset : offset + limit]]
    found, total = list_videos(
        caller, index, VideoFilter(), offset=max(0, offset - len(sources)),
        limit=limit - len(chosen),
    )  # fmt: skip
    return [*chosen, *(ListedVideo(video=video) for video in found)], len(sources) + total


def _sources(caller: Caller, index: Index) -> list[Task]:
    """The newest task of each path or URL that has become no video."""
    scope = caller.scope(Purpose.MANAGE, index.id)
    states = [status for status in Status if status is not Status.READY]
    waiting = [task for status in states for task in caller.catalog.tasks(scope, status=status)]
    if not any(task.source and task.video_id is None for task in waiting):
        return []
    newest: dict[str, Task] = {}
    for task in caller.catalog.tasks(scope):
        newest.setdefault(task.source, task)
    return [
        task
        for source, task in newest.items()
        if source and task.video_id is None and task.status is not Status.READY
    ]


def update_video_metadata(caller: Caller, video: Video, changes: Mapping[str, Any]) -> None:
    """Change user metadata of a video; null deletes a key. Searches filter by it at once."""
    caller.catalog.update_video(
        caller.manage, video.id, metadata=merge_metadata(video.metadata, changes)
    )


def delete_video(caller: Caller, video: Video) -> None:
    """Take a video out of its index with everything derived from it. The asset stays, unless it was
    added to indexes only and this was the last."""
    remove_video(caller.manage, caller.store, video)


def video_vectors(
    caller: Caller, index: Index, video: Video, options: Sequence[str]
) -> list[dict[str, Any]]:
    """The vectors of a video, clip by clip and as a whole."""
    span = video.asset.media.span
    request = {
        "options": [one for one in options if one in options_of(index) or one != "audio"],
        "scopes": ["clip", "asset"],
        "types": ["separate"],
        "clip": CLIP_SECONDS,
    }
    return embed_clips(stored_strips(caller, index, video.asset_id), span, request)


def stored_strips(caller: Caller, index: Index, asset_id: str) -> dict[str, TimedVectors]:
    """The stored vectors along an asset of an index, by what they are of."""
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
        batch = caller.store.vectors.of_asset(scope, modality, space, asset_id)
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
    """A task that indexes an asset.

    Raises:
        NotFound: ``task_not_found``, also for one that adds a path or a URL.
    """
    task = get_task(caller, task_id)
    if task.source:
        raise unknown("task", task_id)
    (one,) = _with_videos(caller, [task])
    return one


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
    caller: Caller,
    wanted: TaskFilter,
    *,
    sort_by: str = "created_at",
    ascending: bool = False,
    offset: int = 0,
    limit: int | None = None,
) -> tuple[list[IndexingTask], int]:
    """A page of the caller's tasks that index assets and pass a filter, sorted, and how many there
    are in all."""
    named = {index.id for index in caller.catalog.indexes(caller.manage)}
    tasks = [
        task
        for task in list_tasks(caller, index_id=wanted.index_id)
        if not task.source and task.index_id in named and _task_passes(task, wanted)
    ]
    if _needs_videos(wanted):
        passing = [one for one in _with_videos(caller, tasks) if _passes(one, wanted)]
        tasks = [one.task for one in passing]
    # The newest come first already: equal times keep that order, or its reverse.
    tasks.reverse()
    tasks.sort(key=lambda task: getattr(task, sort_by))
    if not ascending:
        tasks.reverse()
    end = None if limit is None else offset + limit
    return _with_videos(caller, tasks[offset:end]), len(tasks)


def _with_videos(caller: Caller, tasks: Sequence[Task]) -> list[IndexingTask]:
    ids = {task.video_id for task in tasks if task.video_id is not None}
    found = {video.id: video for video in caller.catalog.videos(caller.manage, ids=ids)}
    return [IndexingTask(task, found.get(task.video_id or "")) for task in tasks]


def names_of(caller: Caller, tasks: Iterable[Task]) -> dict[str, str]:
    """The names of what tasks index, by the tasks' ids: those of the videos, or the last parts of
    the paths and URLs. Of a video that was deleted nothing is known."""
    return {
        one.task.id: source_name(one.task) if one.video is None else one.video.name
        for one in _with_videos(caller, list(tasks))
    }


def source_name(task: Task) -> str:
    """The last part of the path or URL that a task adds; empty where it adds none."""
    return PurePath(task.source).name


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


def _task_passes(task: Task, wanted: TaskFilter) -> bool:
    return (wanted.created_since is None or task.created_at >= wanted.created_since) and (
        wanted.updated_since is None or task.updated_at >= wanted.updated_since
    )


def _needs_videos(wanted: TaskFilter) -> bool:
    numbers = any(bounds for bounds in wanted.numbers.values())
    return bool(wanted.status) or wanted.name_part is not None or numbers


def _passes(one: IndexingTask, wanted: TaskFilter) -> bool:
    video = one.video
    return (
        (not wanted.status or one.stage in wanted.status)
        and (
            wanted.name_part is None
            or (video is not None and casefolded(wanted.name_part) in casefolded(video.name))
        )
        and all(_fits(video, name, bounds) for name, bounds in wanted.numbers.items())
    )


def _fits(video: Video | None, name: str, bounds: Sequence[Bound]) -> bool:
    if not bounds:
        return True
    value = None if video is None else getattr(video.asset, name)
    if value is None:
        return False
    return all(_TESTS[test](value, bound) for test, bound in bounds)
