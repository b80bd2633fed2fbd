"""``videlicet queries``: searches that are saved, and tried against everything that is added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from videlicet.cli.context import AnyIndexOption, IndexOption, JsonOption, context
from videlicet.cli.output import SHORT_ID, format_span, print_json, print_message, print_table
from videlicet.cli.search import (
    FiltersOption,
    ModalitiesOption,
    WithoutOption,
    parse_filters,
)

if TYPE_CHECKING:
    from videlicet.types import Match, SavedQuery

app = typer.Typer(
    help="Searches that are saved, and tried against everything that is added.",
    no_args_is_help=True,
)

NameArgument = Annotated[str, typer.Argument(help="The name or id of a query.")]


@app.command("add")
def add(
    words: Annotated[list[str], typer.Argument(help="What to look for, as in a search.")],
    name: Annotated[str, typer.Option(help="What the query is called.")],
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Least score of a match (0.5).", show_default=False),
    ] = None,
    without: WithoutOption = None,
    modality: ModalitiesOption = None,
    filters: FiltersOption = None,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Search existing videos with it, too.")
    ] = False,
    index: IndexOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Save a query; whatever is added from now on is searched with it."""
    with context.library() as library:
        made = library.save_query(
            name, " ".join(words), negative=without or (), modalities=modality or (),
            filter=parse_filters(filters or []), threshold=threshold, include_existing=backfill,
            index=index,
        )  # fmt: skip
        found = library.matches(made.id)
    if as_json:
        print_json({**_row(made), "matches": len(found)})
    else:
        print_message(f"Query {made.id} ({made.name}) is saved; {len(found)} matches.")


@app.command("list")
def list_queries(index: AnyIndexOption = None, as_json: JsonOption = False) -> None:
    """List saved queries, newest first, with how much each has found."""
    with context.library() as library:
        names = {one.id: one.name for one in library.indexes()}
        rows = [
            {**_row(one), "index": names.get(one.index_id), "matches": len(library.matches(one.id))}
            for one in library.queries(index)
        ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("id", "name", "looks for", "index", "threshold", "matches"),
        [
            (
                row["id"][:SHORT_ID], row["name"],
                ", ".join(part["text"] or part["kind"] for part in row["parts"]),
                row["index"], f"{row['threshold']:g}",
                row["error"]["message"] if row["error"] else row["matches"],
            )
            for row in rows
        ],
        empty="There are no saved queries; add one with `videlicet queries add TEXT --name NAME`.",
        whole=("id",),
    )  # fmt: skip


@app.command("matches")
def list_matches(
    name: Annotated[
        str | None, typer.Argument(help="The name or id of a query; all, if none is given.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1)] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show what saved queries have found, newest first."""
    with context.library() as library:
        found = library.matches(name, limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ("found", "query", "asset", "when", "score"),
        [
            (
                one.created_at.isoformat(timespec="seconds"), one.query_name,
                f"{one.asset_name}\n{one.asset_id[:SHORT_ID]}", _match_time(one),
                f"{one.moments[0].score:.2f}",
            )
            for one in found
        ],
        empty="Nothing has matched yet.",
        whole=("found", "score"),
    )  # fmt: skip


@app.command("remove")
def remove(name: NameArgument, as_json: JsonOption = False) -> None:
    """Delete a saved query with what it has found."""
    with context.library() as library:
        library.delete_query(name)
    if as_json:
        print_json({"removed": name})
    else:
        print_message(f"Query {name} is removed.")


def _row(one: SavedQuery) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "index_id": one.index_id,
        "parts": [{"kind": p.kind.value, "weight": p.weight, "text": p.text} for p in one.parts],
        "modalities": sorted(one.modalities),
        "filter": dict(one.filter),
        "threshold": one.threshold,
        "created_at": one.created_at.isoformat(),
        "error": None if one.error is None else dict(one.error),
    }


def _match_time(match: Match) -> str:
    best = format_span(match.moments[0].span.shift(-match.origin))
    more = len(match.moments) - 1
    return f"{best}\nand {more} more" if more else best
