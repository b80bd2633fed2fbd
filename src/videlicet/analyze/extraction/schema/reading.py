"""A JSON schema, read into the forms that each place of its value may have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from videlicet.analyze.extraction.schema.checking import (
    at,
    checked,
    refuse,
    schemas,
    step,
    target,
    validator,
)
from videlicet.analyze.extraction.schema.minimal_instance import TRIES, unknown, values
from videlicet.analyze.extraction.schema.scalars import choices, kinds, number, text, written
from videlicet.analyze.extraction.schema.shapes import (
    Array,
    Field,
    Flag,
    Form,
    Node,
    Null,
    Record,
    Text,
)

#: Most places of a value, references followed, and most alternatives of one place.
PLACES, BRANCHES = 4_000, 64
#: How often a schema that refers to itself is followed into itself.
ROUNDS = (2, 1, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A schema that can be met. ``root`` is its value's place; ``source`` the schema itself, with
    what the v1.3 interface adds written out as plain JSON schema."""

    root: Node
    source: Mapping[str, Any]

    def valid(self, value: Any) -> bool:
        return self.root.valid(value)


def read(schema: Mapping[str, Any]) -> Schema:
    """A JSON schema (draft 2020-12) as records.

    Supported are ``type``, ``enum``, ``const``, lengths, ``pattern`` and ``format`` of strings,
    bounds and ``multipleOf`` of numbers, ``items``, ``prefixItems``, ``minItems``, ``maxItems``,
    ``uniqueItems``, ``properties``, ``required``, ``additionalProperties``, ``anyOf``, ``oneOf``,
    ``allOf`` and ``$ref`` within the schema. Remarks are kept for what they tell.

    Raises:
        InvalidInput: ``schema_invalid``: not a schema, one that nothing can meet, or one with
            keywords that cannot be guaranteed to be met; it names the place.
    """
    source = checked(schema)
    _without_circles(source)
    for rounds in ROUNDS:
        reader = _Reader(source, rounds)
        try:
            root = reader.node(("",), Counter())
        except _TooLarge:
            continue
        if root is None:
            raise refuse(
                reader.stuck or "", "no value could be made that meets it; loosen what it asks for."
            )
        return Schema(root, source)
    raise refuse("", f"its value has more than {PLACES} places; make it smaller.")


class _TooLarge(Exception):
    pass


def _without_circles(source: dict[str, Any]) -> None:
    """Refuse a schema whose references to the same value come back to themselves."""
    ways: dict[str, list[str]] = {}
    for pointer, schema in schemas(source):
        ways[pointer] = _same(pointer, schema)
    done: set[str] = set()
    for start in ways:
        path: dict[str, None] = {}
        todo: list[tuple[str, bool]] = [(start, False)]
        while todo:
            pointer, leaving = todo.pop()
            if leaving:
                del path[pointer]
                done.add(pointer)
            elif pointer in path:
                raise refuse(pointer, "it refers to itself without end; break the circle.")
            elif pointer not in done:
                path[pointer] = None
                todo += [(pointer, True), *((one, False) for one in ways.get(pointer, ()))]


def _same(pointer: str, schema: Any) -> list[str]:
    """The places whose schemas judge the same value."""
    if not isinstance(schema, dict):
        return []
    found = [
        f"{pointer}/{key}/{number}"
        for key in ("allOf", "anyOf", "oneOf")
        for number in range(len(schema.get(key, ())))
    ]
    return found + ([target(schema["$ref"]) or ""] if "$ref" in schema else [])


