"""What the options before the verb say, and options that several verbs share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from videlicet.cli.output import SHORT_ID, printable
from videlicet.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from videlicet.library import Library
    from videlicet.types import Asset, Task

#: The shortest prefix of an id that is accepted.
_SHORTEST = 4


@dataclass
class Context:
    """Set once by the command before any verb runs."""

    home: Path | None = None
    debug: bool = False

    def library(self) -> Library:
        """The library of the chosen data directory."""
        from videlicet.library import open as open_library

        return open_library(self.home)


context = Context()

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
IndexOption = Annotated[str, typer.Option("--index", "-i", help="Index to use.")]
AnyIndexOption = Annotated[
    str | None, typer.Option("--index", "-i", help="Only this index.", show_default=False)
]


def named_asset(library: Library, name: str) -> Asset:
    """The asset with this id, or whose id begins so, or with this file name.

    Raises:
        NotFound: ``asset_not_found``.
        InvalidInput: ``invalid_argument``, if the name fits several.
    """
    try:
        return library.asset(name)
    except NotFound:
        found = [a for a in library.assets() if _begins(a.id, name) or printable(a.name) == name]
        if not found:
            raise
        _only([(asset.id, asset.name) for asset in found], name)
        return found[0]


def named_tasks(library: Library, names: Iterable[str]) -> list[Task]:
    """The tasks with these ids, or whose ids begin so.

    Raises:
        NotFound: ``task_not_found``.
        InvalidInput: ``invalid_argument``, if a name fits several.
    """
    tasks = library.tasks()
    chosen = []
    for name in names:
        found = [t for t in tasks if t.id == name] or [t for t in tasks if _begins(t.id, name)]
        if not found:
            raise NotFound("task_not_found", f"There is no task {name}.", subject=name)
        _only([(task.id, task.source) for task in found], name)
        chosen.append(found[0])
    return chosen


def _begins(id: str, name: str) -> bool:
    return len(name) >= _SHORTEST and id.startswith(name)


def _only(found: list[tuple[str, str]], name: str) -> None:
    if len(found) > 1:
        raise InvalidInput(
            "invalid_argument",
            f"{name} is " + " and ".join(f"{id[:SHORT_ID]} ({what})" for id, what in found[:5]),
            subject=name,
            remedy="Name one of them by its id.",
        )
