"""That a worker is there, for the other workers of a shared store to see.

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
from videlicet.store.database.session import Session
from videlicet.types import random_id

if TYPE_CHECKING:
    from videlicet.store.database.postgres import PostgresDatabase

#: Seconds between two beats, and between two looks at a lock that is taken.
BEAT, LOOK = 0.25, 0.25
#: Seconds without an answer after which the session counts as lost. The server takes longer to
#: give a silent connection up.
SILENCE = 10.0
#: Exit code of a worker that lost its session.
LOST = 75

_log = logging.getLogger(__name__)


class Presence:
    """One per worker process, from its making to :meth:`close`. ``heard`` is called when another
    process says that there is work.

    Raises:
        StoreError: ``store_unreachable``.
    """

    def __init__(self, database: PostgresDatabase, heard: Callable[[], None]) -> None:
        self.executor = random_id()
        self._session = Session(database, heard)
        self._closed = threading.Event()
        self._answered = time.monotonic()
        self._session.seize(_name(self.executor))
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for work, name in ((self._beat, "beat"), (self._watch, "beat-watch"))
        ]
        for thread in self._threads:
            thread.start()

    def require(self) -> None:
        """End this process unless it still holds what it holds."""
        try:
            self._session.beat()
        except StoreError:
            self._lost()

    @contextmanager
    def holding(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold a name that no other worker then holds. False where one does and ``wait`` is off.
        Threads of this process must not ask for the same name at once."""
        while not (got := self._seize(name)) and wait:
            self._closed.wait(LOOK)
        try:
            yield got
        finally:
            if got:
                try:
                    self._session.release(name)
                except StoreError:
                    self._lost()

    @contextmanager
    def instead_of(self, executor: str) -> Iterator[bool]:
        """Keep everybody else from seeing to the work of a worker that is gone. False where it is
        not, or where somebody sees to it already."""
        with self.holding(_name(executor), wait=False) as gone:
            yield gone

    def close(self) -> None:
        """Be gone."""
        self._closed.set()
        for thread in self._threads:
            thread.join()
        self._session.close()

    def _seize(self, name: str) -> bool:
        try:
            return self._session.seize(name)
        except StoreError:
            self._lost()
            raise

    def _beat(self) -> None:
        while not self._closed.wait(BEAT):
            self.require()
            self._answered = time.monotonic()

    def _watch(self) -> None:
        while not self._closed.wait(BEAT):
            # A process that was only held up is let ask first.
            if self._silent and not self._closed.wait(2 * BEAT) and self._silent:
                self._lost()

    @property
    def _silent(self) -> bool:
        return time.monotonic() - self._answered > SILENCE

    def _lost(self) -> None:
        if self._closed.is_set():
            return
        _log.error("the database has lost this worker; it ends, and others take its work up")
        logging.shutdown()
        os._exit(LOST)


def _name(executor: str) -> str:
    return f"worker {executor}"
