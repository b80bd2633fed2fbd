"""The segments that somebody asks for, as the v1.3 interface has them (``SegmentDefinition``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from videlicet.analyze.schema.validation import CLOCKS
from videlicet.errors import InvalidInput
from videlicet.types import Span

#: The most definitions, fields of one, and values of an enum.
DEFINITIONS, FIELDS, CHOICES = 20, 100, 100
#: Seconds that a time range lasts at least.
SHORTEST_RANGE = 2
#: Keys of a segment that no field may be named.
RESERVED = ("start_time", "end_time", "metadata")

SCALARS = ("string", "boolean", "number", "integer")
TYPES = (*SCALARS, "array", "timestamp", "time_array")


@dataclass(frozen=True, slots=True)
class SegmentField:
    """Something to tell of each segment. ``items`` is the type of an array's items, ``fields`` what
    each event of a ``time_array`` tells; ``format`` is that of a timestamp."""

    name: str
    type: str
    description: str
    format: str | None = None
    enum: tuple[str, ...] | None = None
    items: str | None = None
    fields: tuple[SegmentField, ...] = ()

    def to_schema(self, clock: str) -> dict[str, Any]:
        """As a JSON schema that also allows null; ``clock`` is the form of the times of events."""
        return {"anyOf": [self._plain(clock), {"type": "null"}], "description": self.description}

    def _plain(self, clock: str) -> dict[str, Any]:
        match self.type:
            case "timestamp":
                return timestamp(self.format or "seconds")
            case "array":
                one: dict[str, Any] = {"type": self.items}
                if self.enum is not None:
                    one["enum"] = list(self.enum)
                return {"type": "array", "items": one, "uniqueItems": True, "minItems": 1}
            case "time_array":
                return {"type": "array", "items": record(self.fields, clock), "minItems": 1}
            case _:
                chosen = {} if self.enum is None else {"enum": list(self.enum)}
                return {"type": self.type, **chosen}


@dataclass(frozen=True, slots=True)
class SegmentDefinition:
    """A kind of segment: what it looks like, and what to tell of each. ``ranges`` are the parts of
    the video it is sought in, from the recording's start; empty for all of it."""

    id: str
    description: str
    fields: tuple[SegmentField, ...] = ()
    ranges: tuple[Span, ...] = ()

    def to_schema(self, clock: str) -> dict[str, Any]:
        """The metadata of one segment as a JSON schema."""
        properties = {one.name: one.to_schema(clock) for one in self.fields}
        return {"type": "object", "properties": properties, "required": list(properties)}


def timestamp(clock: str) -> dict[str, Any]:
    """The JSON schema of a time in the video."""
    return {"type": "timestamp", "format": clock}


