"""What schemas that hold together say of one scalar. ``rows`` are those schemas."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from videlicet.analyze.extraction.schema.checking import CLOCK
from videlicet.analyze.extraction.schema.shapes import Fixed, Flag, Form, Null, Number, Text

_TYPES = ("null", "boolean", "string", "number", "array", "object")


def choices(rows: list[dict[str, Any]]) -> list[Any] | None:
    """The values that are written out, where any are."""
    for row in rows:
        if "const" in row:
            return [row["const"]]
    for row in rows:
        if "enum" in row:
            return list(row["enum"])
    return None


def written(choices: list[Any]) -> list[Form]:
    """The forms of values that are written out."""
    found: list[Form] = []
    if any(one is None for one in choices):
        found.append(Null())
    if texts := tuple(one for one in choices if isinstance(one, str)):
        found.append(Text(choices=texts))
    if numbers := tuple(
        one for one in choices if isinstance(one, (int, float)) and not isinstance(one, bool)
    ):
        found.append(Number(choices=numbers))
    if flags := tuple(one for one in choices if isinstance(one, bool)):
        found.append(Flag(flags))
    if others := tuple(one for one in choices if isinstance(one, (list, dict))):
        found.append(Fixed(others))
    return found


def kinds(rows: list[dict[str, Any]]) -> list[str]:
    """The types that all rows allow, in the order in which the first names them."""
    allowed = list(_TYPES)
    for row in rows:
        if "type" in row:
            named = [row["type"]] if isinstance(row["type"], str) else row["type"]
            own = ["number" if kind == "integer" else kind for kind in named]
            allowed = [kind for kind in dict.fromkeys(own) if kind in allowed]
    if allowed == list(_TYPES) and not any("type" in row for row in rows):
        return _meant(rows)
    return allowed


def _meant(rows: list[dict[str, Any]]) -> list[str]:
    """What a schema without a type is about, then all else that it allows."""
    about = {
        "object": ("properties", "required", "additionalProperties"),
        "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
        "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        "string": ("minLength", "maxLength", "pattern", "format"),
    }
    meant = [
        kind for kind, keys in about.items() if any(key in row for row in rows for key in keys)
    ]
    return [*meant, *(kind for kind in ("null", "string") if kind not in meant)]


def text(rows: list[dict[str, Any]]) -> Text | None:
    """What all rows say of a string; ``None`` where they contradict each other."""
    shortest = max((int(row["minLength"]) for row in rows if "minLength" in row), default=0)
    longest = min((int(row["maxLength"]) for row in rows if "maxLength" in row), default=None)
    if longest is not None and shortest > longest:
        return None
    return Text(
        shortest,
        longest,
        tuple(dict.fromkeys(row["pattern"] for row in rows if "pattern" in row)),
        next((row["format"] for row in rows if "format" in row), None),
        clock=next((row[CLOCK] for row in rows if row.get(CLOCK) not in (None, "seconds")), None),
    )


def number(rows: list[dict[str, Any]]) -> Number:
    """What all rows say of a number."""

    def bounds(key: str, open_key: str, sign: int) -> tuple[Fraction | None, bool]:
        found = [(Fraction(str(row[key])) * sign, False) for row in rows if key in row]
        found += [(Fraction(str(row[open_key])) * sign, True) for row in rows if open_key in row]
        if not found:
            return None, False
        value, is_open = max(found)
        return value * sign, is_open

    low, low_open = bounds("minimum", "exclusiveMinimum", 1)
    high, high_open = bounds("maximum", "exclusiveMaximum", -1)
    return Number(
        low,
        high,
        low_open,
        high_open,
        tuple(Fraction(str(row["multipleOf"])) for row in rows if "multipleOf" in row),
        any(_only_whole(row) for row in rows),
        clock=any(row.get(CLOCK) == "seconds" for row in rows),
    )


def _only_whole(row: dict[str, Any]) -> bool:
    named = row.get("type", "number")
    return "integer" in ([named] if isinstance(named, str) else named) and "number" not in (
        [named] if isinstance(named, str) else named
    )