class _Reader:
    """Places are read together where several schemas judge the same value."""

    def __init__(self, source: dict[str, Any], rounds: int) -> None:
        self._source = source
        self._rounds = rounds
        self._valid = validator(source)
        self._left = PLACES
        #: The first place that has to be there and that no value was found for.
        self.stuck: str | None = None

    def node(self, places: tuple[str, ...], path: Counter[tuple[str, ...]]) -> Node | None:
        """The node of schemas that all judge one value; ``None`` where no value can be made."""
        if path[places] > self._rounds:
            return None
        self._left -= 1
        if self._left < 0:
            raise _TooLarge
        tests = [self._valid(place) for place in places]
        valid: Callable[[Any], bool] = lambda value: all(test(value) for test in tests)  # noqa: E731
        path = path + Counter([places])
        forms: list[Form] = []
        remarks: list[dict[str, Any]] = []
        for branch in self._branches(places):
            rows = [row for row in (at(self._source, one) for one in branch) if row is not True]
            if any(row is False for row in rows):
                continue
            remarks += [row for row in rows if row not in remarks]
            forms += [form for form in self._forms(branch, rows, valid, path) if form not in forms]
        node = Node(
            places[0],
            _first(remarks, "title"),
            _joined(remarks, "description"),
            tuple(forms),
            valid,
        )
        return _settled(node)

    def _branches(self, places: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Each way to choose among the alternatives, as all the schemas that then hold."""
        done: list[tuple[str, ...]] = []
        todo = [(self._closed(places), frozenset[str]())]
        while todo:
            if len(todo) + len(done) > BRANCHES:
                raise refuse(
                    places[0], f"it has more than {BRANCHES} alternatives; make them fewer."
                )
            held, chosen = todo.pop()
            choice = next(
                (
                    f"{place}/{key}"
                    for place in held
                    for key in ("anyOf", "oneOf")
                    if f"{place}/{key}" not in chosen and key in self._keys(place)
                ),
                None,
            )
            if choice is None:
                done.append(held)
                continue
            count = len(at(self._source, choice))
            todo += [
                (self._closed((*held, f"{choice}/{number}")), chosen | {choice})
                for number in reversed(range(count))
            ]
        return done

    def _closed(self, places: Iterable[str]) -> tuple[str, ...]:
        """The places with all that they refer to and that holds together with them."""
        found: dict[str, None] = {}
        todo = list(reversed(list(places)))
        while todo:
            place = todo.pop()
            if place in found:
                continue
            found[place] = None
            keys = self._keys(place)
            more = [f"{place}/allOf/{n}" for n in range(len(keys.get("allOf", ())))]
            if "$ref" in keys:
                more.append(target(keys["$ref"]) or "")
            todo += reversed(more)
        return tuple(found)

    def _keys(self, place: str) -> dict[str, Any]:
        schema = at(self._source, place)
        return schema if isinstance(schema, dict) else {}

    def _forms(
        self,
        branch: tuple[str, ...],
        rows: list[dict[str, Any]],
        valid: Callable[[Any], bool],
        path: Counter[tuple[str, ...]],
    ) -> list[Form]:
        if (named := choices(rows)) is not None:
            return written([value for value in named if valid(value)])
        found: list[Form] = []
        for kind in kinds(rows):
            form: Form | None = None
            match kind:
                case "null":
                    form = Null()
                case "boolean":
                    form = Flag()
                case "string":
                    form = text(rows)
                case "number":
                    form = number(rows)
                case "array":
                    form = self._array(branch, path)
                case "object":
                    form = self._record(branch, path)
            if form is not None:
                found.append(form)
        return found

    def _array(self, branch: tuple[str, ...], path: Counter[tuple[str, ...]]) -> Array | None:
        rows = [(place, self._keys(place)) for place in branch]
        fewest = max((int(row["minItems"]) for _, row in rows if "minItems" in row), default=0)
        most = min((int(row["maxItems"]) for _, row in rows if "maxItems" in row), default=None)
        length = max(len(row.get("prefixItems", ())) for _, row in rows)

        def item(number: int) -> Node | None:
            places = [
                f"{place}/prefixItems/{number}"
                if number < len(row.get("prefixItems", ()))
                else f"{place}/items"
                for place, row in rows
                if number < len(row.get("prefixItems", ())) or "items" in row
            ]
            return self.node(tuple(places), path) if places else _anything()

        first: list[Node] = []
        if most is not None:
            length = min(length, most)
        for place in range(length):
            node = item(place)
            if node is None:
                most = place
                break
            first.append(node)
        rest = item(1 << 60) if most is None or most > len(first) else None
        if rest is None:
            most = len(first) if most is None else min(most, len(first))
        if most is not None and fewest > most:
            return None
        return Array(
            tuple(first), rest, fewest, most, any(row.get("uniqueItems") for _, row in rows)
        )

    def _record(self, branch: tuple[str, ...], path: Counter[tuple[str, ...]]) -> Record | None:
        rows = [(place, self._keys(place)) for place in branch]
        required = {name for _, row in rows for name in row.get("required", ())}
        names = dict.fromkeys(name for _, row in rows for name in row.get("properties", {}))
        fields: list[Field] = []
        for name in (*names, *sorted(required - names.keys())):
            places = [
                f"{place}/properties/{step(name)}"
                if name in row.get("properties", {})
                else f"{place}/additionalProperties"
                for place, row in rows
                if name in row.get("properties", {}) or "additionalProperties" in row
            ]
            node = self.node(tuple(places), path) if places else _anything()
            if node is not None:
                fields.append(Field(name, node, name in required))
            elif name in required:
                self.stuck = self.stuck or places[0]
                return None
        return Record(tuple(fields))


def _settled(node: Node) -> Node | None:
    """The node with an empty value, and without forms that no value was found for."""
    found: list[tuple[Form, Any]] = []
    for form in node.forms:
        for value in islice(values(form, 16), TRIES):
            if node.valid(value):
                found.append((form, value))
                break
    if not found:
        return None
    _, empty = min(found, key=lambda row: (row[1] is not None, not _is_unknown(row[1])))
    return replace(node, forms=tuple(form for form, _ in found), empty=empty)


def _is_unknown(value: Any) -> bool:
    return isinstance(value, str) and unknown(value) and value != ""


def _anything() -> Node:
    return Node("", "", "", (Null(), Text()), lambda _: True, None)


def _first(rows: list[dict[str, Any]], key: str) -> str:
    return next((row[key] for row in rows if row.get(key)), "")


def _joined(rows: list[dict[str, Any]], key: str) -> str:
    return " ".join(dict.fromkeys(row[key] for row in rows if row.get(key)))
