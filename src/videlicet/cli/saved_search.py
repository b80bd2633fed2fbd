"""``videlicet saved-search``: searches that run on every new asset of an index."""

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
    from videlicet.types import Match, SavedSearch

app = typer.Typer(
    help="Searches that run on every new asset of an index.",
    no_args_is_help=True,
)

NameArgument = Annotated[str, typer.Argument(help="The name or id of a saved search.")]


@app.command("add")
def add(
    words: Annotated[list[str], typer.Argument(help="What to look for, as in a search.")],
    name: Annotated[str, typer.Option(help="The name of the saved search.")],
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Least score of a match (0.5).", show_default=False),
    ] = None,
    without: WithoutOption = None,
    modality: ModalitiesOption = None,
    filters: FiltersOption = None,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Search the videos already in the index, too.")
    ] = False,
    index: IndexOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Save a search that runs on every asset added from now on."""
    with context.library() as library:
        made = library.save_search(
            name, " ".join(words), negative=without or (), modalities=modality or (),
            filter=parse_filters(filters or []), threshold=threshold, include_existing=backfill,
            index=index,
        )  # fmt: skip
        found = library.matches(made.id)
    if as_json:
        print_json({**_row(made), "matches": len(found)})
    else:
        print_message(f"Saved search {made.id} ({made.name}) added; {len(found)} matches.")


@app.command("list")
def list_saved_searches(index: AnyIndexOption = None, as_json: JsonOption = False) -> None:
    """List saved searches, newest first, with their number of matches."""
    with context.library() as library:
        names = {one.id: one.name for one in library.indexes()}
        rows = [
            {**_row(one), "index": names.get(one.index_id), "matches": len(library.matches(one.id))}
            for one in library.saved_searches(index)
        ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("id", "name", "query", "index", "threshold", "matches"),
        [
            (
                row["id"][:SHORT_ID], row["name"],
                ", ".join(part["text"] or part["kind"] for part in row["parts"]),
                row["index"], f"{row['threshold']:g}",
                row["error"]["message"] if row["error"] else row["matches"],
            )
            for row in rows
        ],
        empty="No saved searches; add one with `videlicet saved-search add TEXT --name NAME`.",
        whole=("id",),
    )  # fmt: skip


@app.command("matches")
def list_matches(
    name: Annotated[
        str | None, typer.Argument(help="The name or id of a saved search; all, if none is given.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1)] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the matches of saved searches, newest first."""
    with context.library() as library:
        found = library.matches(name, limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ("found", "saved search", "asset", "when", "score"),
        [
            (
                one.created_at.isoformat(timespec="seconds"), one.saved_search_name,
                f"{one.asset_name}\n{one.asset_id[:SHORT_ID]}", _match_time(one),
                f"{one.moments[0].score:.2f}",
            )
            for one in found
        ],
        empty="No matches yet.",
        whole=("found", "score"),
    )  # fmt: skip


@app.command("remove")
def remove(name: NameArgument, as_json: JsonOption = False) -> None:
    """Delete a saved search and its matches."""
    with context.library() as library:
        library.delete_saved_search(name)
    if as_json:
        print_json({"removed": name})
    else:
        print_message(f"Saved search {name} removed.")


def _row(one: SavedSearch) -> dict[str, Any]:
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
