"""From what the makers of a store want to know of its items to a JSON schema."""

from __future__ import annotations

import re
from typing import Any

from videlicet.api.errors import invalid
from videlicet.api.v1_3.analysis.jobs import checked
from videlicet.api.v1_3.knowledge.schemas import Ingestion, SchemaEnrichment

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


def wanted_of(config: Ingestion) -> dict[str, Any]:
    """What is to be extracted, as the index of a store keeps it: ``schema`` and ``prompt``.

    Raises:
        ApiError: 400, where nothing can be.
        InvalidInput: ``schema_invalid``.
    """
    chosen = config.enrichment_config
    if isinstance(chosen, SchemaEnrichment):
        schema = chosen.json_schema
        if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
            raise invalid("json_schema: type must be object, with properties.")
        return {"schema": checked(schema), "prompt": ""}
    return {"schema": described(chosen.description), "prompt": chosen.description}


def described(text: str) -> dict[str, Any]:
    """A schema with a text, or several, for each thing that a description in words names.

    Raises:
        ApiError: 400, where it names nothing.
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
