"""The state of one server process: the platform that it serves, its workers, and what only HTTP
needs."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

from videlicet.api.media.segments import SegmentCache
from videlicet.api.media.signing import Signer
from videlicet.api.middleware.idempotency import IdempotentResponses
from videlicet.api.operations.metrics import Metrics
from videlicet.errors import InvalidInput, VidelicetError
from videlicet.evaluation.runner import EvaluationRunner
from videlicet.ingest.gc import sweep_incoming
from videlicet.ingest.progress import Progress
from videlicet.jobs.client import WorkerPool
from videlicet.jobs.maintenance import StoreMaintenance
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.services.platform import Platform
from videlicet.settings import Settings
from videlicet.store import open_store
from videlicet.store.secret import server_secret
from videlicet.telemetry.logs import relay

if TYPE_CHECKING:
    from anyio import CapacityLimiter

#: Workers run below the priority of searches.
NICENESS = 10

_SERVER = Grant("server", Purpose.MANAGE, EVERY_TENANT)


class ServerState:
    """Opens the store at once, so that one that cannot be used is reported before a port is taken;
    as a context manager it runs the workers, and closes the store at its end. Its methods may be
    called from any thread.

    Raises:
        InvalidInput: ``invalid_argument``, for settings or workers that do not go together.
    """

    def __init__(self, settings: Settings, workers: int = 1) -> None:
        if workers != 1 and not settings.database_url:
            raise InvalidInput(
                "invalid_argument",
                "A data directory has one worker; any other number needs the setting database_url.",
                subject="workers",
            )
        if settings.database_url:
            server_secret(settings)  # must be configured: no store is opened without
        store = open_store(settings, write=True, create=True)
        self.workers = WorkerPool(
            store, settings, workers, niceness=NICENESS, log=relay,
            on_start=lambda: self.metrics.workers.inc(),
            on_event=lambda event: self.metrics.observe_progress(Progress.from_json(event)),
        )  # fmt: skip
        self.metrics = Metrics(store, self.workers)
        self.platform = Platform(settings, store, self.workers)
        self.signer = Signer(server_secret(settings))
        self.segments = SegmentCache(store.home.cache, settings.media_cache, self._asset_exists)
        self.idempotent_responses = IdempotentResponses(store, settings)
        #: Held by whoever examines the data directory: one at a time is enough.
        self.doctor_lock = threading.Lock()
        self.evaluations = EvaluationRunner(self.platform)
        self._maintenance = StoreMaintenance(store)

    def __enter__(self) -> ServerState:
        store = self.platform.store
        if not store.database.shared:
            sweep_incoming(self.platform.settings)
        self.segments.load()
        self.workers.start()
        self._maintenance.__enter__()
        self.evaluations.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.evaluations.stop()
        self._maintenance.__exit__(*error)
        self.workers.stop()
        self.platform.store.close()

    @cached_property
    def probe_limiter(self) -> CapacityLimiter:
        """Threads for health probes, apart from those of requests."""
        from anyio import CapacityLimiter

        return CapacityLimiter(2)

    @cached_property
    def analysis_limiter(self) -> CapacityLimiter:
        """Threads for analyses that a client waits for, apart from those of searches. They may
        wait for a language model, so there are more than cores."""
        from anyio import CapacityLimiter

        return CapacityLimiter(8)

    def not_ready(self) -> list[str]:
        """What is not ready: ``worker``, ``store``."""
        found = [] if self.workers.alive else ["worker"]
        try:
            self.platform.store.ping()
        except VidelicetError:
            found.append("store")
        return found

    def _asset_exists(self, asset_id: str) -> bool:
        store = self.platform.store
        return bool(store.catalog.names(store.scope(_SERVER), [asset_id]))
