"""Random JSON schemas with every supported keyword, each of which can be filled from nothing."""

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

#: Strings for which an empty text, or a choice that says so, means that nothing is known.
open_strings = st.one_of(
    st.just({}),
    st.integers(0, 40).map(lambda most: {"maxLength": most}),
    st.just({"enum": ["red", "green", "blue", "yes", "no", "unknown"]}),
    st.just({"pattern": "^$|^x"}),
    st.text(max_size=5).map(lambda text: {"const": text}),
).map(lambda keys: {"type": "string", **keys})

#: Strings for which only null means that nothing is known.
closed_strings = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(9, 40)).map(
        lambda ends: {"minLength": ends[0], "maxLength": ends[1]}
    ),
    st.sampled_from(PATTERNS).map(lambda pattern: {"pattern": pattern}),
    st.sampled_from(FORMATS).map(lambda format: {"format": format}),
    st.lists(st.text(max_size=8), min_size=1, max_size=5, unique=True).map(
        lambda names: {"enum": names}
    ),
).map(lambda keys: {"type": "string", **keys})


@st.composite
def numbers(draw: st.DrawFn) -> Schema:
    """With and without a zero among them."""
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


#: Schemas of scalars; those that cannot be empty are made nullable where they are used.
leaves = st.one_of(
    open_strings, closed_strings, numbers(),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"const": True}]),
    st.sampled_from(["seconds", "hh:mm:ss", "hh:mm:ss.fff"]).map(
        lambda form: {"type": "timestamp", "format": form}
    ),
    st.just({"enum": [1, "a", None, False]}),
    st.just({"type": ["integer", "string", "null"]}),
)  # fmt: skip


def _nullable(schema: Schema) -> Schema:
    kind = schema.get("type")
    if (
        isinstance(kind, str)
        and kind not in ("timestamp", "null")
        and not schema.keys() & {"enum", "const"}
    ):
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


@st.composite
def objects(draw: st.DrawFn, below: st.SearchStrategy[Schema]) -> Schema:
    """What is required can be null; what is not required need not."""
    names = draw(st.lists(st.sampled_from(NAMES), max_size=5, unique=True))
    required = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    found: Schema = {
        "type": "object",
        "properties": {
            name: _nullable(draw(below)) if name in required else draw(below) for name in names
        },
        "required": required,
    }
    if draw(st.booleans()):
        found["additionalProperties"] = draw(st.booleans())
    if draw(st.booleans()):
        found["description"] = draw(st.sampled_from(["The invoice", "One scene of the film", ""]))
    return found


@st.composite
def arrays(draw: st.DrawFn, below: st.SearchStrategy[Schema]) -> Schema:
    found: Schema = {"type": "array", "items": draw(below)}
    match draw(st.integers(0, 3)):
        case 0:
            found |= {
                "items": _nullable(draw(below)),
                "minItems": draw(st.integers(0, 3)), "maxItems": draw(st.integers(3, 5)),
            }  # fmt: skip
        case 1:
            found |= {"uniqueItems": True, "maxItems": draw(st.integers(0, 4))}
        case 2:
            found = _nullable({**found, "uniqueItems": True, "minItems": draw(st.integers(0, 3))})
        case _:
            pass
    return found


def _combined(below: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.one_of(
        objects(below),
        arrays(below),
        below.map(_nullable),
        st.lists(below, min_size=1, max_size=3).map(lambda some: {"anyOf": some}),
        st.sampled_from(["$defs", "definitions"]).map(
            lambda keyword: {"$ref": f"#/{keyword}/leaf", "description": "The total"}
        ),
        st.just({"$ref": "#/$defs/pair"}),
    )


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """A whole schema; its definitions hold a leaf and a pair of things that refer to it."""
    inner = st.recursive(leaves, _combined, max_leaves=12)
    root = draw(objects(inner) | arrays(inner) | inner.map(_nullable))
    leaf = _nullable(draw(leaves))
    pair = draw(objects(st.just({"$ref": "#/$defs/leaf"})))
    return {**root, "$defs": {"leaf": leaf, "pair": pair}, "definitions": {"leaf": leaf}}
