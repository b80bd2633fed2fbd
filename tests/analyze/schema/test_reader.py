"""What is taken as a schema, what is refused, and with what words."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from videlicet.analyze.schema import read_schema
from videlicet.analyze.schema.validation import ANNOTATIONS, KEYWORDS, ROOT, matcher
from videlicet.errors import InvalidInput

STRING: dict[str, Any] = {"type": "string"}


def field(schema: Any, name: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {name: schema}, **more}


INVALID: list[tuple[Any, str]] = [
    ({"type": "foo"}, "/type"),
    (field({"type": "integer", "minimum": "3"}), "/properties/a/minimum"),
    ({"$ref": "#/$defs/none"}, "/$ref"),
    ({}, ""),
    (field({}), "/properties/a"),
    (field(True), "/properties/a"),
    ({"title": "nothing more"}, ""),
    ({"type": "array"}, ""),
    (field(STRING, required=["b"]), "/required"),
    ({"type": "timestamp"}, "/format"),
    ({"type": "timestamp", "format": "minutes"}, "/format"),
    ({"type": "number", "minimum": float("nan")}, "/minimum"),
    ({"const": "\ud800"}, "/const"),
    ({"const": object()}, "/const"),
    ({1: 2}, ""),
    ([], ""),
    ({"enum": list(range(5_000))}, "/enum"),
    ({"enum": [1, 2], "minimum": 5}, ""),
    ({"type": "string", "const": 3}, ""),
    ({"type": "string", "pattern": "a" * 501}, "/pattern"),
]

UNSUPPORTED: list[tuple[Any, str, str]] = [
    *(
        ({"type": "string", keyword: value}, f"/{keyword}", keyword)
        for keyword, value in {
            "not": STRING, "oneOf": [STRING], "allOf": [STRING], "if": STRING, "then": STRING,
            "contains": STRING, "prefixItems": [STRING], "patternProperties": {"a": STRING},
            "propertyNames": STRING, "dependentRequired": {}, "minProperties": 1,
            "unevaluatedProperties": False, "$anchor": "a", "$dynamicRef": "#a",
            "contentEncoding": "base64", "x-videlicet-clock": "hh:mm:ss", "animal": 1,
        }.items()
    ),
    (field({**STRING, "not": {}}, "x/y"), "/properties/x~1y/not", "not"),
    (field({"$id": "https://example.org", **STRING}), "/properties/a/$id", "$id"),
    (field({"$defs": {}, **STRING}), "/properties/a/$defs", "$defs"),
    ({"$ref": "https://example.org/schema.json"}, "/$ref", "$ref"),
    ({"$ref": "other.json#/$defs/a", "$defs": {"a": STRING}}, "/$ref", "$ref"),
    ({"$ref": "#"}, "/$ref", "$ref"),
    ({"$ref": "#/properties/a", "definitions": {}}, "/$ref", "$ref"),
    ({"$ref": "#/$defs/a/items", "$defs": {"a": STRING}}, "/$ref", "$ref"),
    ({"$ref": "#/$defs/a", "minLength": 2, "$defs": {"a": STRING}}, "/minLength", "minLength"),
    ({"anyOf": [STRING], "type": "string"}, "/type", "type"),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "/$defs/a/$ref", "$ref"),
    (
        {"$ref": "#/$defs/a", "$defs": {"a": field({"$ref": "#/$defs/a"})}},
        "/$defs/a/properties/a/$ref", "$ref",
    ),
    ({"type": "string", "pattern": "(?=a)"}, "/pattern", "pattern"),
    ({"type": "string", "pattern": "(a)\\1"}, "/pattern", "pattern"),
    ({"type": "string", "pattern": "["}, "/pattern", "pattern"),
    ({"type": "string", "pattern": "((a{1000}){1000}){1000}"}, "/pattern", "pattern"),
    ({"type": "string", "format": "iri"}, "/format", "format"),
    ({"type": "string", "format": "phone"}, "/format", "format"),
    ({"enum": [[1], "a"]}, "/enum", "enum"),
    ({"const": {"a": 1}}, "/const", "const"),
    ({"type": "object", "additionalProperties": STRING}, "/additionalProperties",
     "additionalProperties"),
]  # fmt: skip

UNFILLABLE: list[tuple[Any, str]] = [
    ({"type": "string", "minLength": 1}, ""),
    ({"type": "string", "format": "date"}, ""),
    ({"type": "string", "pattern": "^[A-Z]{2}$"}, ""),
    ({"enum": ["red", "blue"]}, ""),
    ({"type": "integer", "minimum": 1}, ""),
    ({"type": "integer", "maximum": -3}, ""),
    ({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 4}, ""),
    ({"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1}, "/items"),
    ({"type": "array", "items": STRING, "minItems": 2, "uniqueItems": True}, ""),
    ({"type": "array", "items": STRING, "minItems": 2, "maxItems": 1}, ""),
    ({"type": "array", "items": STRING, "minItems": 10**9}, ""),
    ({"type": "string", "minLength": 5, "maxLength": 3}, ""),
    ({"anyOf": [{"enum": ["a", "b"]}, {"type": "string", "format": "date"}]}, ""),
    (field(field({"enum": ["a", "b"]}, "b", required=["b"]), "o", required=["o"]),
     "/properties/o/properties/b"),
    (
        {"$defs": {"d": {"enum": [3, 4]}},
         **field({"$ref": "#/$defs/d"}, required=["a"])},
        "/properties/a",
    ),
]  # fmt: skip


def refused(schema: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_schema(schema)
    return caught.value


@pytest.mark.parametrize(("schema", "place"), INVALID)
def test_what_is_no_schema_is_refused_with_its_place(schema: Any, place: str) -> None:
    error = refused(schema)
    assert (error.code, error.subject) == ("schema_invalid", place or "/")
    assert (place or "the root") in error.message


@pytest.mark.parametrize(("schema", "place", "keyword"), UNSUPPORTED)
def test_what_is_not_in_the_subset_is_refused_by_keyword_and_place(
    schema: Any, place: str, keyword: str
) -> None:
    error = refused(schema)
    assert (error.code, error.subject) == ("schema_keyword_unsupported", place)
    assert error.details == {"keyword": keyword}
    assert repr(keyword) in error.message
    assert (place.rpartition("/")[0] or "the root") in error.message


@pytest.mark.parametrize(("schema", "place"), UNFILLABLE)
def test_what_cannot_say_that_nothing_is_known_is_refused(schema: Any, place: str) -> None:
    error = refused(schema)
    assert (error.code, error.subject) == ("schema_unfillable", place or "/")
    rest = {key: value for key, value in schema.items() if key != "$defs"}
    definitions = {"$defs": schema.get("$defs", {})}
    # With null, or where it need not be there, it can.
    assert read_schema({"anyOf": [rest, {"type": "null"}], **definitions}).empty is None
    assert read_schema(field(rest, **definitions)).empty == {}


def deep(levels: int) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        found = {"type": "array", "items": found}
    return found


def doubling(keyword: str, count: int = 40) -> dict[str, Any]:
    """Definitions that refer twice to the next one each."""

    def twice(number: int) -> dict[str, Any]:
        one = {"$ref": f"#/$defs/d{number}"}
        if keyword == "anyOf":
            return {"anyOf": [one, one]}
        return {"type": "object", "properties": {"l": one, "r": one}, "required": ["l", "r"]}

    return {
        "$defs": {**{f"d{n}": twice(n + 1) for n in range(count)}, f"d{count}": STRING},
        "$ref": "#/$defs/d0",
    }


def wide(count: int) -> dict[str, Any]:
    """A definition that many places refer to, itself as large as may be."""
    rows = {f"p{n}": STRING for n in range(1_000)}
    return {
        "type": "object",
        "properties": {f"q{n}": {"$ref": "#/$defs/rows"} for n in range(count)},
        "$defs": {"rows": {"type": "object", "properties": rows, "required": list(rows)}},
    }


HOSTILE: list[Any] = [
    {"type": "string", "description": "x" * 10_000_000},
    {"type": "object", "properties": {f"p{n}": STRING for n in range(200_000)}},
    deep(800),
    deep(30),
    doubling("properties"),
    doubling("anyOf"),
    wide(2_000),
    {"$ref": "#/$defs/d0",
     "$defs": {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(2_000)} | {"d2000": STRING}},
    {"anyOf": [{"anyOf": [{"anyOf": [STRING] * 20}] * 20}] * 20},
    {"type": "array", "minItems": 1_000,
     "items": {"type": "array", "minItems": 1_000,
               "items": {"type": "array", "minItems": 1_000, "items": STRING}}},
    {"type": "string", "minLength": 10**9},
    {"type": "string", "pattern": "^(((a{40}){40})+b){2}$" * 20},
    {"type": "number", "minimum": 10**300},
    field({"enum": ["a"] * 1_001}),
    {"anyOf": [{"enum": [n + k / 10 for n in range(1, 990)]} for k in range(9)]},
]  # fmt: skip


@pytest.mark.parametrize("schema", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_schemas_are_refused_soon(schema: Any) -> None:
    begun = time.process_time()
    error = refused(schema)
    assert error.code.startswith("schema_")
    assert len(error.message) < 1_000
    assert time.process_time() - begun < 3


def test_definitions_that_refer_twice_to_the_next_are_refused_at_once() -> None:
    read_schema(STRING)  # imports
    begun = time.process_time()
    assert refused(doubling("properties")).code == "schema_invalid"
    assert time.process_time() - begun < 0.5


def test_a_definition_is_read_once_however_often_it_is_referred_to() -> None:
    schema = doubling("properties", 9)
    found = read_schema(schema)
    assert found.root.places == 2**10 - 1
    assert found.valid(found.empty)


def test_a_large_schema_is_read_soon() -> None:
    schema = field({"type": "array", "items": field(STRING)})
    schema["properties"] |= {
        f"p{n}": {"type": ["string", "null"], "description": "the name of it", "maxLength": 90}
        for n in range(1_000)
    }
    schema["required"] = list(schema["properties"])
    begun = time.process_time()
    found = read_schema(schema)
    assert found.valid(found.empty)
    assert time.process_time() - begun < 5


def test_a_catastrophic_pattern_is_matched_in_linear_time() -> None:
    found = read_schema({"type": ["string", "null"], "pattern": "^(a+)+$"})
    begun = time.process_time()
    assert not found.valid("a" * 50_000 + "b")
    assert found.valid("a" * 50_000)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("schema", "empty"),
    [
        ({"type": "string"}, ""),
        ({"type": ["string", "null"]}, None),
        ({"type": ["string", "null"], "minLength": 2}, None),
        ({"type": "string", "maxLength": 0}, ""),
        ({"type": "string", "enum": ["red", "unknown"]}, "unknown"),
        ({"enum": ["red", "Not-mentioned"]}, "Not-mentioned"),
        ({"enum": ["red", None]}, None),
        ({"enum": ["red"]}, "red"),
        ({"const": 3}, 3),
        ({"const": True}, True),
        ({"type": "string", "pattern": "^[a-z]*$"}, ""),
        ({"type": "integer"}, 0),
        ({"type": "integer", "minimum": 0}, 0),
        ({"type": ["string", "integer"], "minLength": 2}, 0),
        ({"type": "number", "minimum": 0, "multipleOf": 0.75}, 0),
        ({"type": "boolean"}, False),
        ({"type": "null"}, None),
        ({"type": "array", "items": STRING}, []),
        ({"type": "array", "minItems": 2, "items": {"type": "integer"}}, [0, 0]),
        (field(STRING, required=["a"]), {"a": ""}),
        ({"type": "object"}, {}),
        ({"anyOf": [{"enum": ["a", "b"]}, {"type": "integer"}]}, 0),
        ({"anyOf": [STRING, {"type": "null"}]}, None),
        ({"type": "timestamp", "format": "hh:mm:ss.fff"}, "00:00:00.000"),
        ({"type": "timestamp", "format": "hh:mm:ss"}, "00:00:00"),
        ({"type": "timestamp", "format": "seconds"}, 0),
        ({"$ref": "#/$defs/a%20b", "$defs": {"a b": {"type": "integer"}}}, 0),
        ({"$ref": "#/definitions/a~1b", "definitions": {"a/b": {"type": "integer"}}}, 0),
    ],
)  # fmt: skip
def test_the_empty_value(schema: dict[str, Any], empty: Any) -> None:
    found = read_schema(schema)
    assert found.empty == empty
    assert found.valid(empty)


def test_remarks_are_taken_and_those_of_a_reference_come_first() -> None:
    found = read_schema(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://x.example",
            **field({"$ref": "#/$defs/d", "description": "the sum"}),
            "$defs": {"d": {"type": "integer", "title": "Sum", "description": "any", "default": 1}},
        }
    )  # fmt: skip
    (form,) = found.root.forms
    (only,) = form.fields  # type: ignore[union-attr]
    assert (only.node.title, only.node.description) == ("Sum", "the sum")


_PARTS = st.sampled_from(
    ["a", "b", "[a-c]", "[^a]", "\\d", "\\w", "\\s", ".", "é", "(a|bc)",
     "(?:ab)?", "a{1,3}", "b*", "c+?", "^", "$", "\\b", "(a|)", "[\\d-]", "[^\\w]", "\\D", "x{0}"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(_PARTS, max_size=5).map("".join), st.text("abcé1 -\n_", max_size=8))
def test_what_the_linear_matcher_finds_python_finds(pattern: str, text: str) -> None:
    matches = matcher(pattern)
    assert matches is not None
    theirs = re.search(pattern, text) is not None
    # Python's $ matches before a line feed at the end, too.
    assert matches(text) == theirs or (theirs and text.endswith("\n"))


_KEYWORDS = st.sampled_from(sorted(KEYWORDS | ANNOTATIONS | ROOT | {"not", "oneOf"}))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.sampled_from(
        ["string", "integer", "object", "array", "null", "timestamp", "seconds", "date",
         "#/$defs/a", "^a+$", "a", "", "hh:mm:ss"]
    ),
    lambda below: st.lists(below, max_size=3)
    | st.dictionaries(_KEYWORDS | st.just("a"), below, max_size=4),
    max_leaves=10,
)  # fmt: skip
_TYPED = st.sampled_from(["string", "integer", "object", "null", ["number", "null"]]).flatmap(
    lambda kind: st.dictionaries(_KEYWORDS, _VALUES, max_size=3).map(
        lambda rest: {"type": kind, **rest}
    )
)


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(_KEYWORDS, _VALUES, max_size=5) | _TYPED)
def test_anything_is_a_schema_that_is_met_or_is_refused(schema: dict[str, Any]) -> None:
    try:
        found = read_schema(schema)
    except InvalidInput as error:
        event(error.code)
        return
    event("met")
    judge = Draft202012Validator(found.source, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert judge.is_valid(found.empty)
