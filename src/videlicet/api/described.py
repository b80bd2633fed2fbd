"""What the published description says of a path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def pattern(template: str) -> str:
    """A regular expression for the paths of a template."""
    return re.sub(r"\\{[^/]*?\\}", "[^/]+", re.escape(template))


class Methods:
    """Which methods a path knows, whichever of several routes they belong to."""

    def __init__(self, *descriptions: Mapping[str, Any]) -> None:
        self._rows = [
            (re.compile(pattern(path)), {method.upper() for method in row})
            for one in descriptions
            for path, row in one["paths"].items()
        ]

    def of(self, path: str) -> set[str]:
        return {name for row, names in self._rows if row.fullmatch(path) for name in names}
