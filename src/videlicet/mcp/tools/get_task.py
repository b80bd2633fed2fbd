"""The tool that looks at a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.mcp import schemas
from videlicet.mcp.presentation import task_rows
from videlicet.rights import Purpose

if TYPE_CHECKING:
    from videlicet.mcp.context import ToolContext


def get_task(context: ToolContext, asked: schemas.GetTask) -> schemas.TaskResult:
    """How far a task is."""
    task = context.caller.catalog.task(context.caller.scope(Purpose.MANAGE), asked.task_id)
    return schemas.TaskResult(task=task_rows(context, [task])[0])
