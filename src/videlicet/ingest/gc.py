"""Taking back what unfinished tasks left behind."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import Cancelled, NotFound
from videlicet.ingest import videos
from videlicet.ingest.plan import INCOMING, staging, work_name
from videlicet.types import AssetOwner, AssetStatus, Kind, Status, Task, Video, VideoStatus

if TYPE_CHECKING:
    from videlicet.jobs.context import WorkerContext
    from videlicet.rights import Scope
    from videlicet.settings import Settings
    from videlicet.store import Store

#: A task in one of these has not ended.
UNFINISHED = (Status.RUNNING, Status.QUEUED)
#: Seconds after which staged files that nothing is known of count as left behind.
MIN_IDLE_SECONDS = 600.0


def sweep(scope: Scope, store: Store, settings: Settings) -> None:
    """Clear away the rows and files of tasks that were cancelled while nobody worked on them. Only
    for a store that no other process works on; a server may be taking uploads in meanwhile."""
    unfinished = store.catalog.videos(scope, status=[VideoStatus.INDEXING])
    kept = _live_names(scope, store)
    for video in unfinished:
        if _name(video) not in kept:
            _take_back(scope, store, video)
    kept |= _pending_ids(scope, store)
    for path in _staged_paths(settings):
        if path.name not in kept and not path.name.startswith(INCOMING):
            _remove(path)


def sweep_incoming(settings: Settings) -> None:
    """Clear away uploads that a server was killed in; for the server of a data directory, before
    it takes any."""
    for path in _staged_paths(settings):
        if path.name.startswith(INCOMING):
            _remove(path)


def sweep_unowned(context: WorkerContext) -> None:
    """Clear away the rows that no task owns, whichever worker they are from, and the files that lie
    unused in this machine's staging, where other workers and servers put theirs too."""
    scope, store = context.scope, context.store
    unfinished = store.catalog.videos(scope, status=[VideoStatus.INDEXING])
    kept = _live_names(scope, store)
    for video in unfinished:
        if _name(video) in kept:
            continue
        with context.exclusive(video_lock(video.index_id, video.asset_id), wait=False) as alone:
            # It may have been begun anew just now.
            if alone and _name(video) not in _live_names(scope, store):
                with context.exclusive(asset_lock(video.asset_id)):
                    _take_back(scope, store, video)
    staged = _staged_paths(context.settings)
    kept = _live_names(scope, store) | _pending_ids(scope, store)
    for path in staged:
        if path.name not in kept and _idle_seconds(path) > MIN_IDLE_SECONDS:
            _remove(path)


def video_lock(index_id: str, asset_id: str) -> str:
    """The name that a task holds while it works on an asset in an index."""
    return f"indexing {work_name(index_id, asset_id)}"


def asset_lock(asset_id: str) -> str:
    """The name that is held while an asset that goes with its last video is put into an index, or
    taken out of one again."""
    return f"asset {asset_id}"


def _name(video: Video) -> str:
    return work_name(video.index_id, video.asset_id)


def _live_names(scope: Scope, store: Store) -> set[str]:
    """The tasks that have not ended, and what their work goes by."""
    live = [task for status in UNFINISHED for task in store.catalog.tasks(scope, status=status)]
    return {task.id for task in live} | {
        work_name(task.index_id, task.asset_id) for task in live if task.asset_id is not None
    }


def _pending_ids(scope: Scope, store: Store) -> set[str]:
    """Assets and embeddings that are worked on, or wait for a worker."""
    keys = store.catalog.asset_keys(scope, status=[AssetStatus.PROCESSING])
    embeddings = store.catalog.resource_keys(scope, Kind.EMBEDDING, status=["processing"])
    return {key.id for key in keys} | {key.id for key in embeddings}


def _staged_paths(settings: Settings) -> list[Path]:
    folder = staging(settings, "")
    return list(folder.iterdir()) if folder.is_dir() else []


def _remove(path: Path) -> None:
    """Take something out of the staging. What cannot go stays: it keeps nobody from working."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _idle_seconds(folder: Path) -> float:
    """Seconds since something in a folder was written."""
    try:
        touched = [path.stat().st_mtime for path in (folder, *folder.rglob("*"))]
    except FileNotFoundError:
        return 0.0  # somebody is at it
    return time.time() - max(touched)


def _take_back(scope: Scope, store: Store, video: Video) -> None:
    remove_unfinished(scope, store, video.index_id, video.asset_id)
    videos.fail_video(scope, store, video.id, Cancelled("cancelled", "The task was cancelled."))


def remove_unfinished(scope: Scope, store: Store, index_id: str, asset_id: str) -> None:
    """Erase what an unfinished task derived; a video that is ready stays as it is, and so does
    that of an asset which was there before, without what was derived. Of one that was deleted
    meanwhile only blobs can have come since: all else is put into what is there."""
    try:
        within = store.scope(scope, index_id)
        video = store.catalog.video_of(within, asset_id)
        if video is None:
            _delete_stray_blobs(scope, store, index_id, asset_id)
        elif video.status is VideoStatus.READY:
            return
        elif _was_added(video, tasks := store.catalog.tasks(within, video_id=video.id)):
            for task in tasks:
                if task.status.ended:  # it can be tried again, and does not go with its video
                    store.catalog.update_task(within, task.id, asset_id=None, video_id=None)
            store.remove_video(within, asset_id)
        else:
            store.clear_video(within, asset_id)
    except NotFound:
        _delete_stray_blobs(scope, store, index_id, asset_id)


def _was_added(video: Video, tasks: Sequence[Task]) -> bool:
    """Whether a video is there only because tasks add its path or URL."""
    return video.asset.owner is AssetOwner.INDEX and all(task.source for task in tasks)


def _delete_stray_blobs(scope: Scope, store: Store, index_id: str, asset_id: str) -> None:
    store.blobs.delete(scope, f"indexes/{index_id}/{asset_id}/")
    if not store.catalog.names(scope, [asset_id]):
        store.blobs.delete(scope, f"assets/{asset_id}/")
