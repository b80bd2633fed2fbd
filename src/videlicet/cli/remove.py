"""``videlicet remove``: what is deleted is gone with everything derived from it."""

from __future__ import annotations

from typing import Annotated

import typer

from videlicet.cli.context import AnyIndexOption, JsonOption, context, named_asset
from videlicet.cli.output import print_json, print_message
from videlicet.errors import InvalidInput


def remove(
    assets: Annotated[
        list[str] | None,
        typer.Argument(help="Asset ids (or their beginnings), or file names.", show_default=False),
    ] = None,
    index: AnyIndexOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="The whole index that --index names.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove assets with everything derived from them. Files added by path are left alone."""
    if everything == bool(assets) or (everything and index is None):
        raise InvalidInput(
            "invalid_argument",
            "Nothing to remove, or too much.",
            remedy="Name assets, or a whole index with --all --index NAME.",
        )
    with context.library() as library:
        if everything:
            assert index is not None
            library.delete_index(index)
            if as_json:
                print_json({"removed_index": index})
            else:
                print_message(f"Removed the index {index}.")
            return
        # All names are looked up before the first is removed: a wrong one removes nothing.
        chosen = [named_asset(library, name) for name in assets or ()]
        for asset in chosen:
            library.remove(asset.id, index=index)
            if not as_json:
                print_message(f"Removed {asset.name}.")
    if as_json:
        print_json({"removed": [asset.id for asset in chosen]})


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command()(remove)