def record(fields: Sequence[SegmentField], clock: str) -> dict[str, Any]:
    """The JSON schema of an event: its times and its fields."""
    properties = {
        "start_time": timestamp(clock),
        "end_time": timestamp(clock),
        **{one.name: one.to_schema(clock) for one in fields},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def definitions(rows: Any, subject: str = "segment_definitions") -> tuple[SegmentDefinition, ...]:
    """The definitions of a request's body.

    Raises:
        InvalidInput: ``invalid_argument``; it names the field.
    """
    found = [
        _definition(row, f"{subject}[{number}]")
        for number, row in enumerate(_list(rows, subject, DEFINITIONS, least=1))
    ]
    _apart([one.id for one in found], subject, "id")
    return tuple(found)


def _definition(row: Any, subject: str) -> SegmentDefinition:
    row = _mapping(row, subject, ("id", "description", "fields", "media_sources", "time_ranges"))
    if row.get("media_sources"):
        raise _wrong(
            f"{subject}.media_sources", "reference pictures are not used here; describe them"
        )
    return SegmentDefinition(
        _text(row, "id", subject),
        _text(row, "description", subject),
        _fields(row.get("fields"), f"{subject}.fields", nested=False),
        _ranges(row.get("time_ranges"), f"{subject}.time_ranges"),
    )


def _fields(rows: Any, subject: str, *, nested: bool) -> tuple[SegmentField, ...]:
    if rows is None:
        return ()
    found = tuple(
        _field(row, f"{subject}[{number}]", nested=nested)
        for number, row in enumerate(_list(rows, subject, FIELDS))
    )
    _apart([one.name for one in found], subject, "name")
    return found


def _field(row: Any, subject: str, *, nested: bool) -> SegmentField:
    row = _mapping(row, subject, ("name", "type", "description", "format", "enum", "items"))
    name, kind = _text(row, "name", subject), row.get("type")
    if name in RESERVED:
        raise _wrong(f"{subject}.name", f"{name} is reserved")
    allowed = (*SCALARS, "array") if nested else TYPES
    if kind not in allowed:
        raise _wrong(f"{subject}.type", f"one of {', '.join(allowed)} is needed")
    form = row.get("format")
    if kind == "timestamp" and form not in CLOCKS:
        raise _wrong(f"{subject}.format", f"a timestamp needs one of {', '.join(CLOCKS)}")
    if kind != "timestamp" and form is not None:
        raise _wrong(f"{subject}.format", "only a timestamp has a format")
    items, inner = _items(row.get("items"), str(kind), f"{subject}.items")
    enum = row.get("enum")
    if enum is not None:
        enum = tuple(_list(enum, f"{subject}.enum", CHOICES, least=1))
        if not all(isinstance(one, str) for one in enum):
            raise _wrong(f"{subject}.enum", "every value must be a string")
        if kind != "string" and (kind, items) != ("array", "string"):
            raise _wrong(f"{subject}.enum", "only strings are chosen from values")
    return SegmentField(
        name, str(kind), _text(row, "description", subject), form, enum, items, inner
    )


def _items(row: Any, kind: str, subject: str) -> tuple[str | None, tuple[SegmentField, ...]]:
    if kind not in ("array", "time_array"):
        if row is not None:
            raise _wrong(subject, "only an array has items")
        return None, ()
    if row is None:
        raise _wrong(subject, "an array needs the type of its items")
    row = _mapping(row, subject, ("type", "fields"))
    if kind == "array":
        if row.get("type") not in SCALARS:
            raise _wrong(f"{subject}.type", f"one of {', '.join(SCALARS)} is needed")
        if row.get("fields") is not None:
            raise _wrong(f"{subject}.fields", "only the events of a time_array have fields")
        return str(row["type"]), ()
    if row.get("type") != "object":
        raise _wrong(f"{subject}.type", "the items of a time_array are of type object")
    fields = _fields(row.get("fields"), f"{subject}.fields", nested=True)
    if not fields:
        raise _wrong(f"{subject}.fields", "a time_array needs at least one field")
    return "object", fields


def _ranges(rows: Any, subject: str) -> tuple[Span, ...]:
    if rows is None:
        return ()
    found: list[Span] = []
    for number, row in enumerate(_list(rows, subject, FIELDS)):
        one = f"{subject}[{number}]"
        row = _mapping(row, one, ("start_time", "end_time"))
        start, end = (_seconds(row, key, one) for key in ("start_time", "end_time"))
        if end - start < SHORTEST_RANGE:
            raise _wrong(one, f"it must last at least {SHORTEST_RANGE} seconds")
        found.append(Span.of(start, end))
    found.sort()
    if any(later.start < earlier.end for earlier, later in pairwise(found)):
        raise _wrong(subject, "ranges must not overlap")
    return tuple(found)


def _mapping(row: Any, subject: str, allowed: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(row, Mapping):
        raise _wrong(subject, "an object is needed")
    for key in row:
        if key not in allowed:
            raise _wrong(f"{subject}.{key}", "there is no such field")
    return row


def _list(rows: Any, subject: str, most: int, least: int = 0) -> list[Any]:
    if not isinstance(rows, (list, tuple)) or not least <= len(rows) <= most:
        raise _wrong(subject, f"a list of {least} to {most} is needed")
    return list(rows)


def _text(row: Mapping[str, Any], key: str, subject: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise _wrong(f"{subject}.{key}", "a text is needed")
    return value


def _seconds(row: Mapping[str, Any], key: str, subject: str) -> float:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
        raise _wrong(f"{subject}.{key}", "seconds of 0 or more are needed")
    return float(value)


def _apart(names: Sequence[str], subject: str, key: str) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise _wrong(f"{subject}[{number}].{key}", f"{name!r} is there twice")


def _wrong(subject: str, why: str) -> InvalidInput:
    return InvalidInput("invalid_argument", f"{subject}: {why}.", subject=subject)
