"""What the tasks of one worker process share: store, models, cores, and the wire to the client."""

from __future__ import annotations

import itertools
import logging
import resource
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.errors import NotFound, VidelicetError
from videlicet.ingest.gc import LIVE
from videlicet.ingest.passes.pool import UnitPool
from videlicet.ingest.plan import Models
from videlicet.ingest.progress import Progress, pace
from videlicet.settings import cores
from videlicet.types import Status, Task

if TYPE_CHECKING:
    from videlicet.jobs.lease import Presence
    from videlicet.rights import Scope
    from videlicet.saved_searches.evaluator import Trials
    from videlicet.settings import Settings
    from videlicet.store import Store

#: Seconds between two looks at whether somebody cancelled a task.
WATCH_EVERY = 0.25
#: Seconds between two pieces of news, and between two notes in the catalog for other processes.
NEWS_EVERY, NOTE_EVERY = 0.1, 1.0
_log = logging.getLogger(__name__)


class Runtime:
    """One per worker process; every method may be called from any thread."""

    def __init__(
        self,
        scope: Scope,
        store: Store,
        settings: Settings,
        emit: Callable[[Progress], None],
        stirred: threading.Event,
        presence: Presence | None,
    ) -> None:
        self.scope = scope
        self.store = store
        self.settings = settings
        self.emit = emit
        #: Where other workers are at the same store.
        self.presence = presence
        self.pool = UnitPool(settings.threads or cores())
        self._orders = itertools.count()
        self._models: dict[str, Any] = {}
        self._loading = threading.Lock()
        self._warming: threading.Thread | None = None
        self._cancelled: dict[str, threading.Event] = {}
        self._busy: set[str] = set()
        self._freed = threading.Condition()
        self._closed = threading.Event()
        #: Set when there may be new work that the books do not know of.
        self.stirred = stirred
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
        """The models that observe for an index, loaded once for each card."""
        return Models.of(cards, self.model)

    def model(self, card: str) -> Any:
        """The model of a card."""
        from videlicet.models.registry import load

        with self._loading:
            if card not in self._models:
                self._models[card] = load(card, self.settings)
            return self._models[card]

    @cached_property
    def trials(self) -> Trials:
        """What tries standing queries."""
        from videlicet.saved_searches.evaluator import Trials

        return Trials(self.store, self.settings, self.model, self.alone)

    def warm_up(self) -> None:
        """Begin to load the models that waiting tasks will need, in the background."""
        catalog = self.store.catalog
        waiting = {t.index_id for s in LIVE for t in catalog.tasks(self.scope, status=s)}

        def load_all() -> None:
            for index_id in sorted(waiting):
                try:
                    self.models(catalog.index(self.scope, index_id).cards)
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

    @contextmanager
    def alone(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """Wait until nobody else, here or in another worker, is at work on what goes by a name, and
        keep others waiting meanwhile. False where somebody is and ``wait`` is off."""
        with self._freed:
            while wait and name in self._busy:
                self._freed.wait()
            if free := name not in self._busy:
                self._busy.add(name)
        if not free:
            yield False
            return
        try:
            if self.presence is None:
                yield True
            else:
                with self.presence.holding(name, wait=wait) as held:
                    yield held
        finally:
            with self._freed:
                self._busy.discard(name)
                self._freed.notify_all()

    def require_presence(self) -> None:
        """End this process if other workers may hold it for gone."""
        if self.presence is not None:
            self.presence.require()

    def _watch_tasks(self) -> None:
        while not self._closed.wait(WATCH_EVERY):
            for task_id, event in list(self._cancelled.items()):
                try:
                    status = self.store.catalog.task(self.scope, task_id).status
                except NotFound:
                    # Whoever removed the asset removed its tasks too.
                    status = Status.CANCELLED
                except VidelicetError:
                    continue  # the store is busy or out of reach for a moment
                except Exception as error:
                    # No fault may end this thread: nothing could be cancelled any more.
                    _log.error("cannot look whether work was cancelled", exc_info=error)
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
            self._runtime.store.catalog.update_task(self._runtime.scope, task.id, done_s=done)


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
