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
    modality: Annotated[
        str | None,
        typer.Option("--modality", help="Another modality instead of speech: text or a plugin's."),
    ] = None,
    index: IndexOption = "default",
) -> None:
    """Write subtitles of the speech, as SubRip or WebVTT."""
    from videlicet.analyze.exports.exporter import Subject, SubtitleExport
    from videlicet.analyze.exports.subtitles import cues_of
    from videlicet.exporters import documents, render

    if on_screen_text and modality not in (None, Modality.TEXT):
        raise InvalidInput(
            "invalid_argument",
            "--on-screen-text is the modality text; name another one alone.",
            subject="--modality",
        )
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
        chosen_modality = modality or (Modality.TEXT if on_screen_text else Modality.SPEECH)
        seen = library.observations(one.id, chosen_modality, index=index)
        cues = cues_of(seen, one.media.span.start)
    content = render(f"{Subject.SUBTITLES}.{chosen}", SubtitleExport(one, cues))
    if out is None:
        typer.echo(content, nl=False)
    else:
        write(out, content)
        print_message(f"{len(cues)} subtitles. Written to {out}.")


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command()(subtitles)
