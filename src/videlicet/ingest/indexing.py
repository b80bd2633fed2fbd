"""Putting assets into indexes, and taking them out again with everything derived from them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from videlicet.errors import Conflict, NotFound
from videlicet.ingest.tasks import mark_cancelled
from videlicet.telemetry import traces
from videlicet.types import (
    Asset,
    Index,
    Status,
    Task,
    Video,
    VideoStatus,
    random_id,
    video_id_of,
)

if TYPE_CHECKING:
    from videlicet.rights import Scope
    from videlicet.store import Store

_CREATING = threading.Lock()


def add_video(
    scope: Scope,
    store: Store,
    index: Index,
    asset: Asset,
    metadata: Mapping[str, Any],
    *,
    stream: bool = False,
    store_id: str | None = None,
    item_id: str | None = None,
    item_type: str | None = None,
) -> tuple[Video, Task]:
    """The video of an asset in an index, with the task that indexes it; a worker has to be woken.
    The same asset in the same index is the same video: one that failed is tried again. The ids and
    the type are those of an item of a knowledge store."""
    now = datetime.now(UTC)
    video = Video(
        id=video_id_of(index.id, asset.id),
        index_id=index.id,
        asset=asset,
        status=VideoStatus.QUEUED,
        created_at=now,
        updated_at=now,
        metadata=dict(metadata),
        stream=stream,
        store_id=store_id,
        item_id=item_id,
        item_type=item_type,
    )
    # Of two requests at once, to this server or to two, one makes it and the other finds it.
    with _CREATING, store.database.advisory_lock(f"video {video.id}"):
        return _added(scope, store, video)


def _added(scope: Scope, store: Store, video: Video) -> tuple[Video, Task]:
    within = store.scope(scope, video.index_id)
    there = store.catalog.video_of(within, video.asset_id)
    if there is not None:
        # One from before ids were derived from index and asset keeps its own.
        video = replace(video, id=there.id)
        tasks = store.catalog.tasks(within, video_id=there.id)
        if there.status is not VideoStatus.FAILED and tasks:
            return there, tasks[0]
    task = Task(
        id=random_id(),
        index_id=video.index_id,
        source="",
        status=Status.QUEUED,
        created_at=video.created_at,
        updated_at=video.created_at,
        attempts=1,
        tenant=video.tenant,
        asset_id=video.asset_id,
        video_id=video.id,
        trace=traces.extract(traces.inject()),
    )
    # Both or neither: a server may be killed at any instant.
    store.catalog.add_video(scope, video, task)
    return video, task


def remove_video(scope: Scope, store: Store, video: Video) -> None:
    """Delete a video with everything derived from it. The tasks that indexed an asset which was
    there stay, for whoever asks how they ended; those that have not are called off."""
    for task in store.catalog.tasks(scope, video_id=video.id):
        if not task.status.ended:
            with suppress(Conflict, NotFound):  # it has just ended
                mark_cancelled(scope, store, task.id)
    with suppress(NotFound):  # whoever worked on it has just taken it back, or the index has gone
        store.remove_video(store.scope(scope, video.index_id), video.asset_id)


def remove_index(scope: Scope, store: Store, index: Index) -> None:
    """Delete an index with its videos and everything derived from them; assets stay that were not
    added to it directly."""
    within = store.scope(scope, index.id)
    for task in store.catalog.tasks(within):
        store.catalog.delete_task(within, task.id)
    store.delete_index(within)


def remove_asset(scope: Scope, store: Store, asset_id: str) -> None:
    """Delete an asset with its videos in all indexes and everything derived from it.

    Raises:
        NotFound: ``asset_not_found``.
    """
    catalog = store.catalog
    catalog.asset(scope, asset_id)
    for video in catalog.videos(scope, asset_id=asset_id):
        remove_video(scope, store, video)
    with suppress(NotFound):  # it went with its last video
        store.delete_asset(scope, asset_id)
