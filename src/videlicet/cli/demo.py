"""``videlicet demo``: sample videos, indexed and searched in every way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from videlicet.cli.add import show_progress
from videlicet.cli.context import JsonOption
from videlicet.cli.output import (
    OK,
    SOME_FAILED,
    format_span,
    print_json,
    print_message,
    print_table,
)

if TYPE_CHECKING:
    from videlicet.demo.question import Place
    from videlicet.demo.run import DemoReport


def demo(
    video: Annotated[
        Path | None,
        typer.Option(help="Your own video instead of the samples.", show_default=False),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Where videos, the demo's own library and the page go.")
    ] = Path("demo/out"),
    as_json: JsonOption = False,
) -> None:
    """Make sample videos of freely licensed material, index them and search them in every way."""
    from videlicet.demo import run_demo

    # Never somebody's own library: sample videos do not belong there.
    home = out / ("library-own" if video else "library")
    report = run_demo(
        home,
        out,
        video,
        say=(lambda _: None) if as_json else print_message,
        follow=lambda events: show_progress(events, quiet=as_json),
    )
    if as_json:
        print_json(report)
    else:
        _print_demo(report)
        print_message(f"Ask your own: videlicet --home {home} search …")
    raise typer.Exit(OK if report.ok else SOME_FAILED)


def _print_demo(report: DemoReport) -> None:
    print_table(
        ("", "query", "found", "rank", "score", "ms"),
        [
            (
                "✓" if row.first else ("·" if row.rank else "✗"),
                f"{row.label}\n{row.kind}",
                "" if row.found is None else _place(row.found),
                row.rank or "–",
                "" if row.score is None else f"{row.score:.2f}",
                round(row.seconds * 1000),
            )
            for row in report.rows
        ],
        empty="No question fits this recording.",
        whole=("", "rank", "score", "ms"),
    )
    print_message(
        f"✓ {report.first} of {len(report.rows)} questions found their moment first.\n"
        f"{report.videos} recordings of {report.video_seconds:.0f} s together were indexed in "
        f"{report.index_s:.1f} s; preparing took {report.prepare_s:.1f} s, a search "
        f"{report.search_s * 1000:.0f} ms."
    )
    for line in report.credits:
        print_message(f"  {line}")
    print_message(f"Playable moments: {report.page}")


def _place(place: Place) -> str:
    return f"{place.file}\n{format_span(place.span)}"


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command()(demo)
