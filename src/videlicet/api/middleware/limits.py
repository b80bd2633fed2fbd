"""How much one key, and all together, may ask of the server."""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass

#: Bytes of a request's line and headers.
MAX_HEADER_BYTES = 32 * 1024
#: Most keys whose share of the time is remembered.
_MAX_BUCKETS = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RateLimiter:
    """A bucket of requests for each key that fills up again evenly."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> tuple[bool, int, float]:
        """Whether one more request may go; how many may yet; seconds until the bucket is full."""
        now = time.monotonic()
        rate = self.per_minute / 60
        with self._lock:
            bucket = self._buckets.setdefault(name, _Bucket(self.per_minute, now))
            self._buckets.move_to_end(name)
            while len(self._buckets) > _MAX_BUCKETS:
                self._buckets.popitem(last=False)
            bucket.tokens = min(self.per_minute, bucket.tokens + (now - bucket.at) * rate)
            bucket.at = now
            allowed = bucket.tokens >= 1
            if allowed:
                bucket.tokens -= 1
            return allowed, int(bucket.tokens), (self.per_minute - bucket.tokens) / rate


class ConcurrencyLimiter:
    """Counts requests under way, of each key and of all."""

    def __init__(self, per_key: int, most: int) -> None:
        self.per_key, self.max_total = per_key, most
        self._per_key: Counter[str] = Counter()
        self._total = 0

    def enter(self) -> bool:
        """Whether there is room for one more; then :meth:`close` must follow."""
        if self._total >= self.max_total:
            return False
        self._total += 1
        return True

    def leave(self) -> None:
        self._total -= 1

    def enter_key(self, name: str) -> bool:
        """Whether there is room for one more of a key; then :meth:`leave_key` must follow."""
        if self._per_key[name] >= self.per_key:
            return False
        self._per_key[name] += 1
        return True

    def leave_key(self, name: str) -> None:
        self._per_key[name] -= 1
        if not self._per_key[name]:
            del self._per_key[name]
