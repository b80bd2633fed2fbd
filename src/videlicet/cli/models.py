"""``videlicet models``: which models there are, and their weights."""

from __future__ import annotations

import typer

app = typer.Typer(help="List, show, pull and verify models.", no_args_is_help=True)
