"""That a worker is alive, for the other workers of a shared store to see.

A worker holds a lock named after it in the database for as long as it lives. Whoever finds that
lock free knows that the worker is gone, without asking any clock; and everything else the worker
held went with it. A worker whose own session is lost ends at once, before others can take its work
up and both are at it.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from videlicet.errors import StoreError
from videlicet.store.database.worker_session import WorkerSession
from videlicet.types import random_id

if TYPE_CHECKING:
    from videlicet.store.database.postgres import PostgresDatabase

#: Seconds between two confirmations while work is under way, and between two tries to take a lock.
CONFIRM_EVERY, RETRY_EVERY = 0.25, 0.25
#: Seconds between two confirmations of a worker with nothing to do. Each step of a job asks first.
IDLE_CONFIRM_EVERY = 2.0
#: Seconds without an answer after which the session counts as lost. The server takes longer to
#: give a silent connection up.
SILENCE = 10.0
#: Exit code of a worker that lost its session.
LOST = 75

_log = logging.getLogger(__name__)


class WorkerLease:
    """One per worker process, from its making to :meth:`close`. ``on_notify`` is called when
    another process says that there is work.

    Raises:
        StoreError: ``store_unreachable``.
    """

    def __init__(self, database: PostgresDatabase, on_notify: Callable[[], None]) -> None:
        self.worker_id = random_id()
        #: Set while workflows run here.
        self.working = threading.Event()
        self._session = WorkerSession(database, on_notify)
        self._closed = threading.Event()
        self._confirmed = time.monotonic()
        self._session.try_lock(_lock_name(self.worker_id))
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for work, name in ((self._keep, "lease"), (self._watch, "lease-watch"))
        ]
        for thread in self._threads:
            thread.start()

    def require(self) -> None:
        """End this process unless it still holds its locks."""
        try:
            self._session.check_alive()
        except StoreError:
            self._lost()

    @contextmanager
    def acquire(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold a lock by name among all workers. False where another has it and ``wait`` is off.
        Threads of this process must not ask for the same name at once."""
        while not (acquired := self._try_acquire(name)) and wait:
            self._closed.wait(RETRY_EVERY)
        try:
            yield acquired
        finally:
            if acquired:
                try:
                    self._session.release(name)
                except StoreError:
                    self._lost()

    @contextmanager
    def take_over(self, worker_id: str) -> Iterator[bool]:
        """Hold the lock of a worker that is gone, so that one worker alone takes its work up. False
        where it is alive, or another is at it already."""
        with self.acquire(_lock_name(worker_id), wait=False) as gone:
            yield gone

    def close(self) -> None:
        """Let everything go."""
        self._closed.set()
        self._session.interrupt()
        for thread in self._threads:
            thread.join()
        self._session.close()

    def _try_acquire(self, name: str) -> bool:
        try:
            return self._session.try_lock(name)
        except StoreError:
            self._lost()
            raise

    def _keep(self) -> None:
        while not self._closed.is_set():
            # Notifications end the wait; what else arrives is an answer to another thread.
            self._session.wait(CONFIRM_EVERY if self.working.is_set() else IDLE_CONFIRM_EVERY)
            if self._closed.is_set():
                return
            self.require()
            self._confirmed = time.monotonic()

    def _watch(self) -> None:
        while not self._closed.wait(SILENCE / 4):
            # A process that was only held up is let ask first.
            if self._silent and not self._closed.wait(2 * CONFIRM_EVERY) and self._silent:
                self._lost()

    @property
    def _silent(self) -> bool:
        return time.monotonic() - self._confirmed > SILENCE

    def _lost(self) -> None:
        if self._closed.is_set():
            return
        _log.error("the database has lost this worker; it ends, and others take its work up")
        logging.shutdown()
        os._exit(LOST)


def _lock_name(worker_id: str) -> str:
    return f"worker {worker_id}"
