"""``videlicet show``: one asset, and what the models observed in it."""

from __future__ import annotations

from typing import Annotated

import typer

from videlicet.cli.context import (
    IndexOption,
    JsonOption,
    context,
    named_asset,
)
from videlicet.cli.output import print_json, print_message, print_table, timecode
from videlicet.cli.search import scalar
from videlicet.errors import InvalidInput
from videlicet.types import (
    Asset,
    Embedding,
    MetadataValue,
    Observation,
)
from videlicet.types.kinds import kind_of


def show(
    asset: Annotated[str, typer.Argument(help="Asset id (or its beginning), or file name.")],
    modality: Annotated[
        str | None, typer.Option("--modality", help="Only this modality.", show_default=False)
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE to filter by; KEY= removes it; repeatable."),
    ] = None,
    vectors: Annotated[
        bool, typer.Option("--vectors", help="With --json: embeddings too.")
    ] = False,
    index: IndexOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Show one asset and its observations, in the order of time."""
    with context.library() as library:
        record = named_asset(library, asset)
        if values:
            record = library.set_metadata(record.id, dict(parse_metadata(row) for row in values))
        rows = library.observations(record.id, modality, index=index)
        notes = [
            note
            for video in library.videos(index)
            if video.asset_id == record.id
            for note in video.notes
        ]
        if not vectors:
            rows = [row for row in rows if not isinstance(row.payload, Embedding)]
        if as_json:
            print_json({"asset": record, "notes": notes, "observations": rows})
            return
        title = f"{record.name}  {timecode(record.media.span.duration)}  {resolution(record)}"
        for key, value in sorted(record.metadata.items()):
            title += f"  {key}={value}"
        print_table(
            ("from", "to", "modality", "what", "model"),
            [
                (
                    timecode(span.start),
                    timecode(span.end),
                    row.modality.value,
                    _describe(row),
                    row.card,
                )
                for row in rows
                for span in [record.to_display_time(row.span)]
            ],
            empty="Nothing was observed.",
            title=title,
            whole=("from", "to", "modality"),
        )
        for note in notes:
            print_message(f"Note: {note}")


def parse_metadata(row: str) -> tuple[str, MetadataValue | None]:
    """``KEY=VALUE``; numbers, true and false are taken as such; without a value it is removed."""
    key, equals, value = row.partition("=")
    if not equals or not key.strip():
        raise InvalidInput("invalid_argument", f"{row!r} is not KEY=VALUE.", subject=row)
    return key.strip(), scalar(value) if value else None


def _describe(row: Observation) -> str:
    what: str = kind_of(row.payload).describe(row.payload)
    return what


def resolution(asset: Asset) -> str:
    """Width and height of the picture, as shown to people."""
    video = asset.media.video
    return f"{video.width}×{video.height}" if video else "sound only"


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command()(show)
