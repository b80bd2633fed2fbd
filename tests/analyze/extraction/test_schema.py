"""What is taken as a schema, what is refused, and with what words."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from videlicet.analyze.extraction.schema import read
from videlicet.analyze.extraction.schema.patterns import Unsupported, compiled, texts
from videlicet.errors import InvalidInput

OBJECT = {"type": "object"}
IMPOSSIBLE: list[tuple[Any, str]] = [
    ({"type": "string", "minLength": 5, "maxLength": 3}, ""),
    ({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 4}, ""),
    ({"allOf": [{"type": "string"}, {"type": "number"}]}, ""),
    ({"type": "array", "items": {"type": "boolean"}, "minItems": 3, "uniqueItems": True}, ""),
    ({"type": "array", "items": False, "minItems": 1}, ""),
    ({"oneOf": [{"type": "string"}, {"type": "string", "minLength": 0}]}, ""),
    ({"enum": [1, 2], "minimum": 5}, ""),
    ({"type": "string", "pattern": "^a$", "minLength": 2}, ""),
    ({"type": "string", "format": "date", "pattern": "^x"}, ""),
    (
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        "/properties/a",
    ),
    (
        {
            "type": "object",
            "properties": {"o": {"properties": {"x/y": False}, "required": ["x/y"], **OBJECT}},
            "required": ["o"],
        },
        "/properties/o/properties/x~1y",
    ),
    ({"type": "object", "additionalProperties": False, "required": ["a"]}, "/additionalProperties"),
]  # fmt: skip

REFUSED: list[tuple[Any, str]] = [
    ({"type": "foo"}, "/type"),
    ({"type": "object", "properties": {"a": {"minimum": "3"}}}, "/properties/a/minimum"),
    ({"$ref": "https://example.org/schema.json"}, "/$ref"),
    ({"$ref": "other.json#/a"}, "/$ref"),
    ({"$ref": "#/$defs/none"}, "/$ref"),
    ({"$ref": "#/properties", "properties": {"type": {}}}, "/$ref"),
    ({"$ref": "#"}, ""),
    ({"allOf": [{"$ref": "#"}]}, ""),
    ({"not": {"type": "string"}}, "/not"),
    ({"items": {"contains": {}}}, "/items/contains"),
    ({"if": {}, "then": {}}, "/if"),
    ({"patternProperties": {"a": {}}}, "/patternProperties"),
    ({"properties": {"a": {"$id": "https://example.org"}}}, "/properties/a/$id"),
    ({"pattern": "(?=a)"}, "/pattern"),
    ({"pattern": "(a)\\1"}, "/pattern"),
    ({"pattern": "(?i)a"}, "/pattern"),
    ({"pattern": "["}, "/pattern"),
    ({"pattern": "(a{1000}){1000}"}, "/pattern"),
    ({"format": "iri"}, "/format"),
    ({"type": "timestamp"}, "/format"),
    ({"type": "timestamp", "format": "minutes"}, "/format"),
    ({"minimum": float("nan")}, "/minimum"),
    ({"const": "\ud800"}, "/const"),
    ({"const": object()}, "/const"),
    ({1: 2}, ""),
    ([], ""),
    ({"enum": list(range(5_000))}, "/enum"),
]


@pytest.mark.parametrize(("schema", "place"), IMPOSSIBLE + REFUSED)
def test_refused_with_its_place(schema: Any, place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(schema)
    assert caught.value.code == "schema_invalid"
    assert caught.value.subject == (place or "/")
    assert (place or "the root") in caught.value.message


def deep(levels: int) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        found = {"items": found}
    return found


HOSTILE: list[Any] = [
    {"description": "x" * 10_000_000},
    {"properties": {f"p{n}": {"type": "string"} for n in range(200_000)}},
    deep(800),
    {"anyOf": [{"anyOf": [{"anyOf": [{}] * 20}] * 20}] * 20},
    {
        "$defs": {
            **{
                f"d{n}": {"properties": {f"p{k}": {"$ref": f"#/$defs/d{n + 1}"} for k in range(10)}}
                for n in range(10)
            },
            "d10": {},
        },
        "$ref": "#/$defs/d0",
    },
    {
        "minItems": 1_000,
        "items": {
            "minItems": 1_000,
            "items": {"minItems": 1_000, "type": "array"},
            "type": "array",
        },
        "type": "array",
    },
    {"type": "string", "minLength": 10**9},
    {"type": "array", "minItems": 10**9},
    {"type": "string", "pattern": "^(((a{40}){40})+b){2}$"},
    {"type": "string", "pattern": "^[ab]*a[ab]{15}$", "minLength": 5_000, "maxLength": 5_000},
    {"type": "number", "minimum": 10**300},
]


@pytest.mark.parametrize("schema", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_schemas_end_soon(schema: Any) -> None:
    begun = time.process_time()
    with pytest.raises(InvalidInput) as caught:
        read(schema)
    assert caught.value.code == "schema_invalid"
    assert len(caught.value.message) < 1_000
    assert time.process_time() - begun < 10


def test_a_catastrophic_pattern_is_matched_in_linear_time() -> None:
    found = read({"type": "string", "pattern": "^(a+)+$"})
    begun = time.process_time()
    assert not found.valid("a" * 5_000 + "b")
    assert found.valid("a" * 5_000)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("schema", "empty"),
    [
        ({"type": "string"}, ""),
        ({"type": ["string", "null"]}, None),
        ({"type": "string", "minLength": 2}, "--"),
        ({"type": "string", "enum": ["red", "unknown"]}, "unknown"),
        ({"type": "string", "enum": ["red", "blue"]}, "red"),
        ({"type": "string", "pattern": "^[A-Z]{2}-\\d+$"}, "AA-0"),
        ({"type": "string", "format": "date"}, "1970-01-01"),
        ({"type": "string", "format": "date", "pattern": "^2"}, "2000-01-01"),
        ({"type": "integer"}, 0),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "number", "exclusiveMinimum": 0}, 1),
        ({"type": "number", "minimum": 1, "multipleOf": 0.75}, 1.5),
        ({"type": "boolean"}, False),
        ({"type": "array"}, []),
        ({"type": "array", "minItems": 2, "items": {"type": "integer"}}, [0, 0]),
        ({"type": "array", "minItems": 2, "uniqueItems": True, "items": {"minimum": 0}}, [None, 0]),
        ({"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]}, {"a": None}),
        ({"type": "integer", "oneOf": [{"multipleOf": 3}, {"multipleOf": 5}]}, 3),
        ({"const": {"a": [1]}}, {"a": [1]}),
        ({"type": "timestamp", "format": "hh:mm:ss.fff"}, "00:00:00.000"),
        ({"$ref": "#/$defs/a%20b", "$defs": {"a b": {"type": "integer", "minimum": 2}}}, 2),
    ],
)  # fmt: skip
def test_the_emptiest_value(schema: dict[str, Any], empty: Any) -> None:
    assert read(schema).root.empty == empty


def test_every_problem_of_a_tree_that_refers_to_itself_is_bounded() -> None:
    tree = {
        "$defs": {
            "tree": {
                "type": "object",
                "properties": {
                    "left": {"$ref": "#/$defs/tree"},
                    "right": {"$ref": "#/$defs/tree"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
                },
                "required": ["children"],
            }
        },
        "$ref": "#/$defs/tree",
    }
    assert read(tree).root.empty == {"children": []}


_PARTS = st.sampled_from(
    ["a", "b", "[a-c]", "[^a]", "\\d", "\\w", "\\s", ".", "é", "(a|bc)",
     "(?:ab)?", "a{1,3}", "b*", "c+?", "^", "$", "\\b", "(a|)", "[\\d-]", "[^\\w]", "\\D", "x{0}"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(_PARTS, max_size=5).map("".join), st.text("abcé1 -\n_", max_size=8))
def test_what_the_automaton_matches_python_matches(pattern: str, text: str) -> None:
    """It is the stricter of the two only beyond ASCII and at line feeds."""
    ours = compiled(pattern).matches(text)
    theirs = re.search(pattern, text) is not None
    assert not ours or theirs
    if text.isascii() and "\n" not in text:
        assert ours == theirs


@settings(max_examples=200, deadline=None)
@given(st.lists(_PARTS, max_size=5).map("".join), st.integers(0, 5))
def test_texts_of_a_pattern_match_it(pattern: str, shortest: int) -> None:
    for number, text in enumerate(texts([compiled(pattern)], shortest, 12, 3)):
        assert re.search(pattern, text) is not None
        assert shortest <= len(text) <= 12
        if number > 5:
            break


def test_patterns_that_no_automaton_stands_for() -> None:
    for pattern in ("(?<=a)b", "a++", "(?>a)", "\\Aa", "(?P<n>a)(?P=n)"):
        with pytest.raises(Unsupported):
            compiled(pattern)


_KEYWORDS = st.sampled_from(
    """
    type enum const minLength maxLength pattern format minimum maximum exclusiveMinimum multipleOf
    items prefixItems minItems maxItems uniqueItems properties required additionalProperties anyOf
    oneOf allOf $ref $defs $id $schema title description default not x-videlicet-clock
    """.split()
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.sampled_from(
        ["string", "integer", "object", "array", "null", "timestamp", "seconds", "date", "#",
         "#/$defs/a", "^a+$", "a", "", "hh:mm:ss"]
    ),
    lambda below: st.lists(below, max_size=3)
    | st.dictionaries(_KEYWORDS | st.just("a"), below, max_size=4),
    max_leaves=10,
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(_KEYWORDS, _VALUES, max_size=5))
def test_anything_is_a_schema_that_is_met_or_is_refused(schema: dict[str, Any]) -> None:
    try:
        found = read(schema)
    except InvalidInput as error:
        event(error.code)
        return
    event("met")
    judge = Draft202012Validator(found.source, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert judge.is_valid(found.root.empty)
