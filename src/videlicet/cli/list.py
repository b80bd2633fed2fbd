"""``videlicet list``: the assets of the library, or its indexes."""

from __future__ import annotations

from typing import Annotated

import typer

from videlicet.cli.context import (
    AnyIndexOption,
    JsonOption,
    context,
)
from videlicet.cli.output import SHORT_ID, print_json, print_table, timecode
from videlicet.cli.show import resolution


def list_assets(
    index: AnyIndexOption = None,
    indexes: Annotated[bool, typer.Option("--indexes", help="List the indexes.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List what is in the library."""
    with context.library() as library:
        if indexes:
            found = library.indexes()
            if as_json:
                print_json(found)
                return
            print_table(
                ("index", "models"),
                [(i.name, ", ".join(sorted(set(i.cards.values())))) for i in found],
                empty="No index yet.",
            )
            return
        assets = library.assets(index)
        states: dict[str, list[str]] = {}
        for video in library.videos(index):
            states.setdefault(video.asset_id, []).append(video.status.value)
        if as_json:
            print_json([{"asset": a, "status": states.get(a.id, [])} for a in assets])
            return
        print_table(
            ("asset", "name", "length", "picture", "status"),
            [
                (
                    a.id[:SHORT_ID],
                    a.name,
                    timecode(a.media.span.duration),
                    resolution(a),
                    ", ".join(sorted(set(states.get(a.id, [])))),
                )
                for a in assets
            ],
            empty="Nothing added yet.",
            whole=("asset", "length", "picture", "status"),
        )


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command("list")(list_assets)
