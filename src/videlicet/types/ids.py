"""Ids derived from content: the same bytes, or the same finding, always get the same id.

Every id is 24 lower-case hexadecimal digits (96 bits of SHA-256), the form v1.3 clients expect.
"""

from __future__ import annotations

import hashlib
import re
import secrets

_ID = re.compile(r"[0-9a-f]{24}")


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
