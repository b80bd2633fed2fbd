"""Replies that are JSON: asked for with a schema, checked against it, mended once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from videlicet.analyze.llm.backends.base import Check, Final, LlmBackend, Message
from videlicet.errors import AnalysisError, InvalidInput
from videlicet.types import Usage

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

#: A value's place inside of another: keys and indexes.
Path = tuple[str | int, ...]

_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL | re.IGNORECASE)
_THOUGHT = re.compile(r"\s*<think>.*?</think>", re.DOTALL)


def validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    """A validator that reaches for nothing outside of the schema.

    Raises:
        InvalidInput: ``schema_invalid``.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    whole = dict(schema)
    try:
        Draft202012Validator.check_schema(whole)
        for reference in _references(schema):
            _resolve(schema, reference)
        found = Draft202012Validator(whole)
        found.is_valid(None)
    except RecursionError as error:
        raise InvalidInput(
            "schema_invalid", "The JSON schema refers to itself without end.", subject="schema"
        ) from error
    except SchemaError as error:
        raise InvalidInput(
            "schema_invalid", f"The JSON schema is none: {error.message[:200]}", subject="schema"
        ) from error
    except (LookupError, TypeError) as error:
        raise InvalidInput(
            "schema_invalid", "The JSON schema refers to something that is not in it.",
            subject="schema",
        ) from error  # fmt: skip
    return found


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key in ("$ref", "$dynamicRef"):
            if isinstance(schema.get(key), str):
                yield schema[key]
        for one in schema.values():
            yield from _references(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from _references(one)


def _resolve(schema: Any, reference: str) -> None:
    """Raises ``LookupError`` for a reference that is no JSON pointer to somewhere in the schema."""
    if reference != "#" and not reference.startswith("#/"):
        raise LookupError(reference)
    for step in reference.split("/")[1:]:
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        schema = schema[int(key) if isinstance(schema, list) and key.isdigit() else key]


def with_citations(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a value of ``schema`` together with the lines that each of its fields rests
    on."""
    inner = _moved({k: v for k, v in schema.items() if k not in ("$schema", "$id")})
    cited = {
        "type": "object",
        "properties": {
            "field": {"type": "string", "description": "as in /people/0/name", "maxLength": 200},
            "lines": {"type": "array", "items": {"type": "integer"}, "maxItems": 8},
        },
        "required": ["field", "lines"],
    }
    return {
        "type": "object",
        "properties": {
            "value": inner,
            "citations": {"type": "array", "items": cited, "maxItems": 200},
        },
        "required": ["value", "citations"],
    }


def _moved(schema: Any) -> Any:
    """References inside of a schema as they are once it stands one level deeper."""
    if isinstance(schema, Mapping):
        found = {key: _moved(value) for key, value in schema.items()}
        reference = found.get("$ref")
        if isinstance(reference, str) and (reference == "#" or reference.startswith("#/")):
            found["$ref"] = "#/properties/value" + reference[1:]
        return found
    return [_moved(one) for one in schema] if isinstance(schema, list) else schema


def asked(
    backend: LlmBackend,
    messages: Sequence[Message],
    schema: Mapping[str, Any],
    *,
    temperature: float,
    max_tokens: int,
    check: Check,
) -> tuple[Any, Usage]:
    """The reply as a value that meets ``schema``, and what it took. A reply that does not is sent
    back once with what is wrong.

    Raises:
        AnalysisError: those of the backend; ``language_model_failed`` after two replies.
    """
    checked = validator(schema)
    turns, usage = list(messages), Usage()
    for _ in range(2):
        final = _whole(backend, turns, schema, temperature, max_tokens, check)
        usage += final.usage
        try:
            value = parsed(final.text)
        except ValueError:
            wrong = "it is not JSON" + (", or was cut" if final.finish == "length" else "")
        else:
            error = next(checked.iter_errors(value), None)
            if error is None:
                return value, usage
            wrong = f"at /{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
        turns = [
            *messages,
            Message("assistant", final.text[: 4 * max_tokens]),
            Message("user", f"That does not meet the schema: {wrong}. Reply with the JSON only."),
        ]
    raise AnalysisError(
        "language_model_failed", "The language model gave no JSON of the schema, twice.",
        remedy="Try again, give it more max_tokens, or use a model that is better at JSON.",
    )  # fmt: skip


def _whole(
    backend: LlmBackend,
    messages: Sequence[Message],
    schema: Mapping[str, Any],
    temperature: float,
    max_tokens: int,
    check: Check,
) -> Final:
    final: Final | None = None
    for part in backend.complete(
        messages, temperature=temperature, max_tokens=max_tokens, schema=schema, check=check
    ):
        if isinstance(part, Final):
            final = part
    assert final is not None
    if final.broken:
        raise AnalysisError("language_model_failed", final.broken)
    return final


def parsed(text: str) -> Any:
    """The JSON in a reply, also where there are words or a fence around it.

    Raises:
        ValueError: there is none.
    """
    text = _THOUGHT.sub("", text, count=1).strip()
    if fenced := _FENCE.search(text):
        text = fenced[1].strip()
    try:
        return _strict(text)
    except ValueError:
        start = min((at for c in "{[" if (at := text.find(c)) >= 0), default=-1)
        if start < 0:
            raise
        return _decoder.raw_decode(text, start)[0]
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant)


def _strict(text: str) -> Any:
    return _decoder.decode(text)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value inside of ``value`` that holds no others, with its place."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, (*path, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from leaves(one, (*path, number))
    else:
        yield path, value


def pointer(path: Path) -> str:
    """A place as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in path)


def choices(schema: Any) -> set[str]:
    """Everything that a schema lets choose from by name."""
    found: set[str] = set()
    if isinstance(schema, Mapping):
        listed = schema.get("enum")
        for one in (*(listed if isinstance(listed, list) else ()), schema.get("const")):
            if isinstance(one, str):
                found.add(one)
    for one in schema.values() if isinstance(schema, Mapping) else schema:
        if isinstance(one, (Mapping, list)):
            found |= choices(one)
    return found


def put(value: Any, path: Path, new: Any) -> Any:
    """A copy of ``value`` with something else in one place."""
    if not path:
        return new
    copy = _copy(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def without(value: Any, path: Path) -> Any:
    """A copy of ``value`` that lacks one place."""
    copy = _copy(value)
    if len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = without(value[path[0]], path[1:])
    return copy


def _copy(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else list(value)


def emptied(value: Any, path: Path, checked: Draft202012Validator) -> tuple[Any, bool]:
    """``value``, which is valid, with one place null, or gone, so that it stays valid; and whether
    that can be done."""
    candidates = [put(value, path, None)] + ([without(value, path)] if path else [])
    for candidate in candidates:
        if checked.is_valid(candidate):
            return candidate, True
    return value, False
