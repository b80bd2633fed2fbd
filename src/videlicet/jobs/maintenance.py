"""What a process does with a store now and then for as long as it runs."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from videlicet.store import Store

#: Seconds between two looks at what has expired, and at what others have erased.
EVERY = 30.0
#: After so many of them a worker builds the indexes that are due.
BUILD_AFTER = 10

_log = logging.getLogger(__name__)


class StoreMaintenance:
    """Deletes what has expired, finishes erasures, evicts this machine's copies of what is gone,
    and with ``builds`` builds the indexes that are due; a context manager."""

    def __init__(self, store: Store, *, builds: bool = False) -> None:
        self._store = store
        self._builds = builds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="maintenance", daemon=True)

    def __enter__(self) -> StoreMaintenance:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        rounds = 0
        while not self._ended.wait(EVERY):
            rounds += 1
            try:
                self._store.evict_stale_copies()
                if self._builds and rounds % BUILD_AFTER == 0:
                    self._store.build_due_indexes()
            except Exception as error:
                # No fault may end this thread: the next round tries again.
                _log.error("the store is not maintained", exc_info=error)
