"""Putting uploaded files into indexes, and taking them out again with everything derived."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from videlicet.errors import Conflict, NotFound
from videlicet.ingest import videos
from videlicet.ingest.files import folder_of
from videlicet.ingest.tasks import call_off
from videlicet.telemetry import traces
from videlicet.types import Index, Kind, Resource, Status, Task, derived_id, random_id

if TYPE_CHECKING:
    from videlicet.rights import Grant
    from videlicet.store import Store

_MAKING = threading.Lock()


def enter(
    grant: Grant,
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
    with _MAKING, store.database.held(f"video {video_id}"):
        return _enter(grant, store, index, file, metadata, video_id, stream, facts or {})


def _enter(
    grant: Grant,
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
        video = store.catalog.resource(grant, Kind.VIDEO, video_id)
    except NotFound:
        video = None
    tasks = store.catalog.tasks(grant, index.id, source=videos.source_of(video_id))
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
            **videos.facts(file),
            **facts,
            **traces.carried(),
        },
    )
    task = Task(
        id=random_id(),
        index_id=index.id,
        source=videos.source_of(video_id),
        status=Status.QUEUED,
        created_at=now,
        updated_at=now,
        attempts=1,
        tenant=file.tenant,
    )
    # Both or neither: a server may be killed at any instant.
    store.catalog.put_resource(grant, video, task)
    return video, task


def remove_video(grant: Grant, store: Store, video: Resource) -> None:
    """Delete a video with everything derived from it. Its tasks stay, for whoever asks how they
    ended; those that have not are called off."""
    catalog = store.catalog
    for task in catalog.tasks(grant, source=videos.source_of(video.id)):
        if not task.status.ended:
            with suppress(Conflict):  # it has just ended
                call_off(grant, store, task.id)
        # Tasks that name an asset go with it; and what was said of a failure names the file.
        error = task.error and {
            "code": task.error["code"], "message": "It failed; its video was deleted since.",
        }  # fmt: skip
        catalog.update_task(grant, task.id, asset_id=None, error=error)
    # First: whoever is killed in between leaves a video that can be deleted again.
    if catalog.indexed(grant, video.parent, video.id) is not None:
        with suppress(NotFound):  # whoever worked on it has just taken it back
            store.remove_asset(grant, video.parent, video.id)
    catalog.delete_resource(grant, Kind.VIDEO, video.id)


def remove_index(grant: Grant, store: Store, index: Index) -> None:
    """Delete an index with its videos and everything derived from them; the files stay."""
    for task in store.catalog.tasks(grant, index.id):
        store.catalog.delete_task(grant, task.id)
    store.catalog.delete_resources(grant, Kind.VIDEO, parent=index.id)
    store.delete_index(grant, index.id)


def videos_of(grant: Grant, store: Store, file_id: str) -> list[Resource]:
    """The videos of a file in all indexes, hidden ones too."""
    found, _ = store.catalog.find_resources(grant, Kind.VIDEO, body=[(["file_id"], "==", file_id)])
    return found


def remove_file(grant: Grant, store: Store, file_id: str) -> None:
    """Delete a file with its videos in all indexes and everything derived from it.

    Raises:
        NotFound: ``resource_not_found``.
    """
    for video in videos_of(grant, store, file_id):
        remove_video(grant, store, video)
    catalog = store.catalog
    uploads, _ = catalog.find_resources(grant, Kind.UPLOAD, parent=file_id)
    for upload in uploads:
        catalog.delete_resources(grant, Kind.CHUNK, parent=upload.id)
        with suppress(NotFound):
            catalog.delete_resource(grant, Kind.UPLOAD, upload.id)
    catalog.delete_resource(grant, Kind.FILE, file_id, blobs=[folder_of(file_id)])
    store.finish_erasures()
