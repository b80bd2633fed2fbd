"""``videlicet report``: a page on recordings, with a player."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from videlicet.cli.context import IndexOption, context, named_asset
from videlicet.cli.files import require_writable
from videlicet.cli.output import print_message


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
    from videlicet.page.report import AssetReport, analysis_page

    require_writable(out)
    with context.library() as library:
        for text in question or []:
            check_question(text, library.settings)
        chosen = [named_asset(library, name) for name in assets]
        reports = [
            AssetReport(
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
        print_message(f"Written to {analysis_page(reports, answers, title, out)}.")


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command()(report)
