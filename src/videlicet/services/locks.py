"""Locks by name: one for each thing that is changed, so that nobody waits for changes elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from videlicet.errors import Conflict

#: Seconds that a change waits for those before it.
TIMEOUT = 30.0


@dataclass(slots=True)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0


class NamedLocks:
    """A lock for each name. One exists only while somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._guard = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @contextmanager
    def hold(self, name: str, timeout: float = TIMEOUT) -> Iterator[None]:
        """Hold the lock of this name while the block runs.

        Raises:
            Conflict: ``changes_pending``, others held it for all of ``timeout`` seconds.
        """
        with self._guard:
            entry = self._entries.setdefault(name, _Entry())
            entry.users += 1
        try:
            if not entry.lock.acquire(timeout=timeout):
                raise Conflict(
                    "changes_pending", f"Other changes to {name} are still under way.", subject=name
                )
            try:
                yield
            finally:
                entry.lock.release()
        finally:
            with self._guard:
                entry.users -= 1
                if not entry.users:
                    del self._entries[name]
