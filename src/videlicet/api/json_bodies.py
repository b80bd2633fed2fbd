"""JSON from callers: only what can be stored and is not nested without end."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from fastapi import Request

from videlicet.api.errors import invalid_parameter
from videlicet.services.user_metadata import is_storable

#: Most lists and objects within each other in JSON.
MAX_NESTING = 64
#: What may stand for something that cannot be stored.
_SUSPECT = re.compile(rb"\\u|NaN|Infinity|[eE]\+?[0-9]{2}|[0-9]{300}")


async def require_storable_json(request: Request) -> None:
    """Refuse JSON that is nothing to store: half of a surrogate pair, a NUL, a number that is not
    finite, or lists in lists without end."""
    if "json" not in request.headers.get("content-type", ""):
        return
    body = await request.body()
    if not _SUSPECT.search(body) and body.count(b"[") + body.count(b"{") <= MAX_NESTING:
        return
    try:
        value = parse_json(body)
    except NestingTooDeep:
        raise invalid_parameter(f"The body is nested more than {MAX_NESTING} deep.") from None
    except ValueError:
        return  # reported elsewhere
    if not _is_storable(value):
        raise invalid_parameter(
            "The body holds characters that are not text, or numbers that are not finite."
        )


class NestingTooDeep(ValueError):
    """JSON that is nested deeper than anything here needs."""


def parse_json(text: str | bytes) -> Any:
    """What JSON from a caller says.

    Raises:
        ValueError: it is none; ``NestingTooDeep``, if it is nested too deep.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise NestingTooDeep from None
    if _is_deeper(value, MAX_NESTING):
        raise NestingTooDeep
    return value


def _is_deeper(value: Any, left: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return left == 0 or any(_is_deeper(one, left - 1) for one in inner)


def _is_storable(value: Any) -> bool:
    match value:
        case str():
            return is_storable(value)
        case float():
            return math.isfinite(value)
        case dict():
            return all(is_storable(key) and _is_storable(item) for key, item in value.items())
        case list():
            return all(map(_is_storable, value))
        case _:
            return True
