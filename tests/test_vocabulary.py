"""Words that belong in one place."""

from __future__ import annotations

import re
from pathlib import Path

import videlicet

SOURCE = Path(videlicet.__file__).parent
#: The compatible API and its models. ``twelve`` alone is a number.
COMPATIBLE = re.compile(r"twelve[ _-]?labs|marengo|pegasus", re.IGNORECASE)


def test_only_the_adapter_names_twelve_labs() -> None:
    adapter = SOURCE / "api" / "v1_3"
    named = [
        str(path.relative_to(SOURCE))
        for path in sorted(SOURCE.rglob("*"))
        if path.suffix in {".py", ".js", ".css", ".html", ".json", ".mako"}
        and not path.is_relative_to(adapter)
        and COMPATIBLE.search(path.read_text("utf-8"))
    ]
    assert named == []
    assert any(COMPATIBLE.search(path.read_text("utf-8")) for path in adapter.rglob("*.py"))
