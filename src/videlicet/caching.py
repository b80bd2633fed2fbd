"""A cache that is bounded in bytes, for what is large, derived and shared between threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True, eq=False)
class _Entry(Generic[V]):
    value: V | None = None
    size: int = 0
    users: int = 0
    #: Held while the value is made or updated.
    lock: threading.Lock = field(default_factory=threading.Lock)


class ByteCache(Generic[K, V]):
    """Values by key, of which the least recently used go first when all together have more than
    ``limit`` bytes. A value that is in use (see :meth:`use`) stays, even beyond the limit."""

    def __init__(self, limit: int, size_of: Callable[[V], int]) -> None:
        self.limit = limit
        self._size_of = size_of
        #: The least recently used first.
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes of all values."""
        with self._lock:
            return self._bytes

    def __len__(self) -> int:
        with self._lock:
            return sum(entry.value is not None for entry in self._entries.values())

    def __contains__(self, key: K) -> bool:
        with self._lock:
            entry = self._entries.get(key)
            return entry is not None and entry.value is not None

    @contextmanager
    def use(self, key: K, update: Callable[[V | None], V]) -> Iterator[V]:
        """The value of a key, which stays in the cache while the block runs.

        ``update`` is given the value that is there, if any, and returns it or another in its place.
        One thread at a time updates the value of a key; those of other keys do not wait.
        """
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            entry.users += 1
        try:
            with entry.lock:
                value = update(entry.value)
                if value is not entry.value:
                    size = self._size_of(value)
                    with self._lock:
                        entry.value = value
                        if self._entries.get(key) is entry:
                            self._bytes += size - entry.size
                            entry.size = size
            yield value
        finally:
            with self._lock:
                entry.users -= 1
                if entry.value is None and not entry.users and self._entries.get(key) is entry:
                    self._drop(key)  # it could not be made
                self._evict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key, made where there is none. It never changes."""
        with self.use(key, lambda value: make() if value is None else value) as value:
            return value

    def discard(self, when: Callable[[V], bool] = lambda _: True) -> None:
        """Drop the values for which ``when`` is true. Those in use stay with who uses them."""
        with self._lock:
            for key, entry in list(self._entries.items()):
                if entry.value is not None and when(entry.value):
                    self._drop(key)

    def _evict(self) -> None:
        excess, chosen = self._bytes - self.limit, []
        for key, entry in self._entries.items():
            if excess <= 0:
                break
            if not entry.users:
                excess -= entry.size
                chosen.append(key)
        for key in chosen:
            self._drop(key)

    def _drop(self, key: K) -> None:
        self._bytes -= self._entries.pop(key).size
