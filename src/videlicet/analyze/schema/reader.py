"""A JSON schema of the subset, read into the types that each place of its value may have.

Each definition is read once, however often it is referred to, so the work is linear in the size of
the schema; the size of the value, which need not be, is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from videlicet.analyze.schema.shapes import (
    Array,
    Empty,
    Field,
    Flag,
    Form,
    Node,
    Null,
    Number,
    Record,
    Text,
)
from videlicet.analyze.schema.validation import (
    CLOCK,
    checked,
    refuse,
    same,
    step,
    target,
    unfillable,
    unsupported,
    validator,
)

#: Most places of a value, and how deep they may be nested.
MAX_PLACES, MAX_LEVELS = 4_000, 24
#: Most values within an empty value.
MAX_EMPTY = 10_000
#: Choices that mean that something is not known.
UNKNOWN = ("", "unknown", "none", "n/a", "not found", "not mentioned", "unspecified", "other")


@dataclass(frozen=True, slots=True, eq=False)
class ExtractionSchema:
    """A schema that can be filled. ``root`` is its value's place; ``source`` the schema itself,
    with what the v1.3 interface adds written out as plain JSON schema."""

    root: Node
    empty: Any
    source: Mapping[str, Any]

    def valid(self, value: Any) -> bool:
        return self.root.valid(value)


def read_schema(schema: Mapping[str, Any]) -> ExtractionSchema:
    """A JSON schema (draft 2020-12) of the subset that docs/analysis.md describes.

    Raises:
        InvalidInput: with the place, ``schema_invalid`` for what is no schema or too large,
            ``schema_keyword_unsupported`` for what is outside of the subset, and
            ``schema_unfillable`` where something must be said that the video may not say.
    """
    source = checked(schema)
    root = _Reader(source).node("", source, 0)
    if root.empty is None:
        raise unfillable(_blocking(root).pointer)
    return ExtractionSchema(root, root.empty.value, source)


def is_unknown(choice: str) -> bool:
    """Whether a choice means that something is not known."""
    return choice.casefold().replace("_", " ").replace("-", " ").strip() in UNKNOWN


class _Reader:
    def __init__(self, source: dict[str, Any]) -> None:
        self._source = source
        self._validator = validator(source)
        #: Definitions with how deep their values are nested; ``None`` while one is being read.
        self._definitions: dict[tuple[str, str], Node | None] = {}

    def node(self, pointer: str, schema: dict[str, Any], level: int) -> Node:
        """The place of a value that a schema describes."""
        if level > MAX_LEVELS:
            raise refuse(pointer, f"its value is nested more than {MAX_LEVELS} deep.")
        if "$ref" in schema:
            return self._referred(pointer, schema, level)
        valid = self._validator.evolve(schema=schema).is_valid
        branches = [
            self.node(f"{pointer}/anyOf/{number}", one, level + 1)
            for number, one in enumerate(schema.get("anyOf", ()))
        ]
        if branches:
            forms = [form for branch in branches for form in branch.forms]
            places = sum(branch.places for branch in branches)
            empties = [branch.empty for branch in branches]
        else:
            forms = self._forms(pointer, schema, level)
            places = 1 + sum(one.places for form in forms for one in _below(form))
            empties = [_empty(form, valid) for form in forms]
        if places > MAX_PLACES:
            raise refuse(pointer, f"its value has more than {MAX_PLACES} places; make it smaller.")
        if not forms:
            raise refuse(pointer, "no value meets it; loosen what it asks for.")
        return Node(
            pointer,
            schema.get("title", ""),
            " ".join(
                dict.fromkeys(
                    one.get("description", "") for one in (schema, *schema.get("anyOf", ()))
                )
            ).strip(),
            tuple(forms),
            valid,
            _choose_empty(empties),
            places,
            1 + max((one.levels for form in forms for one in _below(form)), default=0),
        )

    def _referred(self, pointer: str, schema: dict[str, Any], level: int) -> Node:
        place = target(schema["$ref"])
        if place is None:
            raise unsupported(pointer, "$ref", "may name a definition ('#/$defs/…') only.")
        keyword, name = place
        if name not in self._source.get(keyword, {}):
            raise refuse(f"{pointer}/$ref", f"{schema['$ref'][:100]!r} is not defined.")
        if place not in self._definitions:
            self._definitions[place] = None
            self._definitions[place] = self.node(
                f"/{keyword}/{step(name)}", self._source[keyword][name], level + 1
            )
        found = self._definitions[place]
        if found is None:
            raise unsupported(pointer, "$ref", "may not refer back to itself.")
        if level + found.levels > MAX_LEVELS:
            raise refuse(pointer, f"its value is nested more than {MAX_LEVELS} deep.")
        return replace(
            found,
            pointer=pointer,
            title=schema.get("title", found.title),
            description=schema.get("description", found.description),
        )

    def _forms(self, pointer: str, schema: dict[str, Any], level: int) -> list[Form]:
        if "const" in schema or "enum" in schema:
            return self._chosen(schema)
        kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        found: list[Form] = []
        for kind in kinds:
            match kind:
                case "null":
                    found.append(Null())
                case "boolean":
                    found.append(Flag())
                case "string":
                    clock = schema.get(CLOCK)
                    found.append(
                        Text(
                            schema.get("maxLength"), schema.get("pattern"), schema.get("format"),
                            clock=clock,
                        )
                    )  # fmt: skip
                case "integer" | "number":
                    whole = kind == "integer"
                    if not (whole and "number" in kinds):
                        found.append(Number(whole, clock=CLOCK in schema))
                case "array":
                    found.append(
                        Array(
                            self.node(f"{pointer}/items", schema["items"], level + 1),
                            int(schema.get("minItems", 0)),
                            int(schema["maxItems"]) if "maxItems" in schema else None,
                            bool(schema.get("uniqueItems")),
                        )
                    )
                case "object":
                    found.append(self._record(pointer, schema, level))
        return found

    def _record(self, pointer: str, schema: dict[str, Any], level: int) -> Record:
        required = set(schema.get("required", ()))
        return Record(
            tuple(
                Field(
                    name,
                    self.node(f"{pointer}/properties/{step(name)}", one, level + 1),
                    name in required,
                )
                for name, one in schema.get("properties", {}).items()
            )
        )

    def _chosen(self, schema: dict[str, Any]) -> list[Form]:
        """The types of values that are written out."""
        rest = {key: one for key, one in schema.items() if key != "enum"}
        valid = self._validator.evolve(schema=rest).is_valid
        named = [schema["const"]] if "const" in schema else schema["enum"]
        if "const" in schema and "enum" in schema:
            named = [one for one in named if any(same(one, other) for other in schema["enum"])]
        return _written_out([one for one in named if valid(one)])


def _written_out(choices: Sequence[Any]) -> list[Form]:
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
    return found


def _below(form: Form) -> list[Node]:
    match form:
        case Array(items=items):
            return [items]
        case Record(fields=fields):
            return [field.node for field in fields]
        case _:
            return []


# -- values without evidence --------------------------------------------------------------------


def _choose_empty(empties: Sequence[Empty | None]) -> Empty | None:
    """null where it is allowed, else the first there is."""
    found = [one for one in empties if one is not None]
    return min(found, key=lambda one: one.value is not None, default=None)


def _empty(form: Form, valid: Callable[[Any], bool]) -> Empty | None:
    match form:
        case Array(items=items, fewest=fewest, most=most):
            if (most is not None and fewest > most) or (form.distinct and fewest > 1):
                return None
            if not fewest:
                return Empty([])
            if items.empty is None or fewest * items.empty.size >= MAX_EMPTY:
                return None
            return Empty([items.empty.value] * fewest, 1 + fewest * items.empty.size)
        case Record(fields=fields):
            parts = {field.name: field.node.empty for field in fields if field.required}
            known = {name: one for name, one in parts.items() if one is not None}
            size = 1 + sum(one.size for one in known.values())
            if len(known) < len(parts) or size > MAX_EMPTY:
                return None
            return Empty({name: one.value for name, one in known.items()}, size)
        case _:
            found = _empty_scalar(form)
            return None if found is None or not valid(found.value) else found


def _empty_scalar(form: Null | Flag | Number | Text) -> Empty | None:
    """null, or the zero of a type; of choices the only one, or the one that says that nothing is
    known."""
    match form:
        case Null():
            return Empty(None)
        case Flag(choices=(only,)) | Number(choices=(only,)) | Text(choices=(only,)):
            return Empty(only)
        case Flag():
            return Empty(False)
        case Number():
            return Empty(0)
        case Text(choices=None, clock=clock):
            return Empty("" if clock is None else "00:00:00.000"[: len(clock)])
        case Text(choices=choices):
            unknown = next(filter(is_unknown, choices or ()), None)
            return None if unknown is None else Empty(unknown)


def _blocking(node: Node) -> Node:
    """The place for whose sake a node has no empty value."""
    for form in node.forms:
        for one in _below(form) if isinstance(form, Array) else _needed(form):
            if one.empty is None:
                return _blocking(one)
    return node


def _needed(form: Form) -> list[Node]:
    fields = form.fields if isinstance(form, Record) else ()
    return [field.node for field in fields if field.required]
