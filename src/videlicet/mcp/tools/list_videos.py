"""The tool that lists the videos of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from videlicet.mcp import schemas
from videlicet.mcp.context import index_of
from videlicet.mcp.presentation import reason

if TYPE_CHECKING:
    from videlicet.mcp.context import ToolContext
    from videlicet.services.indexing import ListedVideo

#: The states of a video by those of its task.
_STATES = {
    "running": "indexing", "validating": "indexing", "indexing": "indexing",
    "cancelled": "failed", "failed": "failed", "ready": "ready",
}  # fmt: skip


def list_videos(context: ToolContext, asked: schemas.ListVideos) -> schemas.VideoPage:
    """A page of an index's recordings."""
    from videlicet.services.indexing import list_videos_and_sources

    index = index_of(context, asked.index)
    rows, total = list_videos_and_sources(
        context.caller, index, offset=(asked.page - 1) * asked.limit, limit=asked.limit
    )
    return schemas.VideoPage(
        index_id=index.id,
        videos=[_video_row(row) for row in rows],
        total=total,
        next_page=asked.page + 1 if asked.page * asked.limit < total else None,
    )


def _video_row(row: ListedVideo) -> schemas.Video:
    from videlicet.services.indexing import source_name

    video, task = row.video, row.task
    if video is not None:
        id, name, duration = video.id, video.name, video.asset.duration
    else:
        assert task is not None
        id, name, duration = None, source_name(task), task.total_s
    one = video or task
    assert one is not None
    return schemas.Video(
        id=id,
        name=name,
        status=cast(Any, _STATES.get(one.status, "queued")),
        duration=None if duration is None else round(duration, 3),
        added_at=one.created_at.isoformat(),
        error=None if one.error is None else reason(one.error),
    )
