"""User metadata: what values may be stored, and how changes are applied."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from videlicet.services.problems import invalid

#: Most keys, and most characters of a value.
MAX_KEYS, MAX_VALUE_CHARS = 100, 10_000
#: Most characters of a key.
MAX_KEY_CHARS = 200
#: Integers beyond this are not exact in JSON.
MAX_INTEGER = 2**53


def checked_metadata(value: Any, *, allow_null: bool = False) -> dict[str, Any]:
    """User metadata as it is stored; empty texts and lists are left out. With ``allow_null`` a
    null stays, as the wish to delete its key.

    Raises:
        InvalidInput: ``invalid_argument``.
    """
    if not isinstance(value, Mapping):
        raise invalid("user_metadata must be an object.")
    if len(value) > MAX_KEYS:
        raise invalid(f"user_metadata holds {MAX_KEYS} keys at most.")
    found: dict[str, Any] = {}
    for key, item in value.items():
        if not key or len(key) > MAX_KEY_CHARS or not is_storable(key):
            raise invalid("A key of user_metadata is empty, too long or not text.")
        if item is None:
            if allow_null:
                found[key] = None
            continue
        if item in ("", []):
            continue
        if not _is_value(item):
            raise invalid(
                f"user_metadata.{key} must be a text, a number, true, false or a list of texts."
            )
        found[key] = item
    return found


def merge_metadata(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata after a change: null deletes a key."""
    return {key: value for key, value in {**old, **new}.items() if value is not None}


def is_storable(text: str) -> bool:
    """Whether a database can hold a text: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _is_value(item: Any) -> bool:
    match item:
        case list():
            return all(isinstance(one, str) and is_storable(one) for one in item)
        case str():
            return len(item) <= MAX_VALUE_CHARS and is_storable(item)
        case bool():
            return True
        case int():
            return abs(item) <= MAX_INTEGER
        case float():
            return math.isfinite(item)
        case _:
            return False
