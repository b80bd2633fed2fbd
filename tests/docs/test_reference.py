"""The reference tables name all there is, and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from tests.docs.snippets import PAGES, ROOT

import videlicet
from videlicet.errors import all_codes
from videlicet.models.cards import all_cards
from videlicet.settings import Settings

DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def error_table() -> str:
    rows = [
        f"| `{code}` | {row.status} | {'yes' if row.retryable else 'no'} | {row.remedy} |"
        for code, row in sorted(all_codes().items())
    ]
    head = ["| Code | Status | Try again? | What to do |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def settings_table() -> str:
    rows = ["| Name | Default | Meaning |", "|---|---|---|"]
    defaults = {"home": "~/.local/share/videlicet", "weights": "~/.cache/videlicet/weights"}
    for name, field in Settings.model_fields.items():
        default = defaults.get(name, field.default)
        if isinstance(default, int | float):
            default = f"{default:.15g}" if not isinstance(default, bool) else str(default).lower()
        rows.append(f"| `{name}` | {default and f'`{default}` '}| {field.description} |")
    return "\n".join(rows)


def test_every_error_is_listed() -> None:
    expected = error_table()
    assert expected in page("errors.md"), f"docs/errors.md needs this table:\n{expected}"


def test_every_setting_is_listed_with_its_default() -> None:
    text = page("operations.md")
    assert settings_table() in text, f"docs/operations.md needs this table:\n{settings_table()}"


def test_every_default_model_is_listed() -> None:
    text = page("models.md")
    for card in all_cards():
        if card.default:
            assert f"`{card.role}`" in text
            assert card.licence.split()[0] in text


def test_every_verb_and_exit_code_is_listed() -> None:
    from videlicet.cli.app import app
    from videlicet.cli.output import EXIT_CODES

    text = page("cli.md")
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        assert re.search(rf"`{name}\b", text), name
    for number in re.findall(r"\b\d+\b", EXIT_CODES):
        assert f"| {number} |" in text


def test_every_tool_of_agents_is_listed() -> None:
    from videlicet.mcp.tool_list import tools

    assert set(re.findall(r"^\| `(\w+)` \|", page("mcp.md"), re.MULTILINE)) == set(
        tools(files=True)
    )


def test_every_public_name_is_shown() -> None:
    text = page("python.md") + page("search.md") + page("architecture.md")
    unseen = {name for name in videlicet.__all__ if not re.search(rf"\b{name}\b", text)}
    assert unseen == set()


@pytest.mark.parametrize(
    "path", [*PAGES, *sorted((DOCS / "decisions").glob("*.md"))], ids=lambda p: p.name
)
def test_links_inside_the_repository_lead_somewhere(path: Path) -> None:
    for token in MarkdownIt().parse(path.read_text("utf-8")):
        for child in token.children or ():
            target = str(child.attrs.get("href", "")).partition("#")[0]
            if target and "://" not in target:
                assert (path.parent / target).exists(), f"{path.name} links to {target}"
