"""Page tokens: opaque to callers, and refused for any query but their own."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import replace
from pathlib import Path

from videlicet.errors import InvalidQuery
from videlicet.types import Query

#: Digits of the farthest place a page may start at: whatever is ranked before it is fetched.
DIGITS = 10


def fingerprint(index_id: str, query: Query) -> str:
    """Stands for everything that decides a query's ranking (not the page asked for)."""
    plain = replace(query, page_token=None, page_size=1)
    parts = [(p.kind.value, p.weight, _digest(p.value)) for p in plain.parts]
    rest = (
        sorted(plain.modalities),
        plain.filter,
        plain.asset_ids,
        plain.threshold,
        plain.group_by,
        sorted(plain.lanes),
        [sorted(group) for group in plain.require_all],
    )
    text = json.dumps([index_id, parts, rest], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _digest(value: str | bytes | Path) -> str:
    raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    return hashlib.sha256(raw).hexdigest()


def page_token(mark: str, offset: int) -> str:
    """The token of the page that starts at ``offset``."""
    return base64.urlsafe_b64encode(f"{mark}:{offset}".encode()).decode().rstrip("=")


def page_offset(mark: str, token: str | None) -> int:
    """Where a page starts; 0 without a token.

    Raises:
        InvalidQuery: ``page_token_invalid``, if the token is not one of this query's.
    """
    if token is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
        owner, _, offset = text.partition(":")
        if owner == mark and offset.isdecimal() and len(offset) <= DIGITS:
            return int(offset)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise InvalidQuery(
        "page_token_invalid", "This page token does not belong to this query.", subject="page_token"
    )
