"""Looking into a durable queue when there may be something in it, and rarely otherwise.

The thread of DBOS that takes workflows out of a queue sleeps for a fixed time between two looks.
Here it gets a signal to sleep on that ends its sleep when work was put into the queue and when a
place has become free. The other threads of DBOS that ask its database every second are ended: its
scheduler, its own queue, and what moves delayed workflows into their queues, which the engine does
when one is due.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from dbos._dbos import _get_dbos_instance
from dbos._queue import queue_worker_thread

if TYPE_CHECKING:
    from dbos import Queue

#: Seconds between two looks while something is expected: in a file of one's own, in a database that
#: others ask too.
FAST, FAST_SHARED = 0.05, 0.25
#: Seconds between two looks otherwise, in case a notification was lost.
SLOW, SLOW_SHARED = 60.0, 10.0
#: Seconds for which something is expected after a notification: a workflow frees its place a moment
#: after it has reported its end.
EXPECT = 1.0


class PollSignal:
    """What the thread of a queue sleeps on; replaces the event that DBOS stops it with."""

    def __init__(self, fast: float, slow: float) -> None:
        self._fast = fast
        self._slow = slow
        self._change = threading.Condition()
        self._stopped = False
        self._woken = False
        self._expected_until = 0.0
        #: How often the queue was looked into.
        self.polls = 0

    def is_set(self) -> bool:
        return self._stopped

    def set(self) -> None:
        with self._change:
            self._stopped = True
            self._change.notify_all()

    def wake(self) -> None:
        """Have the queue looked into now, and a few times more."""
        with self._change:
            self._woken = True
            self._expected_until = max(self._expected_until, time.monotonic() + EXPECT)
            self._change.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Sleep until the next look is due, whatever ``timeout`` says; whether the thread is to
        end."""
        with self._change:
            end = time.monotonic() + self._slow
            while not self._stopped and not self._woken:
                now = time.monotonic()
                if now < self._expected_until:
                    end = min(end, now + self._fast)
                if now >= end:
                    break
                self._change.wait(end - now)
            self._woken = False
            self.polls += 1
            return self._stopped


def end_polling() -> None:
    """End the threads of DBOS that ask for work whether there is any or not."""
    instance = _get_dbos_instance()
    for stop in (*instance.background_thread_stop_events, instance._background_jobs_stop_event):
        stop.set()


def release_delayed() -> None:
    """Move the workflows into their queues whose delay is over."""
    _get_dbos_instance()._sys_db.transition_delayed_workflows()


class QueuePoller:
    """The thread that takes workflows out of one queue."""

    def __init__(self, name: str, *, shared: bool) -> None:
        fast, slow = (FAST_SHARED, SLOW_SHARED) if shared else (FAST, SLOW)
        self.signal = PollSignal(fast, slow)
        self._name = name
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        self.signal.wake()

    def start(self, queue: Queue) -> None:
        self._thread = threading.Thread(
            target=queue_worker_thread,
            args=(self.signal, _get_dbos_instance(), queue),
            name=f"queue {self._name}",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        self.signal.set()
        if self._thread is not None:
            self._thread.join()
