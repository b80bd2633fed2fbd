"""Putting uploaded files into indexes, and taking them out again with everything derived."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from videlicet.errors import Conflict, NotFound
from videlicet.ingest import videos
from videlicet.ingest.files import file_prefix
from videlicet.ingest.tasks import mark_cancelled
from videlicet.telemetry import traces
from videlicet.types import Index, Kind, Resource, Status, Task, derived_id, random_id

if TYPE_CHECKING:
    from videlicet.rights import Scope
    from videlicet.store import Store

_CREATING = threading.Lock()


def index_file(
    scope: Scope,
    store: Store,
    index: Index,
    file: Resource,
    metadata: Mapping[str, Any],
    *,
    stream: bool = False,
    facts: Mapping[str, Any] | None = None,
) -> tuple[Resource, Task]:
    """The video of a file in an index, with the task that takes it in; a worker has to be woken.
    The same file in the same index is the same video: one that failed is tried again. ``facts`` is
    what else its body is to hold."""
    video_id = derived_id("video", index.id, file.id)
    # Of two requests at once, to this server or to two, one makes it and the other finds it.
    with _CREATING, store.database.advisory_lock(f"video {video_id}"):
        return _index_file(scope, store, index, file, metadata, video_id, stream, facts or {})


def _index_file(
    scope: Scope,
    store: Store,
    index: Index,
    file: Resource,
    metadata: Mapping[str, Any],
    video_id: str,
    stream: bool,
    facts: Mapping[str, Any],
) -> tuple[Resource, Task]:
    now = datetime.now(UTC)
    try:
        video = store.catalog.resource(scope, Kind.VIDEO, video_id)
    except NotFound:
        video = None
    tasks = store.catalog.tasks(
        store.scope(scope, index.id), source=videos.source_of_video(video_id)
    )
    if video is not None and video.status != videos.FAILED and tasks:
        return video, tasks[0]
    video = Resource(
        id=video_id,
        kind=Kind.VIDEO,
        tenant=file.tenant,
        created_at=now,
        updated_at=now,
        status=videos.QUEUED,
        parent=index.id,
        name=file.name,
        body={
            "file_id": file.id,
            "user_metadata": dict(metadata),
            "video_stream": stream,
            **videos.media_facts(file),
            **facts,
            **traces.inject(),
        },
    )
    task = Task(
        id=random_id(),
        index_id=index.id,
        source=videos.source_of_video(video_id),
        status=Status.QUEUED,
        created_at=now,
        updated_at=now,
        attempts=1,
        tenant=file.tenant,
    )
    # Both or neither: a server may be killed at any instant.
    store.catalog.put_resource(scope, video, task)
    return video, task


def remove_video(scope: Scope, store: Store, video: Resource) -> None:
    """Delete a video with everything derived from it. Its tasks stay, for whoever asks how they
    ended; those that have not are called off."""
    catalog = store.catalog
    for task in catalog.tasks(scope, source=videos.source_of_video(video.id)):
        if not task.status.ended:
            with suppress(Conflict):  # it has just ended
                mark_cancelled(scope, store, task.id)
        # Tasks that name an asset go with it; and what was said of a failure names the file.
        error = task.error and {
            "code": task.error["code"], "message": "It failed; its video was deleted since.",
        }  # fmt: skip
        catalog.update_task(scope, task.id, asset_id=None, error=error)
    # First: whoever is killed in between leaves a video that can be deleted again.
    with suppress(NotFound):  # whoever worked on it has just taken it back, or the index has gone
        within = store.scope(scope, video.parent)
        if catalog.indexed(within, video.id) is not None:
            store.remove_asset(within, video.id)
    catalog.delete_resource(scope, Kind.VIDEO, video.id)


def remove_index(scope: Scope, store: Store, index: Index) -> None:
    """Delete an index with its videos and everything derived from them; the files stay."""
    within = store.scope(scope, index.id)
    for task in store.catalog.tasks(within):
        store.catalog.delete_task(within, task.id)
    store.catalog.delete_resources(within, Kind.VIDEO, parent=index.id)
    store.delete_index(within)


def videos_of_file(scope: Scope, store: Store, file_id: str) -> list[Resource]:
    """The videos of a file in all indexes, hidden ones too."""
    found, _ = store.catalog.find_resources(scope, Kind.VIDEO, body=[(["file_id"], "==", file_id)])
    return found


def remove_file(scope: Scope, store: Store, file_id: str) -> None:
    """Delete a file with its videos in all indexes and everything derived from it.

    Raises:
        NotFound: ``resource_not_found``.
    """
    for video in videos_of_file(scope, store, file_id):
        remove_video(scope, store, video)
    catalog = store.catalog
    uploads, _ = catalog.find_resources(scope, Kind.UPLOAD, parent=file_id)
    for upload in uploads:
        catalog.delete_resources(scope, Kind.CHUNK, parent=upload.id)
        with suppress(NotFound):
            catalog.delete_resource(scope, Kind.UPLOAD, upload.id)
    catalog.delete_resource(scope, Kind.FILE, file_id, blobs=[file_prefix(file_id)])
    store.finish_erasures()
