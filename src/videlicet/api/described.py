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
        self._rows = {
            path: {method.upper() for method in row}
            for one in descriptions
            for path, row in one["paths"].items()
        }
        self._patterns = [(re.compile(pattern(path)), path) for path in self._rows]

    def of(self, path: str) -> set[str]:
        """The methods of a path; a word goes before an id in the same place."""
        fitting = [template for row, template in self._patterns if row.fullmatch(path)]
        fewest = min((one.count("{") for one in fitting), default=0)
        return {
            name
            for template in fitting
            if template.count("{") == fewest
            for name in self._rows[template]
        }
