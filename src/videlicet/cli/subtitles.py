"""``videlicet subtitles``: speech or on-screen text as SubRip or WebVTT."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from videlicet.cli.analyze import AssetArgument
from videlicet.cli.context import IndexOption, context, named_asset
from videlicet.cli.files import one_of, require_suffix, write
from videlicet.cli.output import print_message
from videlicet.errors import InvalidInput
from videlicet.types import Modality


def subtitles(
    asset: AssetArgument,
    out: Annotated[
        Path | None,
        typer.Argument(help="FILE.srt, FILE.vtt or a plugin's; printed where none is named."),
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="srt, vtt or a plugin's, where it is printed.")
    ] = None,
    on_screen_text: Annotated[
        bool, typer.Option("--on-screen-text", help="On-screen text instead of speech.")
    ] = False,
    index: IndexOption = "default",
) -> None:
    """Subtitles of what is said, as SubRip or WebVTT."""
    from videlicet.analyze.exports import subtitles as cues_of
    from videlicet.analyze.exports.exporter import Subject, SubtitleExport
    from videlicet.analyze.exports.registry import documents, render

    exporters = documents(Subject.SUBTITLES)
    chosen = one_of(format or "srt", exporters, "--format")
    if out is not None:
        by_ending = {one.file_ending: name for name, one in exporters.items()}
        named = by_ending[require_suffix(out, by_ending, "OUT")]
        if format is not None and chosen != named:
            raise InvalidInput(
                "invalid_argument", f"{out} is a file of {named}, but --format says {chosen}.",
                subject="--format", remedy="Leave --format out: the file's ending says it.",
            )  # fmt: skip
        chosen = named
    with context.library() as library:
        one = named_asset(library, asset)
        modality = Modality.TEXT if on_screen_text else Modality.SPEECH
        seen = library.observations(one.id, modality, index=index)
        make = cues_of.on_screen_cues if on_screen_text else cues_of.spoken_cues
        cues = make(seen, one.media.span.start)
    content = render(f"{Subject.SUBTITLES}.{chosen}", SubtitleExport(one, cues))
    if out is None:
        typer.echo(content, nl=False)
    else:
        write(out, content)
        print_message(f"{len(cues)} subtitles. Written to {out}.")


def register(app: typer.Typer) -> None:
    """Add this file's verbs."""
    app.command()(subtitles)
