"""The tool that lists the videos of an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from videlicet.mcp import schemas
from videlicet.mcp.context import index_of
from videlicet.mcp.presentation import reason

if TYPE_CHECKING:
    from videlicet.mcp.context import ToolContext

#: How states of tasks and of videos are told of a video.
_STATES = {
    "running": "indexing", "validating": "indexing", "indexing": "indexing",
    "cancelled": "failed", "failed": "failed", "ready": "ready",
}  # fmt: skip


def list_videos(context: ToolContext, asked: schemas.ListVideos) -> schemas.Videos:
    """A page of an index's recordings."""
    index = index_of(context, asked.index)
    rows, total = context.list_videos(index, (asked.page - 1) * asked.limit, asked.limit)
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
