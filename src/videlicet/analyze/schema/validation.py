"""Whether something is a schema of the subset, and whether a value meets it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from videlicet.analyze.schema.formats import FORMATS
from videlicet.errors import InvalidInput

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

#: How deep a schema may be nested, how many values it may hold, and how many characters.
MAX_DEPTH, MAX_VALUES, MAX_CHARS = 48, 10_000, 300_000
#: How many values an ``enum`` may name, and how many characters a ``pattern`` may have.
MAX_CHOICES, MAX_PATTERN = 1_000, 500
#: The largest number a schema may name.
MAX_NUMBER = 1e200

#: Keywords that say something for people and constrain nothing.
ANNOTATIONS = frozenset(
    "title description default examples $comment deprecated readOnly writeOnly".split()
)
#: Keywords of the root alone.
ROOT = frozenset("$schema $id $defs definitions".split())
KEYWORDS = frozenset(
    """
    type enum const anyOf $ref
    minLength maxLength pattern format
    minimum maximum exclusiveMinimum exclusiveMaximum multipleOf
    items minItems maxItems uniqueItems
    properties required additionalProperties
    """.split()
)
#: Keywords that stand alone, but for remarks.
ALONE = ("anyOf", "$ref")
#: Where the schemas are that a reference may name.
DEFINITIONS = ("$defs", "definitions")

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
    """The error for a place in something that is no schema of the subset."""
    return InvalidInput("schema_invalid", f"{_place(pointer)}: {why}", subject=pointer or "/")


def unsupported(pointer: str, keyword: str, why: str) -> InvalidInput:
    """The error for a keyword, or a use of one, that is outside of the subset."""
    return InvalidInput(
        "schema_keyword_unsupported",
        f"{_place(pointer)}: {keyword[:100]!r} {why}",
        subject=f"{pointer}/{step(keyword[:100])}",
        details={"keyword": keyword[:100]},
    )


def unfillable(pointer: str) -> InvalidInput:
    """The error for a place that must have a value whatever the video says."""
    return InvalidInput(
        "schema_unfillable",
        f"{_place(pointer)}: it must have a value even where the video says nothing of it.",
        subject=pointer or "/",
    )


def _place(pointer: str) -> str:
    return f"At {pointer[:300] or 'the root'} of the schema"


def checked(schema: Mapping[str, Json]) -> dict[str, Json]:
    """A copy of a schema that is known to be one of the subset, of a bearable size; ``timestamp``,
    a type of the v1.3 interface, is written out as a number or string.

    Raises:
        InvalidInput: ``schema_invalid`` or ``schema_keyword_unsupported``, with the place.
    """
    copy = _copied(schema)
    if not isinstance(copy, dict):
        raise refuse("", "it must be an object.")
    for pointer, one in schemas(copy):
        if isinstance(one, dict):
            _check_keywords(pointer, one)
    _against_metaschema(copy)
    for pointer, one in schemas(copy):
        if isinstance(one, bool):
            raise refuse(pointer, "true and false are no schemas here; give it a type.")
        _check_values(pointer, one)
    return copy


def schemas(root: Json) -> Iterator[tuple[str, Json]]:
    """Every schema in a schema with its JSON pointer, itself first."""
    todo = [("", root)]
    while todo:
        pointer, schema = todo.pop()
        yield pointer, schema
        if not isinstance(schema, dict):
            continue
        below = [(f"{pointer}/items", schema["items"])] if "items" in schema else []
        if isinstance(schema.get("anyOf"), list):
            below += [(f"{pointer}/anyOf/{n}", one) for n, one in enumerate(schema["anyOf"])]
        for key in ("properties", *DEFINITIONS):
            if isinstance(schema.get(key), dict):
                below += [(f"{pointer}/{key}/{step(n)}", one) for n, one in schema[key].items()]
        todo += reversed(below)


def step(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def target(reference: str) -> tuple[str, str] | None:
    """Where a reference leads: the keyword of the definitions and the name; ``None`` for one that
    leads anywhere else."""
    from urllib.parse import unquote

    head, keyword, *name = [*unquote(reference).split("/"), "", ""][:3]
    if head != "#" or keyword not in DEFINITIONS or reference.count("/") != 2:
        return None
    return keyword, name[0].replace("~1", "/").replace("~0", "~")


def _copied(schema: Json) -> Json:
    values, characters = MAX_VALUES, MAX_CHARS

    def text(value: str, pointer: str) -> str:
        nonlocal characters
        characters -= len(value)
        if characters < 0:
            raise refuse("", f"it holds more than {MAX_CHARS} characters; make it smaller.")
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise refuse(pointer, "a text holds half a character; give valid Unicode.")
        return value

    def copy(value: Json, pointer: str, depth: int) -> Json:
        nonlocal values
        values -= 1
        if values < 0:
            raise refuse("", f"it holds more than {MAX_VALUES} values; make it smaller.")
        if depth > MAX_DEPTH:
            raise refuse(pointer, f"it is nested more than {MAX_DEPTH} deep; make it flatter.")
        if isinstance(value, str):
            return text(value, pointer)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)):
            if not (isinstance(value, int) or math.isfinite(value)) or abs(value) > MAX_NUMBER:
                raise refuse(pointer, f"a number must be finite and at most {MAX_NUMBER:g}.")
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


def _check_keywords(pointer: str, schema: dict[str, Json]) -> None:
    """Refuse what the subset does not have; write out a ``timestamp``."""
    allowed = KEYWORDS | ANNOTATIONS | (frozenset() if pointer else ROOT)
    for key in schema:
        if key not in allowed:
            where = " within a schema; move it to the root." if key in ROOT else "."
            raise unsupported(pointer, key, f"is not supported{where}")
    for key in ALONE:
        if key in schema:
            for other in schema.keys() & KEYWORDS - {key}:
                raise unsupported(pointer, other, f"is not supported beside {key!r}.")
    if schema.get("type") == "timestamp":
        form = schema.pop("format", None)
        if form not in CLOCKS:
            raise refuse(
                f"{pointer}/format",
                f"a timestamp needs a format; allowed are {', '.join(CLOCKS)}.",
            )
        schema |= {**CLOCKS[str(form)], CLOCK: form}


def _against_metaschema(schema: dict[str, Json]) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
    if error is not None:
        pointer = "".join(f"/{step(str(part))}" for part in error.absolute_path)
        raise refuse(pointer, f"not as JSON schema (draft 2020-12) has it: {error.message[:200]}")


def _check_values(pointer: str, schema: dict[str, Json]) -> None:
    if not schema.keys() & {"type", "enum", "const", *ALONE}:
        raise refuse(pointer, "it needs a type, an enum, a const, an anyOf or a $ref.")
    named = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else [])]
    for key in ("enum", "const"):
        if key in schema and any(isinstance(one, (list, dict)) for one in named):
            raise unsupported(pointer, key, "may hold strings, numbers, booleans and null only.")
    if len(named) > MAX_CHOICES:
        raise refuse(f"{pointer}/enum", f"it names more than {MAX_CHOICES} values; name fewer.")
    if "pattern" in schema:
        _check_pattern(pointer, schema["pattern"])
    if "format" in schema and schema["format"] not in FORMATS:
        raise unsupported(pointer, "format", f"may be one of {', '.join(FORMATS)} only.")
    if isinstance(schema.get("additionalProperties"), dict):
        raise unsupported(pointer, "additionalProperties", "may be true or false only.")
    if "array" in _types(schema) and "items" not in schema:
        raise refuse(pointer, "an array needs the schema of its items.")
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in properties:
            raise refuse(f"{pointer}/required", f"{name[:100]!r} is none of the properties.")


def _types(schema: Mapping[str, Json]) -> list[str]:
    named = schema.get("type", [])
    return [named] if isinstance(named, str) else named


def _check_pattern(pointer: str, pattern: str) -> None:
    if len(pattern) > MAX_PATTERN:
        raise refuse(f"{pointer}/pattern", f"a pattern may have {MAX_PATTERN} characters at most.")
    if matcher(pattern) is None:
        raise unsupported(
            pointer, "pattern", "may not look around, refer back, or repeat without bounds of size."
        )


@lru_cache(maxsize=512)
def matcher(pattern: str) -> Callable[[str], bool] | None:
    """Whether a regular expression is found in a text, in time linear in the text (by the engine
    of Rust, which has no backtracking); ``None`` for one that this engine does not have."""
    from pydantic import ValidationError
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    try:
        found = SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError:
        return None

    def matches(text: str) -> bool:
        try:
            found.validate_python(text)
        except ValidationError:
            return False
        return True

    return matches


def same(one: Json, other: Json) -> bool:
    """Equality of JSON values: true is not 1, and 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def validator(schema: Mapping[str, Json]) -> Draft202012Validator:
    """What tells whether a value meets a schema that was checked, or one of our own. Formats are
    asserted; patterns are matched in linear time."""
    found: Draft202012Validator = _checker()(schema)
    return found


@lru_cache(maxsize=1)
def _checker() -> Any:
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    def pattern(checker: Any, source: str, value: Json, _: Json) -> Iterator[ValidationError]:
        matches = matcher(source)
        if checker.is_type(value, "string") and not (matches and matches(value)):
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
