"""Taking recordings in while tools go on being answered."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from videlicet.mcp.context import index_to_fill
from videlicet.rights import Grant, Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from videlicet.jobs.client import WorkerPool
    from videlicet.media.sources import SourceItem
    from videlicet.settings import Settings
    from videlicet.store import Store
    from videlicet.types import Index, Task

#: Seconds between two looks at whether all is done.
POLL_INTERVAL = 0.5
_GRANT = Grant("mcp", Purpose.INGEST)


class BackgroundIndexing:
    """Holds a store open for writing, with a worker process, from the first thing that is added
    until nothing is left to do."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._store: Store | None = None
        self._workers: WorkerPool | None = None
        self._tasks: set[str] = set()

    def add(self, index: str | None, sources: Sequence[SourceItem]) -> tuple[Index, list[Task]]:
        """A task for each source that can be read.

        Raises:
            Conflict: ``database_locked``.
            NotFound: ``index_not_found``.
        """
        from videlicet.ingest.tasks import submit
        from videlicet.store import open_store
        from videlicet.store.secret import server_secret

        with self._lock:
            if self._store is None:
                if self._settings.database_url:
                    server_secret(self._settings)  # the worker would not begin without
                self._store = open_store(self._settings, write=True, create=True)
            try:
                target = index_to_fill(
                    self._store.catalog,
                    self._store.scope(_GRANT.narrowed(Purpose.INDEX)),
                    self._settings,
                    index,
                )
                tasks = submit(self._store.scope(_GRANT), self._store, target, sources)
                self._tasks |= {task.id for task in tasks}
            finally:
                self._go_on()
            return target, tasks

    def close(self) -> None:
        """Stop. What is unfinished goes on with whoever writes next."""
        self._closed.set()
        with self._lock:
            self._end()

    def _go_on(self) -> None:
        """Have what waits be worked on, or let go of the store where nothing does."""
        from videlicet.jobs.client import WorkerPool
        from videlicet.telemetry.logs import relay

        assert self._store is not None
        if self._workers is not None:
            self._workers.notify()
        elif self._busy():
            self._workers = WorkerPool(self._store, self._settings, niceness=0, log=relay)
            self._workers.start()
            threading.Thread(target=self._watch, name="work", daemon=True).start()
        else:
            self._end()

    def _watch(self) -> None:
        while not self._closed.wait(POLL_INTERVAL):
            with self._lock:
                if self._workers is None or not self._busy():
                    self._end()
                    return

    def _busy(self) -> bool:
        """Whether anything is unfinished that nobody else works on."""
        from videlicet.ingest.tasks import unfinished_tasks

        assert self._store is not None
        waiting = {task.id for task in unfinished_tasks(self._store.scope(_GRANT), self._store)}
        return bool(waiting & self._tasks if self._store.database.shared else waiting)

    def _end(self) -> None:
        if self._workers is not None:
            self._workers.stop()
            self._workers = None
        if self._store is not None:
            self._store.close()
            self._store = None
        self._tasks.clear()
