"""``videlicet list``, ``show`` and ``status``: what there is, and how work stands."""

from __future__ import annotations

from typing import Annotated

import typer

from videlicet.cli.add import follow, outcome
from videlicet.cli.context import (
    AnyIndexOption,
    IndexOption,
    JsonOption,
    context,
    named_asset,
    named_tasks,
)
from videlicet.cli.find import scalar
from videlicet.cli.output import SHORT_ID, print_json, print_table, printable, say, timecode
from videlicet.errors import InvalidInput
from videlicet.types import (
    Asset,
    Embedding,
    MetadataValue,
    Observation,
    Status,
    Task,
)
from videlicet.types.kinds import kind_of


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
                ("index", "models"),
                [(i.name, ", ".join(sorted(set(i.cards.values())))) for i in found],
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
                    a.id[:SHORT_ID],
                    a.name,
                    timecode(a.media.span.duration),
                    _picture(a),
                    ", ".join(sorted(set(states.get(a.id, [])))),
                )
                for a in assets
            ],
            empty="Nothing added yet.",
            whole=("asset", "length", "picture", "status"),
        )


def show(
    asset: Annotated[str, typer.Argument(help="Asset id (or its beginning), or file name.")],
    modality: Annotated[
        str | None, typer.Option("--in", help="Only this modality.", show_default=False)
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
    """Show one asset and what the models say about it, in the order of time."""
    with context.library() as library:
        record = named_asset(library, asset)
        if values:
            record = library.set_metadata(record.id, dict(metadata(row) for row in values))
        rows = library.observations(record.id, modality, index=index)
        notes = [
            note
            for row in library.indexed(index)
            if row.asset_id == record.id
            for note in row.notes
        ]
        if not vectors:
            rows = [row for row in rows if not isinstance(row.payload, Embedding)]
        if as_json:
            print_json({"asset": record, "notes": notes, "observations": rows})
            return
        title = f"{record.name}  {timecode(record.media.span.duration)}  {_picture(record)}"
        for key, value in sorted(record.metadata.items()):
            title += f"  {key}={value}"
        print_table(
            ("from", "to", "modality", "what", "model"),
            [
                (
                    timecode(told.start),
                    timecode(told.end),
                    row.modality.value,
                    _what(row),
                    row.card,
                )
                for row in rows
                for told in [record.told(row.span)]
            ],
            empty="Nothing was observed.",
            title=title,
            whole=("from", "to", "modality"),
        )
        for note in notes:
            say(f"Note: {note}")


def metadata(row: str) -> tuple[str, MetadataValue | None]:
    """``KEY=VALUE``; numbers, true and false are taken as such; without a value it is removed."""
    key, equals, value = row.partition("=")
    if not equals or not key.strip():
        raise InvalidInput("invalid_argument", f"{row!r} is not KEY=VALUE.", subject=row)
    return key.strip(), scalar(value) if value else None


def status(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(help="Only these task ids (or their beginnings).", show_default=False),
    ] = None,
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
            task = library.cancel(named_tasks(library, [cancel])[0].id)
            if as_json:
                print_json(task)
            else:
                say(f"Cancelled {task.source}.")
            return
        chosen = named_tasks(library, tasks) if tasks else library.tasks(index)
        if retry:
            again = [task.id for task in chosen] if tasks else []
            raise typer.Exit(outcome(follow(library.retry(*again), as_json=as_json)))
        if as_json:
            print_json(chosen)
            return
        print_table(
            ("task", "status", "source"),
            [(task.id[:SHORT_ID], task.status.value, _story(task)) for task in chosen],
            empty="No tasks.",
            whole=("task", "status"),
        )


def _story(task: Task) -> str:
    lines = [printable(task.source)]
    if task.status is Status.RUNNING and task.stage:
        total = f" of {timecode(task.total_s)}" if task.total_s else ""
        lines.append(f"{task.stage}, {timecode(task.done_s)}{total}")
    if task.error:
        lines.append(f"{task.error['message']}  [{task.error['code']}]")
    return "\n".join(lines)


def _picture(asset: Asset) -> str:
    video = asset.media.video
    return f"{video.width}×{video.height}" if video else "sound only"


def _what(row: Observation) -> str:
    what: str = kind_of(row.payload).describe(row.payload)
    return what


def register(app: typer.Typer) -> None:
    """Add this file's verbs."""
    app.command("list")(list_assets)
    app.command()(show)
    app.command()(status)
