"""``videlicet doctor``, ``evaluate`` and ``demo``: is it healthy, is it good, does it work?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from videlicet.cli.add import progress_bar
from videlicet.cli.context import JsonOption, context
from videlicet.cli.output import OK, SOME_FAILED, print_json, print_table, say


def doctor(
    mend: Annotated[bool, typer.Option("--mend", help="Mend what can be mended safely.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the data directory and say how to mend what is wrong."""
    findings = context.library().doctor(mend=mend)
    if as_json:
        print_json(findings)
    else:
        print_table(
            ("level", "what", "finding", "remedy"),
            [(f.level, f.subject, f.message, f.remedy) for f in findings],
            empty="Nothing is wrong.",
        )
    raise typer.Exit(SOME_FAILED if any(f.level == "error" for f in findings) else OK)


def evaluate(
    dataset: Annotated[
        Path, typer.Argument(help="A dataset's folder, or its annotations (docs/evaluation.md).")
    ],
    videos: Annotated[
        Path | None, typer.Option(help="Its videos, if they lie elsewhere.", show_default=False)
    ] = None,
    index: Annotated[
        str | None, typer.Option("--index", "-i", help="Index to reuse.", show_default=False)
    ] = None,
    queries: Annotated[bool, typer.Option(help="With --json: each query's outcome.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure the search on a dataset, beside two baselines."""
    from videlicet.evaluation import evaluate as run
    from videlicet.evaluation import read

    data = read(dataset, videos)
    with context.library() as library, progress_bar() as bar:
        row = bar.add_task(f"Indexing {data.name}", total=len(data.videos), state="")
        ended: set[str] = set()

        def seen(event: object) -> None:
            status = getattr(event, "status", None)
            if status is not None and status.ended:
                ended.add(getattr(event, "task_id", ""))
                bar.update(row, completed=len(ended), state=f"{len(ended)} files")

        report = run(library, data, index=index, on_event=seen)
    if as_json:
        result = report.to_json()
        print_json({**result, "queries": report.outcomes} if queries else result)
        return
    tables: dict[str, list[list[object]]] = {}
    heads: dict[str, list[str]] = {}
    for line in report.rows():
        heads[line.table] = ["query", "kind", "n", *(name for name, *_ in line.values)]
        tables.setdefault(line.table, []).append(
            [
                line.modality,
                line.kind,
                line.n,
                *(f"{mean:.2f} ({low:.2f}–{high:.2f})" for _, mean, low, high in line.values),
            ]
        )
    for name, lines in tables.items():
        print_table(heads[name], lines, empty="", title=name)
    say(f"Models: {', '.join(report.models)}")
    for name in report.unindexed:
        say(f"Not indexed: {name}")


def demo(
    video: Annotated[
        Path | None, typer.Option(help="Use this file instead of the sample.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option(help="Where films and the page go.")] = Path("demo/out"),
) -> None:
    """Build a sample film from freely licensed media, index it and search it in every way."""
    from videlicet.demo import run_demo

    if not run_demo(out, video=video):
        raise typer.Exit(SOME_FAILED)


def register(app: typer.Typer) -> None:
    """Add this file's verbs."""
    app.command()(doctor)
    app.command()(evaluate)
    app.command()(demo)
