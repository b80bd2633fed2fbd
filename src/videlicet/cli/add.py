"""``videlicet add``: index files, folders, globs and addresses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from videlicet.cli.context import IndexOption, JsonOption, context
from videlicet.cli.output import (
    OK,
    SOME_FAILED,
    exit_code,
    print_json_line,
    print_message,
    printable,
    timecode,
)
from videlicet.errors import Conflict, from_json
from videlicet.types import Status

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from videlicet.ingest import Progress
    from videlicet.library import Library

#: Characters of a path that a line of progress shows.
_ROOM = 40


def add(
    sources: Annotated[
        list[str], typer.Argument(help="Files, folders, globs or http(s) addresses.")
    ],
    index: IndexOption = "default",
    create: Annotated[
        bool, typer.Option("--create", help="Make the index if there is none of that name.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Index videos and audio recordings, so that every moment in them can be found.

    Adding the same bytes twice changes nothing. Interrupt it at any time: what was finished stays,
    and adding the same sources again goes on from there.
    """
    with context.library() as library:
        if create:
            _create(library, index)
        finished = show_progress(library.ingest(*sources, index=index), as_json=as_json)
    raise typer.Exit(exit_code_of(finished))


def _create(library: Library, index: str) -> None:
    try:
        library.create_index(index)
    except Conflict as error:
        if error.code != "index_exists":
            raise


def show_progress(
    events: Iterable[Progress], *, as_json: bool = False, quiet: bool = False
) -> list[Progress]:
    """Show events as they come, or nothing (``quiet``); returns the last one of each source."""
    latest: dict[str, Progress] = {}
    if as_json or quiet:
        for event in events:
            latest[event.task_id] = event
            if as_json:
                print_json_line(event.to_json())
        return list(latest.values())
    with progress_bar() as bar:
        display = Display(bar)
        for event in events:
            latest[event.task_id] = event
            display.show(event)
    done = list(latest.values())
    ready = sum(event.status is Status.READY for event in done)
    known = sum(event.already for event in done)
    print_message(
        f"{ready} of {len(done)} ready"
        + (f", {known} of them already in the index" if known else "")
        + "."
    )
    return done


def exit_code_of(finished: list[Progress]) -> int:
    """The exit code for the outcomes of all sources."""
    failed = [event for event in finished if event.status is not Status.READY]
    if not failed:
        return OK
    if len(failed) < len(finished) or failed[0].error is None:
        return SOME_FAILED
    codes = {exit_code(from_json(event.error)) for event in failed if event.error is not None}
    return codes.pop() if len(codes) == 1 else SOME_FAILED


def progress_bar() -> Bar:
    """A bar a source, with the rate and the time left, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[state]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )


class Display:
    """A line for all sources together and one for each that is being worked on; what went wrong is
    printed above them and stays."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._all = bar.add_task("sources", total=0, state="", visible=False)
        self._rows: dict[str, TaskID] = {}
        self._ended: set[str] = set()
        self._known: set[str] = set()

    def show(self, event: Progress) -> None:
        """Bring the lines up to date with one piece of news."""
        self._known.add(event.task_id)
        if event.status.ended:
            self._end(event)
        elif event.status is Status.RUNNING:
            row = self._rows.get(event.task_id)
            if row is None:
                row = self._bar.add_task(short_name(event.source), total=None, state="")
                self._rows[event.task_id] = row
            self._bar.update(row, completed=event.done_s, total=event.total_s, state=_state(event))
        count = len(self._known)
        self._bar.update(
            self._all, total=count, completed=len(self._ended), visible=count > 1,
            state=f"{len(self._ended)} of {count}",
        )  # fmt: skip

    def _end(self, event: Progress) -> None:
        if event.task_id in self._ended:
            return
        self._ended.add(event.task_id)
        row = self._rows.pop(event.task_id, None)
        if row is not None:
            self._bar.remove_task(row)
        name = printable(event.source)
        for note in event.notes:
            self._update(f"{name}: {printable(note)}")
        if event.error is not None:
            error = from_json(event.error)
            message = printable(error.message)
            self._update(message if name in message else f"{name}: {message}")
            self._update(f"  {printable(error.remedy)}  [{error.code}]")

    def _update(self, line: str) -> None:
        self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _state(event: Progress) -> str:
    parts = [event.stage or "running"]
    if event.rate:
        parts.append(f"{event.rate:.1f}× real time")
    if event.left_s is not None:
        parts.append(f"{timecode(event.left_s)} left")
    return ", ".join(parts)


def short_name(source: str) -> str:
    """The end of a path, as much as a line of progress has room for."""
    text = printable(source)
    return text if len(text) <= _ROOM else "…" + text[1 - _ROOM :]


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command()(add)
