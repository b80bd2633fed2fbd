"""One pool of threads for every model, fed with single-threaded units of work.

Each unit (a batch of frames, a chunk of speech) runs on one core from start to end. That keeps the
cores busy whatever mix of work a video brings, and makes results independent of the number of
cores: a model that split one batch over threads could add its floats in another order.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable

from videlicet.errors import Cancelled


class UnitPool:
    """Runs units on ``threads`` threads: tenants take turns, and of each the unit of lowest
    ``priority`` goes first, then the oldest."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        #: What waits of each tenant, in the order of their turns.
        self._heaps: OrderedDict[str, list[tuple[tuple[int, ...], int, Callable[[], None]]]] = (
            OrderedDict()
        )
        self._sequence = itertools.count()
        self._ready = threading.Condition()
        self._closed = False
        self._workers = [
            threading.Thread(target=self._run, name=f"unit-{i}", daemon=True)
            for i in range(threads)
        ]
        for worker in self._workers:
            worker.start()

    def submit(self, priority: tuple[int, ...], unit: Callable[[], None], tenant: str = "") -> None:
        """Queue ``unit``, which must not raise."""
        with self._ready:
            if self._closed:
                raise RuntimeError("the pool is closed")
            heap = self._heaps.setdefault(tenant, [])
            heapq.heappush(heap, (priority, next(self._sequence), unit))
            self._ready.notify()

    def close(self) -> None:
        """Finish what was queued, then end the threads."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
        for worker in self._workers:
            worker.join()

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._heaps:
                    if self._closed:
                        return
                    self._ready.wait()
                tenant, heap = self._heaps.popitem(last=False)
                _, _, unit = heapq.heappop(heap)
                if heap:
                    self._heaps[tenant] = heap
            unit()
            # Frames must not outlive their unit while this thread waits for the next one.
            del unit


class TaskGroup:
    """The units of one pass over one file: bounded, cancellable, failing together.

    The first unit that fails stops the pass, and :meth:`shut_down` raises its error. ``cpu`` holds
    the processor seconds spent so far by lane.
    """

    def __init__(
        self, pool: UnitPool, order: int, stopped: Callable[[], bool], tenant: str = ""
    ) -> None:
        self._tenant = tenant
        self.cpu: dict[str, float] = defaultdict(float)
        self._pool = pool
        self._order = order
        self._stopped = stopped
        self._change = threading.Condition()
        self._waiting: dict[str, int] = defaultdict(int)
        self._error: BaseException | None = None

    @property
    def threads(self) -> int:
        """How many units run at once."""
        return self._pool.threads

    def submit(self, lane: str, rank: int, limit: int, unit: Callable[[], None]) -> None:
        """Queue ``unit`` once fewer than ``limit`` units of ``lane`` wait or run.

        Lower ``rank`` runs first. Raises what stopped the pass.
        """
        self.reserve(lane, limit)
        self.start(lane, rank, unit)

    def reserve(self, lane: str, limit: int) -> None:
        """Wait for room in ``lane`` and take it."""
        with self._change:
            self._check()
            while self._waiting[lane] >= limit:
                self._change.wait(0.2)
                self._check()
            self._waiting[lane] += 1

    def start(
        self,
        lane: str,
        rank: int,
        unit: Callable[[], None],
        after: Callable[[], None] | None = None,
    ) -> None:
        """Queue a unit whose room is taken; ``after`` runs when it ended, well or not. Where the
        pool is closed it ends at once, and the pass with it."""

        def run() -> None:
            began = time.thread_time()
            error: BaseException | None = None
            try:
                self.check()
                unit()
            except BaseException as raised:
                error = raised
            ended(error, time.thread_time() - began)

        def ended(error: BaseException | None, seconds: float) -> None:
            with self._change:
                self.cpu[lane] += seconds
                self._waiting[lane] -= 1
                self._error = self._error or error
                self._change.notify_all()
            if after is not None:
                after()

        # Work on pictures goes first: the decoder, which must never wait, feeds it, and sound
        # fills the gaps.
        try:
            self._pool.submit((rank, self._order), run, self._tenant)
        except RuntimeError:
            ended(Cancelled("cancelled", "The worker is being stopped."), 0.0)

    def add_cpu_time(self, lane: str, seconds: float) -> None:
        """Add processor seconds spent outside the pool."""
        with self._change:
            self.cpu[lane] += seconds

    def check(self) -> None:
        """Raise what stopped the pass, if anything did."""
        with self._change:
            self._check()

    def fail(self, error: BaseException) -> None:
        """Stop the pass; the first error wins."""
        with self._change:
            self._error = self._error or error
            self._change.notify_all()

    def drain(self) -> None:
        """Wait until no unit waits or runs, whatever became of them."""
        with self._change:
            while any(self._waiting.values()):
                self._change.wait()

    def finish(self) -> None:
        """Wait for every unit; raise the first error."""
        self.drain()
        self.check()

    def _check(self) -> None:
        if self._error is None and self._stopped():
            self._error = Cancelled("cancelled", "The task was cancelled.")
        if self._error is not None:
            raise self._error


class SerialQueue:
    """Units of one lane that run one at a time and in order: a model with a memory."""

    def __init__(self, crew: TaskGroup, lane: str, rank: int, limit: int) -> None:
        self._crew = crew
        self._lane = lane
        self._rank = rank
        self._limit = limit
        self._lock = threading.Lock()
        self._queue: deque[Callable[[], None]] = deque()
        self._running = False

    def submit(self, unit: Callable[[], None]) -> None:
        """Queue ``unit`` behind the strand's others; waits while too many do."""
        self._crew.reserve(self._lane, self._limit)
        with self._lock:
            self._queue.append(unit)
            if self._running:
                return
            self._running = True
        self._next()

    def _next(self) -> None:
        with self._lock:
            if not self._queue:
                self._running = False
                return
            unit = self._queue.popleft()
        self._crew.start(self._lane, self._rank, unit, self._next)
