"""Replies that are JSON: requested with a schema, checked against it, repaired once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from videlicet.analyze.backend import Check
from videlicet.analyze.llm.backends.base import Final, LlmBackend, Message
from videlicet.analyze.schema.validation import DEFINITIONS, validator
from videlicet.errors import AnalysisError
from videlicet.types import Usage

#: A value's place inside of another: keys and indexes.
Path = tuple[str | int, ...]

_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL | re.IGNORECASE)
_THOUGHT = re.compile(r"\s*<think>.*?</think>", re.DOTALL)


def with_citations(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a value of ``schema`` together with the lines that each of its fields rests
    on."""
    outer = ("$schema", "$id", *DEFINITIONS)
    inner = {key: value for key, value in schema.items() if key not in outer}
    definitions = {key: schema[key] for key in DEFINITIONS if key in schema}
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
        **definitions,
    }


def request_json(
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
        final = _complete(backend, turns, schema, temperature, max_tokens, check)
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


def _complete(
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


def with_value(value: Any, path: Path, new: Any) -> Any:
    """A copy of ``value`` with something else in one place."""
    if not path:
        return new
    copy = _copy(value)
    copy[path[0]] = with_value(value[path[0]], path[1:], new)
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


def without_value(value: Any, path: Path, is_valid: Callable[[Any], bool]) -> tuple[Any, bool]:
    """``value``, which is valid, with one place null, or gone, so that it stays valid; and whether
    that can be done."""
    candidates = [with_value(value, path, None)] + ([without(value, path)] if path else [])
    for candidate in candidates:
        if is_valid(candidate):
            return candidate, True
    return value, False
