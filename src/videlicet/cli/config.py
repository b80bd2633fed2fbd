"""``videlicet config show``: the settings in force, and where each comes from."""

from __future__ import annotations

import dataclasses
from typing import Any

import typer

from videlicet.cli.context import JsonOption, context
from videlicet.cli.output import print_json, print_table

config = typer.Typer(help="Look at the settings.", no_args_is_help=True)

#: Never shown, only whether there is one.
_SECRET = {"secret", "language_key"}


@config.callback()
def _group() -> None:
    """Keeps ``show`` a verb of its own."""


@config.command("show")
def show(as_json: JsonOption = False) -> None:
    """Show every setting, its value and its source."""
    from videlicet.settings import load, sources

    settings = load(context.home)
    origin = sources(context.home)
    rows = [
        (field.name, _value(field.name, getattr(settings, field.name)), origin[field.name])
        for field in dataclasses.fields(settings)
    ]
    if as_json:
        print_json({name: {"value": value, "source": source} for name, value, source in rows})
    else:
        print_table(("setting", "value", "from"), rows, empty="", whole=("setting",))


def _value(name: str, value: Any) -> Any:
    if name in _SECRET:
        return "(set)" if value else ""
    return value


def register(app: typer.Typer) -> None:
    """Add this file's verbs."""
    app.add_typer(config, name="config")
