"""What all requests share: the store, the encoders, and the worker that does the heavy work."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING

from videlicet.api.media.segments import Segments
from videlicet.api.media.signing import Signer
from videlicet.api.once import Answers
from videlicet.api.operations.metrics import Metrics
from videlicet.api.v1.evaluating import Evaluations
from videlicet.errors import InvalidInput, NotFound, VidelicetError
from videlicet.ingest.backfill import adopt
from videlicet.ingest.gc import sweep_incoming
from videlicet.ingest.progress import Progress
from videlicet.jobs.client import WorkerPool
from videlicet.jobs.maintenance import StoreMaintenance
from videlicet.models.registry import load as load_model
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.search.encode import Encoders
from videlicet.search.engine import Searcher
from videlicet.settings import Settings
from videlicet.store import open_store
from videlicet.store.secret import server_secret
from videlicet.telemetry.logs import relay
from videlicet.types import Index, Kind

if TYPE_CHECKING:
    from anyio import CapacityLimiter

#: The worker gives way to searches.
NICENESS = 10

_SERVER = Grant("server", Purpose.MANAGE, EVERY_TENANT)


class Service:
    """One per server process, with so many workers of its own; a context manager. Its methods may
    be called from any thread.

    Raises:
        InvalidInput: ``invalid_argument``, for settings or workers that do not go together.
    """

    def __init__(self, settings: Settings, workers: int = 1) -> None:
        if workers != 1 and not settings.database:
            raise InvalidInput(
                "invalid_argument",
                "A data directory has one worker; any other number needs the setting database.",
                subject="workers",
            )
        self.settings = settings
        if settings.database:
            server_secret(settings)  # must be given: nothing is to be opened without
        self.store = open_store(settings, write=True, create=True)
        self.started = time.time()
        self._encoders: dict[tuple[tuple[str, str], ...], Encoders] = {}
        self._searchers: dict[str, Searcher] = {}
        self._lock = threading.Lock()
        self.signer = Signer(server_secret(settings))
        self.segments = Segments(self.store.home.cache, settings.media_cache, self._has)
        self.answers = Answers(self.store, settings)
        #: Held by whoever examines the data directory: one at a time is enough.
        self.examining = threading.Lock()
        self.work = WorkerPool(
            self.store, settings, workers, niceness=NICENESS, log=relay,
            on_start=lambda: self.metrics.workers.inc(),
            on_event=lambda event: self.metrics.told(Progress.from_json(event)),
        )  # fmt: skip
        self.metrics = Metrics(self.store, self.work)
        self._maintenance = StoreMaintenance(self.store)
        self.evaluations = Evaluations(self)

    def __enter__(self) -> Service:
        adopt(Grant("server", Purpose.MANAGE), self.store)
        if not self.store.database.shared:
            sweep_incoming(self.settings)
        self.segments.load()
        self.work.start()
        self._maintenance.__enter__()
        self.evaluations.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.evaluations.stop()
        self._maintenance.__exit__(kind, error, trace)
        self.work.stop()
        self.store.close()

    @cached_property
    def probing(self) -> CapacityLimiter:
        """Threads for who asks whether all is well, beside those that requests work in."""
        from anyio import CapacityLimiter

        return CapacityLimiter(2)

    @cached_property
    def analysing(self) -> CapacityLimiter:
        """Threads for analyses that somebody waits for, so that searches find theirs free. They
        may wait for a language model, so there are more than cores."""
        from anyio import CapacityLimiter

        return CapacityLimiter(8)

    def missing(self) -> list[str]:
        """What is not ready: ``worker``, ``store``."""
        found = [] if self.work.alive else ["worker"]
        try:
            self.store.catalog.count_tasks(_SERVER)
        except VidelicetError:
            found.append("store")
        return found

    def _has(self, asset_id: str) -> bool:
        try:
            self.store.catalog.resource(_SERVER, Kind.FILE, asset_id)
        except NotFound:
            return False
        return True

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
