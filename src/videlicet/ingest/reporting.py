"""How far a task is, for the client and for other processes, and what it has cost."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.ingest.progress import Progress, estimate_rate

if TYPE_CHECKING:
    from videlicet.ingest.context import IngestContext
    from videlicet.types import Task

#: Seconds between two events for the client, and between two notes in the catalog for other
#: processes.
REPORT_EVERY, NOTE_EVERY = 0.1, 1.0


class ProgressReporter:
    """Reports one task: to the client a few times a second, to the catalog once a second."""

    def __init__(self, context: IngestContext, task: Task) -> None:
        self._context = context
        self._task = task
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._reported = self._noted = 0.0
        self._lanes: dict[str, float] = {}

    def lane(self, name: str) -> Callable[[float], None]:
        """A lane of the pass; call what is returned with the seconds it is through."""
        self._lanes[name] = 0.0

        def advance(done: float) -> None:
            with self._lock:
                self._lanes[name] = max(self._lanes[name], done)
                self._report()

        return advance

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported < REPORT_EVERY:
            return
        self._reported = now
        total = self._task.total_s
        done = sum(self._lanes.values()) / len(self._lanes)
        if total is not None:
            done = min(done, total)
        rate, left = estimate_rate(done, now - self._began, total)
        task = replace(self._task, done_s=done)
        self._context.report(Progress.of(task, rate=rate, left_s=left))
        if now - self._noted >= NOTE_EVERY:
            self._noted = now
            self._context.store.catalog.update_task(self._context.scope, task.id, done_s=done)


def processor_seconds() -> float:
    """Processor seconds of this process and its ended children so far. The speech models compute
    in threads of their own, which no unit's own count can see."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def peak_memory() -> int:
    """The largest resident size of this process so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: that begins with the size of the process that started this one.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
