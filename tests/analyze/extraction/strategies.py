"""Random JSON schemas with every supported keyword, each of which something can meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]

NAMES = (
    "name", "title", "summary", "count", "total", "price", "start", "end_time", "platform",
    "departure_time", "phone", "email", "objects", "topics", "has_cat", "due_in_days", "colour",
    "scenes", "transcript", "code", "value", "a/b", "c~d", "speaker", "Ünïcode name", "type",
)  # fmt: skip
FORMATS = (
    "date",
    "time",
    "date-time",
    "email",
    "uri",
    "uuid",
    "ipv4",
    "ipv6",
    "hostname",
    "duration",
)
PATTERNS = (
    "^[A-Z]{2,3}-\\d{4}$", "a+b*", "^(red|green|blue)$", "\\d", "^\\S+@\\S+$", "^.{3,}$",
    "\\bcat\\b", "^[^0-9]*$", "^(?:[a-z]+ )*[a-z]+$", "[\\w.]+",
    "^\\d{2}:\\d{2}$", "^$|^x", "(a|b)+c?$",
    "",
)  # fmt: skip

strings = st.one_of(
    st.just({}),
    st.tuples(st.integers(0, 9), st.integers(9, 40)).map(
        lambda ends: {"minLength": ends[0], "maxLength": ends[1]}
    ),
    st.sampled_from(PATTERNS).map(lambda pattern: {"pattern": pattern}),
    st.sampled_from(FORMATS).map(lambda format: {"format": format}),
    st.lists(st.text(max_size=8), min_size=1, max_size=5, unique=True).map(
        lambda names: {"enum": names}
    ),
    st.just({"enum": ["red", "green", "blue", "yes", "no", "unknown"]}),
    st.text(max_size=5).map(lambda text: {"const": text}),
).map(lambda keys: {"type": "string", **keys})


@st.composite
def numbers(draw: st.DrawFn) -> Schema:
    found: Schema = {"type": draw(st.sampled_from(["number", "integer"]))}
    low = draw(st.integers(-50, 50) | st.floats(-50, 50).map(lambda x: round(x, 2)))
    match draw(st.integers(0, 6)):
        case 0:
            found |= {"minimum": low, "maximum": low + draw(st.integers(2, 100))}
        case 1:
            found |= {"exclusiveMinimum": low, "exclusiveMaximum": low + draw(st.integers(3, 9))}
        case 2:
            found |= {"multipleOf": draw(st.sampled_from([1, 2, 5, 0.5, 0.25])), "minimum": low}
        case 3:
            found |= {"maximum": low}
        case 4:
            found |= {"enum": [3, 9, 48]}
        case 5 if found["type"] == "number":
            found |= {"exclusiveMinimum": 0, "exclusiveMaximum": draw(st.floats(0.01, 1))}
        case _:
            pass
    return found


leaves = st.one_of(
    strings, numbers(), st.just({"type": "boolean"}), st.just({"type": "null"}),
    st.just({"type": "timestamp", "format": "seconds"}),
    st.sampled_from([{}, True, {"const": {"x": [1]}}]),
    st.just({"enum": [1, "a", None, False, [1], {"b": 2}]}),
)  # fmt: skip


def _nullable(schema: Any) -> Any:
    kind = schema.get("type") if isinstance(schema, dict) else None
    if (
        isinstance(kind, str)
        and kind not in ("timestamp", "null")
        and not schema.keys() & {"enum", "const"}
    ):
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


@st.composite
def objects(draw: st.DrawFn, below: st.SearchStrategy[Any]) -> Schema:
    names = draw(st.lists(st.sampled_from(NAMES), max_size=5, unique=True))
    found: Schema = {
        "type": "object",
        "properties": {name: draw(below) for name in names},
        "required": draw(st.lists(st.sampled_from(names), unique=True)) if names else [],
    }
    if draw(st.booleans()):
        found["additionalProperties"] = draw(st.sampled_from([False, True, {"type": "string"}]))
    if draw(st.booleans()):
        found["description"] = draw(st.sampled_from(["The invoice", "One scene of the film", ""]))
    return found


@st.composite
def arrays(draw: st.DrawFn, below: st.SearchStrategy[Any]) -> Schema:
    found: Schema = {"type": "array", "items": draw(below)}
    match draw(st.integers(0, 4)):
        case 0:
            found |= {"minItems": draw(st.integers(0, 3)), "maxItems": draw(st.integers(3, 5))}
        case 1:
            found |= {"uniqueItems": True}
        case 2:
            found |= {
                "uniqueItems": True, "minItems": draw(st.integers(0, 3)),
                "items": {"type": "string", **draw(st.sampled_from([{}, {"pattern": "^a+$"}]))},
            }  # fmt: skip
        case 3:
            found |= {"prefixItems": [draw(below), draw(below)], "items": False, "minItems": 2}
        case _:
            pass
    return found


def _combined(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        objects(below),
        arrays(below),
        below.map(_nullable),
        st.lists(below, min_size=1, max_size=3).map(lambda some: {"anyOf": some}),
        below.map(lambda one: {"allOf": [one, {"title": "Total"}]}),
        st.just({"oneOf": [{"type": "integer"}, {"type": "string", "minLength": 1}]}),
        st.just(
            {"oneOf": [{"type": "integer", "multipleOf": 3}, {"type": "integer", "multipleOf": 5}]}
        ),
        st.just(
            {"allOf": [{"type": "string", "minLength": 3}, {"pattern": "^a"}, {"pattern": "b$"}]}
        ),
        st.just({"$ref": "#/$defs/leaf"}),
        st.just({"$ref": "#/$defs/tree"}),
    )


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """A whole schema; its definitions hold a leaf and a tree that refers to itself."""
    inner = st.recursive(leaves, _combined, max_leaves=12)
    found = draw(objects(inner) | arrays(inner) | inner.filter(lambda one: isinstance(one, dict)))
    found = dict(found) if isinstance(found, dict) else {}
    if found.get("$ref"):
        found = {"allOf": [found]}
    found["$defs"] = {
        "leaf": draw(leaves),
        "tree": {
            "type": "object",
            "properties": {
                "title": draw(strings),
                "parts": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
                "next": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]},
            },
            "required": ["title"],
        },
    }
    return found
