"""Whether something is a JSON schema that is supported here, and whether a value meets it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from videlicet.analyze.extraction.schema.formats import FORMATS, UNCHECKED
from videlicet.analyze.extraction.schema.patterns import Unsupported, compiled
from videlicet.errors import InvalidInput

#: How deep a schema may be nested, how many values it may hold, and how many characters.
DEEPEST, MOST, LONGEST = 48, 10_000, 300_000
#: How many values an ``enum`` may name.
MOST_CHOICES = 1_000
#: The largest number a schema may name.
LARGEST = 1e200

#: Keywords that hold one schema, a list of schemas, and schemas by name.
ONE = ("items", "additionalProperties")
MANY = ("prefixItems", "anyOf", "oneOf", "allOf")
NAMED = ("properties", "$defs", "definitions")
#: Keywords of the standard that no value is made for.
REFUSED = frozenset(
    """
    not if then else dependentRequired dependentSchemas dependencies patternProperties
    propertyNames minProperties maxProperties contains minContains maxContains
    unevaluatedItems unevaluatedProperties additionalItems
    $dynamicRef $dynamicAnchor $recursiveRef $recursiveAnchor $anchor
    """.split()
)
#: Times in the video, as the v1.3 interface writes them, and what they are in a JSON schema.
CLOCKS: Mapping[str, Mapping[str, Any]] = {
    "seconds": {"type": "number", "minimum": 0},
    "hh:mm:ss": {"type": "string", "pattern": r"^[0-9]{2,}:[0-5][0-9]:[0-5][0-9]$"},
    "hh:mm:ss.fff": {"type": "string", "pattern": r"^[0-9]{2,}:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}$"},
}
#: What marks a time in the video in a schema that was checked.
CLOCK = "x-videlicet-clock"

Json: TypeAlias = Any


def refuse(pointer: str, why: str) -> InvalidInput:
    """The error for a place in a schema."""
    return InvalidInput(
        "schema_invalid", f"At {pointer or 'the root'} of the schema: {why}", subject=pointer or "/"
    )


def checked(schema: Mapping[str, Json]) -> dict[str, Json]:
    """A copy of a schema that is known to be one, of a bearable size, with keywords that can be
    met; ``timestamp``, a type of the v1.3 interface, is written out as a number or string.

    Raises:
        InvalidInput: ``schema_invalid``, with the place.
    """
    copy = _copied(schema)
    if not isinstance(copy, dict):
        raise refuse("", "it must be an object.")
    for pointer, one in schemas(copy):
        if isinstance(one, dict):
            one.pop(CLOCK, None)
            if one.get("type") == "timestamp":
                _write_out(pointer, one)
    _against_metaschema(copy)
    places = {pointer for pointer, _ in schemas(copy)}
    for pointer, one in schemas(copy):
        if isinstance(one, dict):
            _keywords(pointer, one, places)
    return copy


def schemas(root: Json) -> Iterator[tuple[str, Json]]:
    """Every schema in a schema with its JSON pointer, itself first."""
    todo = [("", root)]
    while todo:
        pointer, schema = todo.pop()
        yield pointer, schema
        if not isinstance(schema, dict):
            continue
        below = [(f"{pointer}/{key}", schema[key]) for key in ONE if key in schema]
        for key in MANY:
            if isinstance(schema.get(key), list):
                below += [(f"{pointer}/{key}/{n}", one) for n, one in enumerate(schema[key])]
        for key in NAMED:
            if isinstance(schema.get(key), dict):
                below += [(f"{pointer}/{key}/{step(n)}", one) for n, one in schema[key].items()]
        todo += reversed(below)


def step(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def at(root: Json, pointer: str) -> Json:
    """What a JSON pointer names; ``LookupError`` where there is nothing."""
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(root, list):
            if not part.isascii() or not part.isdigit():
                raise LookupError(pointer)
            root = root[int(part)]
        elif isinstance(root, dict):
            root = root[part]
        else:
            raise LookupError(pointer)
    return root


def target(reference: str) -> str | None:
    """The JSON pointer of a reference within the schema, or ``None`` for any other."""
    from urllib.parse import unquote

    if reference == "#" or reference.startswith("#/"):
        return unquote(reference[1:])
    return None


def _copied(schema: Json) -> Json:
    left = [MOST, LONGEST]

    def text(value: str, pointer: str) -> str:
        left[1] -= len(value)
        if left[1] < 0:
            raise refuse("", f"it holds more than {LONGEST} characters; make it smaller.")
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise refuse(pointer, "a text holds half a character; give valid Unicode.")
        return value

    def copy(value: Json, pointer: str, depth: int) -> Json:
        left[0] -= 1
        if left[0] < 0:
            raise refuse("", f"it holds more than {MOST} values; make it smaller.")
        if depth > DEEPEST:
            raise refuse(pointer, f"it is nested more than {DEEPEST} deep; make it flatter.")
        if isinstance(value, str):
            return text(value, pointer)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)):
            if not (isinstance(value, int) or math.isfinite(value)) or abs(value) > LARGEST:
                raise refuse(pointer, f"a number must be finite and at most {LARGEST:g}.")
            return value
        if isinstance(value, Mapping):
            for key in value:
                if not isinstance(key, str):
                    raise refuse(pointer, "every name must be a string.")
            return {
                text(key, pointer): copy(one, f"{pointer}/{step(key)}", depth + 1)
                for key, one in value.items()
            }
        if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
            return [copy(one, f"{pointer}/{n}", depth + 1) for n, one in enumerate(value)]
        raise refuse(pointer, f"{type(value).__name__} is no JSON value.")

    return copy(schema, "", 0)


def _write_out(pointer: str, schema: dict[str, Json]) -> None:
    form = schema.pop("format", None)
    if form not in CLOCKS:
        raise refuse(
            f"{pointer}/format", f"a timestamp needs a format; allowed are {', '.join(CLOCKS)}."
        )
    schema |= {**CLOCKS[str(form)], CLOCK: form}


def _against_metaschema(schema: dict[str, Json]) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    # Formats in the metaschema (patterns among them) are checked here, in bounded time.
    error = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
    if error is not None:
        pointer = "".join(f"/{step(str(part))}" for part in error.absolute_path)
        raise refuse(pointer, f"not as JSON schema (draft 2020-12) has it: {error.message[:200]}")


def _keywords(pointer: str, schema: dict[str, Json], places: set[str]) -> None:
    for key in schema:
        if key in REFUSED:
            raise refuse(
                f"{pointer}/{key}",
                f"the keyword {key!r} is not supported; leave it out, or say the same with "
                "properties, required, anyOf, oneOf or allOf.",
            )
    if "$id" in schema and pointer:
        raise refuse(f"{pointer}/$id", "a schema within a schema must not have an '$id'.")
    if len(schema.get("enum", ())) > MOST_CHOICES:
        raise refuse(f"{pointer}/enum", f"it names more than {MOST_CHOICES} values; name fewer.")
    if "$ref" in schema:
        _reference(f"{pointer}/$ref", schema["$ref"], places)
    if "pattern" in schema:
        try:
            compiled(schema["pattern"])
        except Unsupported as error:
            raise refuse(
                f"{pointer}/pattern", f"this pattern is not supported: {error}; use a simpler one."
            ) from None
    if schema.get("format") in UNCHECKED:
        raise refuse(
            f"{pointer}/format",
            f"the format {schema['format']!r} is not supported; use one of {', '.join(FORMATS)}.",
        )


def _reference(pointer: str, reference: str, places: set[str]) -> None:
    place = target(reference)
    if place is None:
        raise refuse(
            pointer, "only references within the schema ('#/$defs/…') are followed; copy it in."
        )
    if place not in places:
        raise refuse(pointer, f"{reference[:100]!r} names no schema; put one into '$defs'.")


def same(one: Json, other: Json) -> bool:
    """Equality of JSON values: true is not 1, and 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def validator(root: dict[str, Json]) -> Callable[[str], Callable[[Json], bool]]:
    """For each JSON pointer into a checked schema, what tells whether a value is valid there.
    Formats are asserted; patterns are matched in linear time."""
    whole = _checker()(root)

    def of(pointer: str) -> Callable[[Json], bool]:
        return lambda value: whole.evolve(schema=at(root, pointer)).is_valid(value)

    return of


@lru_cache(maxsize=1)
def _checker() -> Any:
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    def pattern(checker: Any, source: str, value: Json, _: Json) -> Iterator[ValidationError]:
        if checker.is_type(value, "string") and not compiled(source).matches(value):
            yield ValidationError("does not match the pattern")

    def format(checker: Any, name: str, value: Json, _: Json) -> Iterator[ValidationError]:
        known = FORMATS.get(name)
        if known and checker.is_type(value, "string") and not known.fits(value):
            yield ValidationError("is not of the format")

    def enum(_: Any, choices: list[Json], value: Json, __: Json) -> Iterator[ValidationError]:
        plain = isinstance(value, str)
        if value not in choices if plain else not any(same(value, one) for one in choices):
            yield ValidationError("is none of the choices")

    return extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {"pattern": pattern, "format": format, "enum": enum}
    )
