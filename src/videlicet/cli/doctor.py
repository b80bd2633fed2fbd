"""``videlicet doctor``: check the data directory, and repair it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from videlicet.cli.context import JsonOption, context
from videlicet.cli.output import OK, SOME_FAILED, print_json, print_table

if TYPE_CHECKING:
    pass


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Repair what can be repaired safely.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the data directory; prints how to repair what is wrong."""
    findings = context.library().doctor(fix=fix)
    if as_json:
        print_json(findings)
    else:
        print_table(
            ("level", "what", "finding", "remedy"),
            [(f.level, f.subject, f.message, f.remedy) for f in findings],
            empty="Nothing is wrong.",
        )
    raise typer.Exit(SOME_FAILED if any(f.level == "error" for f in findings) else OK)


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command()(doctor)
