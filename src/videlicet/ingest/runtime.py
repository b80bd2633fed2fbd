"""What the tasks of one worker process share: store, models, cores, and the wire to the client."""

from __future__ import annotations

import itertools
import resource
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.errors import Conflict, NotFound, VidelicetError
from videlicet.ingest.leftovers import LIVE
from videlicet.ingest.passes.pool import UnitPool
from videlicet.ingest.plan import Models
from videlicet.ingest.progress import Progress, pace
from videlicet.settings import cores
from videlicet.types import Status, Task

if TYPE_CHECKING:
    from videlicet.rights import Grant
    from videlicet.settings import Settings
    from videlicet.store import Store

#: Seconds between two looks at whether somebody cancelled a task.
WATCH_EVERY = 0.25
#: Seconds between two pieces of news, and between two notes in the catalog for other processes.
NEWS_EVERY, NOTE_EVERY = 0.1, 1.0
#: How each role of an index's cards is named in :class:`Models`.
ROLES = ("text", "vision", "reader", "speech", "sound")


class Runtime:
    """One per worker process; every method may be called from any thread."""

    def __init__(
        self,
        grant: Grant,
        store: Store,
        settings: Settings,
        emit: Callable[[Progress], None],
    ) -> None:
        self.grant = grant
        self.store = store
        self.settings = settings
        self.emit = emit
        self.pool = UnitPool(settings.threads or cores())
        self._orders = itertools.count()
        self._models: dict[str, Any] = {}
        self._loading = threading.Lock()
        self._warming: threading.Thread | None = None
        self._cancelled: dict[str, threading.Event] = {}
        self._busy: set[tuple[str, str]] = set()
        self._freed = threading.Condition()
        self._closed = threading.Event()
        #: Set when there is new short work that nobody outside knows of.
        self.stirred = threading.Event()
        self._watch = threading.Thread(target=self._watch_tasks, name="cancel-watch", daemon=True)
        self._watch.start()

    def close(self) -> None:
        self._closed.set()
        self._watch.join()
        self.pool.close()

    @property
    def closing(self) -> bool:
        """Whether the worker is being stopped: what has only begun is better left for the next."""
        return self._closed.is_set()

    def order(self) -> int:
        """A number for the next task: units of earlier tasks run first."""
        return next(self._orders)

    def models(self, cards: Mapping[str, str]) -> Models:
        """The models of an index, loaded once for each card."""
        from videlicet.models.registry import load

        with self._loading:
            for role in ROLES:
                if role in cards and cards[role] not in self._models:
                    self._models[cards[role]] = load(cards[role], self.settings)
            return Models(**{role: self._models[cards[role]] for role in ROLES if role in cards})

    def warm_up(self) -> None:
        """Begin to load the models that waiting tasks will need, in the background."""
        catalog = self.store.catalog
        waiting = {t.index_id for s in LIVE for t in catalog.tasks(self.grant, status=s)}

        def load_all() -> None:
            for index_id in sorted(waiting):
                try:
                    self.models(catalog.index(self.grant, index_id).cards)
                except VidelicetError:
                    continue  # the task that needs them will say so

        self._warming = threading.Thread(target=load_all, name="warm-up", daemon=True)
        self._warming.start()

    @property
    def warming(self) -> bool:
        """Whether models are still being loaded in the background."""
        return self._warming is not None and self._warming.is_alive()

    def enter(self, task_id: str) -> threading.Event:
        """What tells, from now on, that the task has been cancelled. One for each run: a task that
        is tried again is not the one that was cancelled."""
        event = self._cancelled[task_id] = threading.Event()
        return event

    def leave(self, task_id: str, event: threading.Event) -> None:
        """Forget a run that ended."""
        if self._cancelled.get(task_id) is event:
            del self._cancelled[task_id]

    def seize(self, index_id: str, asset_id: str) -> None:
        """Wait until no other task is at work on the same bytes for the same index."""
        with self._freed:
            while (index_id, asset_id) in self._busy:
                self._freed.wait()
            self._busy.add((index_id, asset_id))

    def release(self, index_id: str, asset_id: str) -> None:
        with self._freed:
            self._busy.discard((index_id, asset_id))
            self._freed.notify_all()

    def _watch_tasks(self) -> None:
        while not self._closed.wait(WATCH_EVERY):
            for task_id, event in list(self._cancelled.items()):
                try:
                    status = self.store.catalog.task(self.grant, task_id).status
                except NotFound:
                    # Whoever removed the asset removed its tasks too.
                    status = Status.CANCELLED
                except Conflict:
                    continue
                if status is Status.CANCELLED:
                    event.set()


class Reporter:
    """News of one task: to the client a few times a second, to the catalog once a second."""

    def __init__(self, runtime: Runtime, task: Task) -> None:
        self._runtime = runtime
        self._task = task
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._told = self._noted = 0.0
        self._lanes: dict[str, float] = {}

    def lane(self, name: str) -> Callable[[float], None]:
        """A lane of the pass; call what is returned with the seconds it is through."""
        self._lanes[name] = 0.0

        def advance(done: float) -> None:
            with self._lock:
                self._lanes[name] = max(self._lanes[name], done)
                self._tell()

        return advance

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told < NEWS_EVERY:
            return
        self._told = now
        total = self._task.total_s
        done = sum(self._lanes.values()) / len(self._lanes)
        if total is not None:
            done = min(done, total)
        rate, left = pace(done, now - self._began, total)
        task = replace(self._task, done_s=done)
        self._runtime.emit(Progress.of(task, rate=rate, left_s=left))
        if now - self._noted >= NOTE_EVERY:
            self._noted = now
            self._runtime.store.catalog.update_task(self._runtime.grant, task.id, done_s=done)


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
