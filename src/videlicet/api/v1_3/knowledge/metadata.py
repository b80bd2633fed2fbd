"""Metadata of knowledge stores, items and collections: stricter than that of assets."""

from __future__ import annotations

from typing import Any

from videlicet.api.errors import invalid

#: Most pairs and longest text of a store or a collection, and of an item.
STORE, ITEM = (10, 2048), (50, 8192)
LONGEST_KEY = 128
#: Integers beyond are not the same in every language.
_LARGEST = 2**53 - 1


def metadata_of(value: dict[str, Any] | None, limits: tuple[int, int]) -> dict[str, Any]:
    """Metadata as it is kept.

    Raises:
        ApiError: 400 for more pairs or longer texts than ``limits`` allow, for null, and for what
            is neither a text, a number, true, false nor a list of texts.
    """
    most, longest = limits
    pairs = value or {}
    if len(pairs) > most:
        raise invalid(f"metadata holds {most} pairs at most.")
    for key, one in pairs.items():
        if not 1 <= len(key) <= LONGEST_KEY:
            raise invalid(f"metadata: a key has 1 to {LONGEST_KEY} characters.")
        match one:
            case bool() | float():
                continue
            case int() if abs(one) <= _LARGEST:
                continue
            case str() if len(one) <= longest:
                continue
            case list() if all(isinstance(text, str) and len(text) <= longest for text in one):
                continue
        raise invalid(
            f"metadata.{key} must be a text of at most {longest} characters, a number of at most "
            "53 bits, true, false or a list of texts."
        )
    return dict(pairs)
