"""From a description of what is to be extracted from items to a JSON schema."""

from __future__ import annotations

import re
from typing import Any

from videlicet.services.problems import invalid

#: Most things that a description may name.
MOST = 50
#: What parts the things that a description names.
_BETWEEN = re.compile(r"[\n,;.:•]+|\s+(?:and|or|as well as)\s+|^\s*[-*\d]+[.)]?\s+", re.I | re.M)
_AROUND = re.compile(
    r"^(?:please|and|or|also|then|extract|find|identify|list|capture|detect|describe|note|record|"
    r"get|give|tell(?: me| us)?|determine|include|the|all|any|each|every|a|an|of|for|following|"
    r"names? of all)\s+",
    re.I,
)
_WORD = re.compile(r"\w+")


def schema_of_description(text: str) -> dict[str, Any]:
    """A schema with a text, or several, for each thing that a description in words names.

    Raises:
        InvalidInput: ``invalid_argument``, it names nothing.
    """
    properties: dict[str, Any] = {}
    for part in _BETWEEN.split(text):
        thing = part.strip()
        while thing != (shorter := _AROUND.sub("", thing)):
            thing = shorter.strip()
        name = "_".join(_WORD.findall(thing.casefold()))[:64]
        if name and not name.isdigit():
            several = thing.split()[-1].casefold().endswith("s")
            one = {"type": "string"}
            kind: dict[str, Any] = {"type": "array", "items": one} if several else one
            properties.setdefault(name, {**kind, "description": thing})
    if not properties:
        raise invalid("description: it names nothing that could be extracted.")
    return {"type": "object", "properties": dict(list(properties.items())[:MOST])}
