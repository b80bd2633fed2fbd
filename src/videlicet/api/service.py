"""What all requests share: the store, the encoders, and the worker that does the heavy work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from types import TracebackType

from videlicet.api.metrics import Metrics
from videlicet.api.once import Answers
from videlicet.api.signing import Signer
from videlicet.api.v1.evaluating import Evaluations
from videlicet.errors import TaskError, VidelicetError
from videlicet.ingest.adopt import adopt
from videlicet.ingest.client import Worker
from videlicet.models.registry import load as load_model
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.search.encode import Encoders
from videlicet.search.engine import Searcher
from videlicet.settings import Settings
from videlicet.store import open_store
from videlicet.store.secret import server_secret
from videlicet.types import Index

#: The worker gives way to searches.
NICENESS = 10
#: Seconds that the worker has to end in good order.
PATIENCE = 5.0
#: Seconds to wait before a worker that died is started again: first, and at most.
_PAUSE, _LONGEST_PAUSE = 0.5, 30.0

_log = logging.getLogger(__name__)


class Service:
    """One per server process; a context manager. Its methods may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = open_store(settings, write=True, create=True)
        self.started = time.time()
        self._encoders: dict[tuple[tuple[str, str], ...], Encoders] = {}
        self._searchers: dict[str, Searcher] = {}
        self._lock = threading.Lock()
        self.signer = Signer(server_secret(settings))
        self.metrics = Metrics(self.store)
        self.answers = Answers(self.store, settings)
        #: Held by whoever examines the data directory: one at a time is enough.
        self.examining = threading.Lock()
        self.work = Work(settings, self)
        self.evaluations = Evaluations(self)

    def __enter__(self) -> Service:
        adopt(Grant("server", Purpose.MANAGE), self.store)
        self.work.start()
        self.evaluations.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.evaluations.stop()
        self.work.stop()
        self.store.close()

    def encoders(self, cards: Mapping[str, str]) -> Encoders:
        """The query encoders of a set of model cards, loaded when they are first needed."""
        key = tuple(sorted(cards.items()))
        with self._lock:
            if key not in self._encoders:
                chosen = dict(cards)
                self._encoders[key] = Encoders(lambda role: load_model(chosen[role], self.settings))
            return self._encoders[key]

    def searcher(self, index: Index) -> Searcher:
        """What searches an index; it keeps what it has learned of it."""
        encoders = self.encoders(index.cards)
        with self._lock:
            if index.id not in self._searchers:
                self._searchers[index.id] = Searcher(self.store, encoders, self.settings)
            return self._searchers[index.id]


class Work:
    """Keeps one worker process running, and wakes it when there is something to do."""

    def __init__(self, settings: Settings, service: Service) -> None:
        self._settings = settings
        self._service = service
        self._grant = Grant("server", Purpose.INGEST, EVERY_TENANT)
        self._stopping = threading.Event()
        self._worker: Worker | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="work", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether a worker is at work or waits for some."""
        return self._worker is not None

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Say that there is new work. Without a worker it is found when the next one starts."""
        with self._lock:
            if self._worker is not None:
                try:
                    self._worker.enqueue()
                except VidelicetError:
                    return  # it has just died; its successor looks for itself

    def stop(self) -> None:
        """End the worker. What is under way goes on when the next server starts."""
        self._stopping.set()
        with self._lock:
            if self._worker is not None:
                self._worker.finish(PATIENCE)
        self._thread.join()

    def _run(self) -> None:
        pause = _PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._one()
            except VidelicetError as error:
                if not self._stopping.is_set():
                    _log.error("worker ended: %s", error.code)
            pause = (
                _PAUSE
                if time.monotonic() - began > _LONGEST_PAUSE
                else min(2 * pause, _LONGEST_PAUSE)
            )
            self._stopping.wait(pause)

    def _one(self) -> None:
        with Worker(self._grant, self._service.store, self._settings, niceness=NICENESS) as worker:
            with self._lock:
                self._worker = worker
            if self._stopping.is_set():
                return
            try:
                for _ in worker.news():
                    continue
            finally:
                with self._lock:
                    self._worker = None
        raise TaskError("worker_died", "The worker ended.")
