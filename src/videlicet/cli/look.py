"""``videlicet list``, ``show`` and ``status``: look without changing anything."""

from __future__ import annotations

from typing import Annotated

import typer

from videlicet.cli.add import follow, outcome
from videlicet.cli.context import AnyIndexOption, IndexOption, JsonOption, context
from videlicet.cli.output import print_json, print_table, say, timecode
from videlicet.types import (
    Asset,
    Embedding,
    Label,
    Modality,
    Observation,
    ScreenText,
    Shot,
    Utterance,
)


def list_assets(
    index: AnyIndexOption = None,
    indexes: Annotated[bool, typer.Option("--indexes", help="List the indexes.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List what is in the library."""
    with context.library() as library:
        if indexes:
            found = library.indexes()
            if as_json:
                print_json(found)
                return
            print_table(
                ("index", "id", "models"),
                [(i.name, i.id, ", ".join(sorted(set(i.cards.values())))) for i in found],
                empty="No index yet.",
            )
            return
        assets = library.assets(index)
        states: dict[str, list[str]] = {}
        for row in library.indexed(index):
            states.setdefault(row.asset_id, []).append(row.status.value)
        if as_json:
            print_json([{"asset": a, "status": states.get(a.id, [])} for a in assets])
            return
        print_table(
            ("asset", "name", "length", "picture", "status"),
            [
                (
                    a.id,
                    a.name,
                    timecode(a.media.span.duration),
                    _picture(a),
                    ", ".join(sorted(set(states.get(a.id, [])))),
                )
                for a in assets
            ],
            empty="Nothing added yet.",
        )


def show(
    asset: Annotated[str, typer.Argument(help="Asset id, from list or search.")],
    modality: Annotated[
        Modality | None, typer.Option("--in", help="Only this modality.", show_default=False)
    ] = None,
    vectors: Annotated[bool, typer.Option(help="With --json: embeddings too.")] = False,
    index: IndexOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Show one asset and what the models say about it, in the order of time."""
    with context.library() as library:
        record = library.asset(asset)
        rows = library.observations(asset, modality, index=index)
        if not vectors:
            rows = [row for row in rows if not isinstance(row.payload, Embedding)]
        if as_json:
            print_json({"asset": record, "observations": rows})
            return
        say(
            f"{record.name}  {timecode(record.media.span.duration)}  {_picture(record)}"
            f"  {record.source}"
        )
        print_table(
            ("from", "to", "modality", "what", "model"),
            [
                (
                    timecode(row.span.start),
                    timecode(row.span.end),
                    row.modality.value,
                    _what(row),
                    row.card,
                )
                for row in rows
            ],
            empty="Nothing was observed.",
        )


def status(
    cancel: Annotated[
        str | None, typer.Option(help="Cancel this task.", show_default=False)
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="Run failed and cancelled tasks again.")
    ] = False,
    index: AnyIndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show tasks; cancel one, or try failed ones again."""
    with context.library() as library:
        if cancel is not None:
            task = library.cancel(cancel)
            if as_json:
                print_json(task)
            else:
                say(f"Cancelling {task.source}.")
            return
        if retry:
            raise typer.Exit(outcome(follow(library.retry(), as_json=as_json)))
        tasks = library.tasks(index)
        if as_json:
            print_json(tasks)
            return
        print_table(
            ("task", "status", "source", "stage", "why"),
            [
                (
                    task.id,
                    task.status.value,
                    task.source,
                    task.stage or "",
                    task.error["message"] if task.error else "",
                )
                for task in tasks
            ],
            empty="No tasks.",
        )


def _picture(asset: Asset) -> str:
    video = asset.media.video
    return f"{video.width}×{video.height}" if video else "sound only"


def _what(row: Observation) -> str:
    match row.payload:
        case Utterance(text=text) | ScreenText(text=text):
            return text
        case Label(name=name, score=score):
            return f"{name} ({score:.2f})"
        case Shot():
            return "shot"
        case Embedding(space=space):
            return f"vector in {space}"


def register(app: typer.Typer) -> None:
    """Add this file's verbs."""
    app.command("list")(list_assets)
    app.command()(show)
    app.command()(status)
