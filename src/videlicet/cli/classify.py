"""``videlicet classify``: which of your own labels fit what is in the library."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from videlicet.cli.context import IndexOption, JsonOption, context, named_asset
from videlicet.cli.files import read_json
from videlicet.cli.output import SHORT_ID, format_span, print_json, print_table
from videlicet.errors import InvalidInput

if TYPE_CHECKING:
    from videlicet.library import Library

#: Seconds; no recording is longer.
_LATEST = 1e7


def classify(
    assets: Annotated[
        list[str] | None,
        typer.Argument(help="Assets to classify, by id or name; all, if none is given."),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(help="NAME, or NAME: DESCRIPTION; repeatable."),
    ] = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            help="JSON: for each label a list of assets, or of objects with asset, start and end; "
            "under none what belongs to no label.",
        ),
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Least probability of a label.")
    ] = 0.5,
    shots: Annotated[bool, typer.Option("--shots", help="Classify each shot separately.")] = False,
    index: IndexOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Classify recordings with your own labels, by description or from examples."""
    described: dict[str, str] = {}
    for one in label or []:
        name, _, text = one.partition(":")
        if name.strip() in described:
            raise InvalidInput(
                "invalid_argument", f"Two labels have the same name, {name.strip()!r}.",
                subject="--label",
            )  # fmt: skip
        described[name.strip()] = text.strip()
    with context.library() as library:
        example_clips = {} if examples is None else _examples(library, examples)
        for name in example_clips:
            if name != "none":
                described.setdefault(name, "")
        known = {asset.id: asset for asset in library.assets(index)}
        chosen = [named_asset(library, one).id for one in assets] if assets else None
        found = library.classify(
            described, examples=example_clips, assets=chosen, threshold=threshold, shots=shots,
            index=index,
        )  # fmt: skip
    if as_json:
        print_json([{**one.to_json(), "asset_name": known[one.asset_id].name} for one in found])
        return
    print_table(
        ("label", "probability", "asset", "when", "because of"),
        [
            (
                one.label, f"{one.score:.2f}",
                f"{known[one.asset_id].name}\n{one.asset_id[:SHORT_ID]}",
                format_span(known[one.asset_id].to_display_time(one.span)),
                "; ".join(dict.fromkeys(item.text for item in one.citations)),
            )
            for one in found
        ],
        empty="There is nothing to classify.",
        whole=("label", "probability", "when"),
    )  # fmt: skip


def _examples(library: Library, path: Path) -> dict[str, list[Any]]:
    """The examples of a file, with assets by id. Times are seconds from the start of the file."""
    from videlicet.types import Span, instant

    rows = read_json(path)
    if not isinstance(rows, dict) or not all(isinstance(row, list) for row in rows.values()):
        raise _refuse(path, "it is no JSON object of lists")
    found: dict[str, list[Any]] = {}
    for name, given in rows.items():
        found[name] = []
        for one in given:
            row = {"asset": one} if isinstance(one, str) else one
            if not isinstance(row, dict) or not isinstance(row.get("asset"), str):
                raise _refuse(path, f"an example of {name} names no asset")
            asset = named_asset(library, row["asset"])
            if row.get("start") is None and row.get("end") is None:
                found[name].append(asset.id)
                continue
            start, end = _seconds(row.get("start")), _seconds(row.get("end"))
            if not start < end:
                raise _refuse(path, f"an example of {name} has no start before its end")
            origin = asset.media.span.start
            span = Span(origin + instant(start), origin + instant(end))
            found[name].append((asset.id, span))
    return found


def _seconds(value: Any) -> float:
    """A time within a file; what is none is not before or after any other."""
    good = isinstance(value, int | float) and 0 <= value <= _LATEST
    return float(value) if good else math.nan


def _refuse(path: Path, why: str) -> InvalidInput:
    return InvalidInput("invalid_argument", f"{path} holds no examples: {why}.", subject=str(path))


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command()(classify)
