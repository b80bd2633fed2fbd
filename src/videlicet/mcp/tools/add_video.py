"""The tool that adds a video."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.mcp import schemas
from videlicet.mcp.presentation import reason, task_rows

if TYPE_CHECKING:
    from videlicet.mcp.context import ToolContext

#: Most tasks in one result.
MOST_TASKS = 50


def add_video(context: ToolContext, asked: schemas.AddVideo) -> schemas.AddedVideos:
    """Begin to take in a recording."""
    done = context.add_source(asked.index, asked.source)
    return schemas.AddedVideos(
        index_id=done.index.id,
        tasks=task_rows(context, done.tasks[:MOST_TASKS]),
        total=len(done.tasks),
        refused=[
            schemas.RejectedSource(source=name, error=reason(error))
            for name, error in done.refused[:MOST_TASKS]
        ],
    )
