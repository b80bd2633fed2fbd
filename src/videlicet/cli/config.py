"""``videlicet config show``: the settings in force, and where each comes from."""

from __future__ import annotations

import typer

from videlicet.cli.context import JsonOption, context
from videlicet.cli.output import print_json, print_table

config = typer.Typer(help="Look at the settings.", no_args_is_help=True)


@config.callback()
def _group() -> None:
    """Keeps ``show`` a verb of its own."""


@config.command("show")
def show(as_json: JsonOption = False) -> None:
    """Show every setting with its value and source. Keys and passwords are masked."""
    from videlicet.settings import Settings, load, masked, origins

    settings, origin = load(context.home), origins(context.home)
    rows = [
        (name, masked(name, getattr(settings, name)), origin[name])
        for name in Settings.model_fields
    ]
    if as_json:
        print_json(
            {
                name: {
                    "value": value,
                    "source": source,
                    "description": Settings.model_fields[name].description,
                }
                for name, value, source in rows
            }
        )
    else:
        print_table(("setting", "value", "from"), rows, empty="", whole=("setting",))


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.add_typer(config, name="config")
