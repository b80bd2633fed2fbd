"""``videlicet subtitles``: speech or on-screen text as SubRip or WebVTT."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from videlicet.cli.analyze import AssetArgument
from videlicet.cli.context import IndexOption, context, named_asset
from videlicet.cli.files import ending, one_of, write
from videlicet.cli.output import say
from videlicet.errors import InvalidInput
from videlicet.types import Modality

#: What subtitles can be.
_FORMATS = ("srt", "vtt")


def subtitles(
    asset: AssetArgument,
    out: Annotated[
        Path | None, typer.Argument(help="FILE.srt or FILE.vtt; printed where none is named.")
    ] = None,
    format: Annotated[str | None, typer.Option(help="srt or vtt, where it is printed.")] = None,
    on_screen_text: Annotated[
        bool, typer.Option("--on-screen-text", help="On-screen text instead of speech.")
    ] = False,
    index: IndexOption = "default",
) -> None:
    """Subtitles of what is said, as SubRip or WebVTT."""
    from videlicet.analyze.exports import subtitles as formats

    chosen = one_of(format or "srt", _FORMATS, "--format")
    if out is not None:
        named = ending(out, [f".{one}" for one in _FORMATS], "OUT").removeprefix(".")
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
        make = formats.written if on_screen_text else formats.spoken
        cues = make(seen, one.media.span.start)
    text = formats.srt(cues) if chosen == "srt" else formats.webvtt(cues)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write(out, text)
        say(f"{len(cues)} subtitles. Written to {out}.")


def register(app: typer.Typer) -> None:
    """Add this file's verbs."""
    app.command()(subtitles)
