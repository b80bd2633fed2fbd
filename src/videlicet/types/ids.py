"""Ids derived from content: the same bytes, or the same finding, always get the same id.

Every id is 24 lower-case hexadecimal digits (96 bits of SHA-256), the form v1.3 clients expect.
Knowledge stores and what belongs to them have others: a prefix and a UUID of version 7.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from uuid import UUID

_ID = re.compile(r"[0-9a-f]{24}")
_TICKING = threading.Lock()
_last_tick = 0


def derived_id(*parts: str | bytes) -> str:
    """An id that is a pure function of ``parts`` (length-prefixed, so no two lists collide)."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()[:24]


def random_id() -> str:
    """An id for things with no content of their own, such as an index or a task."""
    return secrets.token_hex(12)


def is_id(text: str) -> bool:
    """Whether ``text`` has the form of an id."""
    return _ID.fullmatch(text) is not None


def uuid7() -> UUID:
    """A UUID that sorts by when it was made, later ones of this process always after earlier ones.

    RFC 9562, version 7: 48 bits of milliseconds, 12 bits of the fraction of one (method 3 of its
    section 6.2, counted on where the clock does not advance), 62 random bits.
    """
    global _last_tick
    with _TICKING:
        tick = max(time.time_ns() * 4096 // 1_000_000, _last_tick + 1)
        _last_tick = tick
    high = tick >> 12 << 16 | 7 << 12 | tick & 0xFFF
    return UUID(int=high << 64 | 2 << 62 | secrets.randbits(62))


def ordered_id(prefix: str) -> str:
    """A new id of a kind that ``prefix`` names; ids of a kind sort by when they were made."""
    return f"{prefix}_{uuid7()}"
