"""Outputs that other programs and people take: ``subtitles`` and ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from videlicet.cli.analyze import AssetArgument
from videlicet.cli.context import IndexOption, context, named_asset
from videlicet.cli.files import ending, one_of, writable, write
from videlicet.cli.output import say
from videlicet.errors import InvalidInput
from videlicet.types import Modality

#: What subtitles can be.
_FORMS = ("srt", "vtt")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(subtitles)
    app.command()(report)


def subtitles(
    asset: AssetArgument,
    out: Annotated[
        Path | None, typer.Argument(help="FILE.srt or FILE.vtt; printed where none is named.")
    ] = None,
    form: Annotated[str | None, typer.Option(help="srt or vtt, where it is printed.")] = None,
    written: Annotated[
        bool, typer.Option("--written", help="What is written on the screen, not what is said.")
    ] = False,
    index: IndexOption = "default",
) -> None:
    """Subtitles of what is said, as SubRip or WebVTT."""
    from videlicet.analyze.exports import subtitles as forms

    chosen = one_of(form or "srt", _FORMS, "--form")
    if out is not None:
        named = ending(out, [f".{one}" for one in _FORMS], "OUT").removeprefix(".")
        if form is not None and chosen != named:
            raise InvalidInput(
                "invalid_argument", f"{out} is a file of {named}, but --form says {chosen}.",
                subject="--form", remedy="Leave --form out: the file's ending says it.",
            )  # fmt: skip
        chosen = named
    with context.library() as library:
        one = named_asset(library, asset)
        modality = Modality.TEXT if written else Modality.SPEECH
        seen = library.observations(one.id, modality, index=index)
        make = forms.written if written else forms.spoken
        cues = make(seen, one.media.span.start)
    text = forms.srt(cues) if chosen == "srt" else forms.webvtt(cues)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write(out, text)
        say(f"{len(cues)} subtitles. Written to {out}.")


def report(
    assets: Annotated[list[str], typer.Argument(help="Recordings, by name or id.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The page to write.")] = Path(
        "videlicet-report.html"
    ),
    question: Annotated[
        list[str] | None, typer.Option("--ask", help="A question to answer in it; repeatable.")
    ] = None,
    index: IndexOption = "default",
) -> None:
    """A page on recordings: summary, chapters, highlights and answers, with a player that jumps to
    what each rests on."""
    from videlicet.analyze.query_checks import check_question
    from videlicet.page.report import Film, analysis_page

    writable(out)
    with context.library() as library:
        for text in question or []:
            check_question(text, library.settings)
        chosen = [named_asset(library, name) for name in assets]
        films = [
            Film(
                one,
                str(library.original(one)),
                library.gist(one.id, index=index),
                library.summarize(one.id, index=index),
                tuple(library.chapters(one.id, index=index)),
                tuple(library.highlights(one.id, index=index)),
            )
            for one in chosen
        ]
        ids = [one.id for one in chosen]
        answers = [(text, library.ask(text, assets=ids, index=index)) for text in question or []]
        title = ", ".join(one.name for one in chosen)
        say(f"Written to {analysis_page(films, answers, title, out)}.")
