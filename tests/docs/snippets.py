"""The commands and programs that a page of the documentation holds, in order.

Fenced blocks marked ``console`` hold commands after ``$``; blocks marked ``python`` hold programs.
A comment ``<!-- not run here: why -->`` right before a block exempts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
EXEMPT = "<!-- not run here:"


@dataclass(frozen=True)
class Snippet:
    language: str
    code: str
    line: int
    exempt: bool

    @property
    def commands(self) -> list[str]:
        """The commands of a console block, continuation lines joined."""
        found: list[str] = []
        for line in self.code.splitlines():
            if line.startswith("$ "):
                found.append(line[2:])
            elif found and found[-1].endswith("\\"):
                found[-1] = found[-1][:-1] + line.strip()
        return found


def snippets(page: Path) -> list[Snippet]:
    found = []
    exempt = False
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        if token.type == "html_block":
            exempt = token.content.startswith(EXEMPT)
            continue
        if token.type == "fence":
            assert token.map is not None
            found.append(Snippet(token.info.strip(), token.content, token.map[0] + 1, exempt))
        exempt = False
    return found
