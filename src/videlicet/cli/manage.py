"""``videlicet remove`` and ``videlicet demo``: verbs that change the library."""

from __future__ import annotations

from typing import Annotated

import typer

from videlicet.cli.context import AnyIndexOption, JsonOption, context
from videlicet.cli.output import print_json, say


def remove(
    assets: Annotated[list[str], typer.Argument(help="Asset ids, from list or search.")],
    index: AnyIndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove assets with everything derived from them. Files added by path are left alone."""
    removed = []
    with context.library() as library:
        for asset_id in assets:
            library.remove(asset_id, index=index)
            removed.append(asset_id)
            if not as_json:
                say(f"Removed {asset_id}.")
    if as_json:
        print_json({"removed": removed})


def register(app: typer.Typer) -> None:
    """Add this file's verbs."""
    app.command()(remove)
