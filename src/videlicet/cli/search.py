"""``videlicet search``: find moments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from videlicet.cli.context import IndexOption, JsonOption, context
from videlicet.cli.output import (
    SHORT_ID,
    format_span,
    print_json,
    print_message,
    print_table,
    printable,
)
from videlicet.errors import InvalidQuery
from videlicet.types import Asset, GroupBy, Hit, SearchPage

if TYPE_CHECKING:
    from videlicet.library import Library

WithoutOption = Annotated[
    list[str] | None, typer.Option("--not", help="Push moments down that match these words.")
]
ModalitiesOption = Annotated[
    list[str] | None,
    typer.Option("--modality", help="Only visual, speech, text (on screen) or sound; repeatable."),
]
FiltersOption = Annotated[
    list[str] | None,
    typer.Option("--filter", help="FIELD=VALUE, or a JSON filter (docs/search.md)."),
]


def search(
    words: Annotated[
        list[str] | None,
        typer.Argument(help='What to look for; words in "quotation marks" must occur exactly.'),
    ] = None,
    image: Annotated[Path | None, typer.Option(help="A picture to look for.")] = None,
    audio: Annotated[Path | None, typer.Option(help="A sound to listen for.")] = None,
    video: Annotated[Path | None, typer.Option(help="A clip to look and listen for.")] = None,
    without: WithoutOption = None,
    modality: ModalitiesOption = None,
    filters: FiltersOption = None,
    group_by: Annotated[GroupBy, typer.Option(help="List moments, or assets.")] = GroupBy.MOMENT,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500)] = 10,
    page: Annotated[str | None, typer.Option(help="Token of the next page.")] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Leave out lower scores.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with playable moments.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Write that page and open it.")] = False,
    index: IndexOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Find moments by words, a picture, a sound, a clip, or several of them together."""
    text = " ".join(words) if words else None
    with context.library() as library:
        result = library.search(
            text, image=image, audio=audio, video=video, negative=without or (),
            modalities=modality or (), filter=parse_filters(filters or []), group_by=group_by,
            limit=limit, page=page, threshold=threshold, index=index,
        )  # fmt: skip
        if as_json:
            print_json(result)
        else:
            _print(library, result)
        if html is not None or show:
            _write_page(library, result, _title(text, image, audio, video), html, show)


def parse_filters(rows: list[str]) -> dict[str, Any]:
    """``FIELD=VALUE`` pairs and JSON objects as one filter; all must hold.

    A value is read as JSON where it is JSON (numbers, true, false), else as text.
    """
    found: list[dict[str, Any]] = []
    for row in rows:
        if row.lstrip().startswith("{"):
            try:
                found.append(json.loads(row))
            except json.JSONDecodeError as error:
                raise InvalidQuery(
                    "filter_invalid", f"The filter is not valid JSON: {error}.", subject=row
                ) from error
            continue
        field, equals, value = row.partition("=")
        if not equals or not field:
            raise InvalidQuery(
                "filter_invalid", f"{row!r} is neither FIELD=VALUE nor JSON.", subject=row
            )
        found.append({field.strip(): scalar(value)})
    return found[0] if len(found) == 1 else {"and": found} if found else {}


def scalar(text: str) -> str | int | float | bool:
    """Numbers, true and false as such; anything else as text."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return text
    return value if isinstance(value, str | int | float | bool) else text


def _print(library: Library, page: SearchPage) -> None:
    assets = {id: library.asset(id) for id in {hit.asset_id for hit in page.hits}}
    print_table(
        ("#", "score", "when", "what", "asset"),
        [
            (
                hit.rank,
                f"{hit.score:.2f}",
                format_span(assets[hit.asset_id].to_display_time(hit.span)),
                "\n".join(
                    [
                        printable(hit.asset_name),
                        *_evidence_lines(hit),
                        *_moments(assets[hit.asset_id], hit),
                    ]
                ),
                hit.asset_id[:SHORT_ID],
            )
            for hit in page.hits
        ],
        empty="Nothing matches.",
        whole=("#", "score", "when", "asset"),
    )
    if page.hits and not page.exact:
        print_message("Searched approximately; `videlicet doctor` shows the measured recall.")
    if page.withheld_assets:
        print_message(f"{page.withheld_assets} assets were withheld by the rights policy.")
    if page.next_page is not None:
        print_message(f"{page.total} in all; next page: --page {page.next_page}")


def _evidence_lines(hit: Hit) -> list[str]:
    """One line a lane, its best evidence first."""
    best: dict[str, str] = {}
    for evidence in hit.evidence:
        text = " ".join((evidence.text or "").split())
        best.setdefault(evidence.lane, f"{evidence.lane}: {text}" if text else evidence.lane)
    return list(best.values())


def _moments(asset: Asset, hit: Hit) -> list[str]:
    # One is the hit itself.
    return [
        f"{format_span(asset.to_display_time(moment.span))}  {moment.score:.2f}"
        for moment in (hit.moments if len(hit.moments) > 1 else ())
    ]


def _title(text: str | None, image: Path | None, audio: Path | None, video: Path | None) -> str:
    named = [str(path) for path in (image, audio, video) if path is not None]
    return " + ".join([*([text] if text else []), *named])


def _write_page(
    library: Library, page: SearchPage, title: str, out: Path | None, show: bool
) -> None:
    from videlicet.page import results_page

    path = results_page(library, page, title, out or Path("videlicet-results.html"))
    print_message(f"Wrote {path}")
    if show:
        import webbrowser

        if not webbrowser.open(path.absolute().as_uri()):
            print_message("There is no browser here; open the file yourself.")


def register(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.command()(search)
