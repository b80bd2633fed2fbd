"""JSON from callers: only what can be stored and is not nested without end."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from fastapi import Request

from videlicet.api.errors import invalid
from videlicet.services.user_metadata import is_storable

#: Most lists and objects within each other in JSON.
DEEPEST = 64
#: What may stand for something that cannot be stored.
_SUSPECT = re.compile(rb"\\u|NaN|Infinity|[eE]\+?[0-9]{2}|[0-9]{300}")


async def require_text(request: Request) -> None:
    """Refuse JSON that is nothing to store: half of a surrogate pair, a NUL, a number that is not
    finite, or lists in lists without end."""
    if "json" not in request.headers.get("content-type", ""):
        return
    body = await request.body()
    if not _SUSPECT.search(body) and body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    try:
        value = parsed(body)
    except TooDeep:
        raise invalid(f"The body is nested more than {DEEPEST} deep.") from None
    except ValueError:
        return  # told elsewhere
    if not _all_plain(value):
        raise invalid(
            "The body holds characters that are not text, or numbers that are not finite."
        )


class TooDeep(ValueError):
    """JSON that is nested deeper than anything here needs."""


def parsed(text: str | bytes) -> Any:
    """What JSON from a caller says.

    Raises:
        ValueError: it is none; ``TooDeep``, if it is nested too deep.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise TooDeep from None
    if _deeper(value, DEEPEST):
        raise TooDeep
    return value


def _deeper(value: Any, left: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return left == 0 or any(_deeper(one, left - 1) for one in inner)


def _all_plain(value: Any) -> bool:
    match value:
        case str():
            return is_storable(value)
        case float():
            return math.isfinite(value)
        case dict():
            return all(is_storable(key) and _all_plain(item) for key, item in value.items())
        case list():
            return all(map(_all_plain, value))
        case _:
            return True
