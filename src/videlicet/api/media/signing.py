"""Addresses that need no key: signed, and good for a while only."""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import urlencode


class Signer:
    """Signs paths with HMAC-SHA256, and checks what it has signed."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, path: str, seconds: float) -> str:
        """``path`` with the query that opens it for so many seconds.

        Ends are rounded up to the next of ten parts of that time, so that an address asked for
        twice is mostly the same and caches can help.
        """
        step = max(1, int(seconds / 10))
        expires = (int(time.time() + seconds) // step + 1) * step
        return f"{path}?{urlencode({'expires': expires, 'signature': self._of(path, expires)})}"

    def allows(self, path: str, expires: str, signature: str) -> bool:
        """Whether the query of a signed address is ours and still good."""
        if not expires.isascii() or not expires.isdigit() or len(expires) > 12:
            return False
        good = hmac.compare_digest(self._of(path, int(expires)).encode(), signature.encode())
        return good and int(expires) >= time.time()

    def _of(self, path: str, expires: int) -> str:
        text = f"{path}\n{expires}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()
