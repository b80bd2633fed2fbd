"""``videlicet status``: tasks; cancel one, or retry those that failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from videlicet.cli.add import exit_code_of, show_progress
from videlicet.cli.context import (
    AnyIndexOption,
    JsonOption,
    context,
    named_tasks,
)
from videlicet.cli.output import (
    SHORT_ID,
    print_json,
    print_message,
    print_table,
    printable,
    timecode,
)
from videlicet.types import (
    Status,
    Task,
)


def status(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(help="Only these task ids (or their beginnings).", show_default=False),
    ] = None,
    cancel: Annotated[
        str | None, typer.Option(help="Cancel this task.", show_default=False)
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Run failed and cancelled tasks again.")
    ] = False,
    index: AnyIndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show tasks; cancel one, or retry failed ones."""
    with context.library() as library:
        if cancel is not None:
            task = library.cancel(named_tasks(library, [cancel])[0].id)
            if as_json:
                print_json(task)
            else:
                print_message(f"Cancelled {task.source or task.id}.")
            return
        chosen = named_tasks(library, tasks) if tasks else library.tasks(index)
        if retry:
            again = [task.id for task in chosen] if tasks else []
            raise typer.Exit(exit_code_of(show_progress(library.retry(*again), as_json=as_json)))
        if as_json:
            print_json(chosen)
            return
        unnamed = any(not task.source for task in chosen)
        names = {video.id: video.name for video in library.videos()} if unnamed else {}
        print_table(
            ("task", "status", "source"),
            [(task.id[:SHORT_ID], task.status.value, _task_text(task, names)) for task in chosen],
            empty="No tasks.",
            whole=("task", "status"),
        )


def _task_text(task: Task, names: Mapping[str, str]) -> str:
    """What a task adds, or the name of the video that it indexes, and how far it is."""
    video_id = task.video_id or ""
    lines = [printable(task.source or names.get(video_id, f"video {video_id}"))]
    if task.status is Status.RUNNING and task.stage:
        total = f" of {timecode(task.total_s)}" if task.total_s else ""
        lines.append(f"{task.stage}, {timecode(task.done_s)}{total}")
    if task.error:
        lines.append(f"{task.error['message']}  [{task.error['code']}]")
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command()(status)
