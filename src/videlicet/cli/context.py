"""What the options before the verb say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from videlicet.library import Library


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
