"""``videlicet evaluate``: measure search or analysis on a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from videlicet.cli.add import progress_bar
from videlicet.cli.context import JsonOption, context
from videlicet.cli.output import print_json, print_message, print_table

if TYPE_CHECKING:
    pass

#: What a person is shown of answers; ``--json`` holds all.
SHARES = ("citation_precision", "citation_recall", "exact", "false_not_found", "not_found", "cited")


def evaluate(
    dataset: Annotated[
        Path,
        typer.Argument(
            help="A dataset's folder, its annotations, or a file of questions (docs/evaluation.md)."
        ),
    ],
    videos: Annotated[
        Path | None, typer.Option(help="Folder of the videos, if elsewhere.", show_default=False)
    ] = None,
    index: Annotated[
        str | None, typer.Option("--index", "-i", help="Index to reuse.", show_default=False)
    ] = None,
    queries: Annotated[
        bool, typer.Option("--queries", help="With --json: the outcome of each query or question.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Evaluate search on a dataset, with two baselines; or analysis on questions."""
    from videlicet.evaluation import evaluate as run
    from videlicet.evaluation import is_question_file, read

    if is_question_file(dataset):
        _evaluate_analysis(dataset, index, queries=queries, as_json=as_json)
        return
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
    print_message(f"Models: {', '.join(report.models)}")
    for name in report.unindexed:
        print_message(f"Not indexed: {name}")


def _evaluate_analysis(path: Path, index: str | None, *, queries: bool, as_json: bool) -> None:
    """Put questions to what an index holds already."""
    from videlicet.evaluation import evaluate_analysis, read_questions
    from videlicet.library import DEFAULT_INDEX

    data = read_questions(path)
    with context.library() as library, progress_bar() as bar:
        row = bar.add_task(f"Asking {data.name}", total=len(data.questions), state="")
        report = evaluate_analysis(
            library, data, index=index or DEFAULT_INDEX, on_question=lambda: bar.advance(row)
        )
    if as_json:
        result = report.to_json()
        print_json({**result, "outcomes": report.outcomes} if queries else result)
        return
    for split, kinds in report.answers.items():
        print_table(
            ("kind", "answerable", "unanswerable", *(name.replace("_", " ") for name in SHARES)),
            [
                (kind, f["answerable"], f["unanswerable"], *(_interval(f, name) for name in SHARES))
                for kind, f in kinds.items()
            ],
            empty="",
            title=f"answers, {split}",
        )
    for name, metrics in (("chapters", report.chapters), ("summaries", report.summaries)):
        if metrics:
            print_message(
                f"{name}: " + ", ".join(f"{key} {value:g}" for key, value in metrics.items())
            )
    print_message(
        f"Analysis backend: {report.analysis_backend}; "
        f"{report.timing['answer_p50_ms']:.0f} ms an answer "
        f"(95 % within {report.timing['answer_p95_ms']:.0f} ms), {report.tokens['total']} tokens."
        if report.timing
        else f"Analysis backend: {report.analysis_backend}; no question was asked."
    )
    if report.left_out:
        print_message(f"Left out, because the index lacks their files: {report.left_out}")


def _interval(metrics: Mapping[str, Any], name: str) -> str:
    if metrics[name] is None:
        return "–"
    low, high = metrics[f"{name}_ci"]
    return f"{metrics[name]:.2f} ({low:.2f}–{high:.2f})"


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command()(evaluate)
