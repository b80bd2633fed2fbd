"""Noticing that somebody cancelled a task that this process is at."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from videlicet.errors import NotFound, VidelicetError
from videlicet.types import Status

if TYPE_CHECKING:
    from videlicet.jobs.context import WorkerContext

#: Seconds between two looks at whether somebody cancelled a task.
WATCH_EVERY = 0.25

_log = logging.getLogger(__name__)


class CancellationMonitor:
    """A thread that looks at the tasks being worked on, while there are any."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._cancelled: dict[str, threading.Event] = {}
        self._change = threading.Condition()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cancellation", daemon=True)
        self._thread.start()

    def watch(self, task_id: str) -> threading.Event:
        """What is set once the task has been cancelled. One for each run: a task that is tried
        again is not the one that was cancelled."""
        with self._change:
            event = self._cancelled[task_id] = threading.Event()
            self._change.notify()
        return event

    def unwatch(self, task_id: str, event: threading.Event) -> None:
        """Forget a run that ended."""
        with self._change:
            if self._cancelled.get(task_id) is event:
                del self._cancelled[task_id]

    def close(self) -> None:
        self._closed.set()
        with self._change:
            self._change.notify()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(WATCH_EVERY):
            with self._change:
                while not self._cancelled:
                    if self._closed.is_set():
                        return
                    self._change.wait()
                watched = list(self._cancelled.items())
            for task_id, event in watched:
                if self._is_cancelled(task_id):
                    event.set()

    def _is_cancelled(self, task_id: str) -> bool:
        try:
            task = self._context.store.catalog.task(self._context.scope, task_id)
        except NotFound:
            # Whoever removed the asset removed its tasks too.
            return True
        except VidelicetError:
            return False  # the store is busy or out of reach for a moment
        except Exception as error:
            # No fault may end this thread: nothing could be cancelled any more.
            _log.error("cannot look whether work was cancelled", exc_info=error)
            return False
        return task.status is Status.CANCELLED
