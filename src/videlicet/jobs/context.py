"""What all jobs of one worker process share: the store, the lease, and the line to the client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from videlicet.jobs.lease import WorkerLease
    from videlicet.rights import Scope
    from videlicet.settings import Settings
    from videlicet.store import Store

#: Takes one event about a job, as JSON, to the client.
Emit = Callable[[Mapping[str, Any]], None]


class WorkerContext:
    """One per worker process; every method may be called from any thread.

    ``work_available`` is set when there may be jobs that have no workflow yet. ``lease`` is there
    where other workers may be at the same store.
    """

    def __init__(
        self,
        scope: Scope,
        store: Store,
        settings: Settings,
        emit: Emit,
        work_available: threading.Event,
        lease: WorkerLease | None,
    ) -> None:
        self.scope = scope
        self.store = store
        self.settings = settings
        self.emit = emit
        self.work_available = work_available
        self.lease = lease
        self._busy: set[str] = set()
        self._freed = threading.Condition()
        self._closed = threading.Event()

    def close(self) -> None:
        self._closed.set()

    @property
    def closing(self) -> bool:
        """Whether the worker is being stopped: a job that has only begun is left to the next."""
        return self._closed.is_set()

    def tenant_scope(self, tenant: str) -> Scope:
        """The worker's scope within one tenant."""
        return self.store.scope(self.scope.within(tenant))

    @contextmanager
    def exclusive(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold a lock by name, here and among all workers. False where another has it and ``wait``
        is off."""
        with self._freed:
            while wait and name in self._busy:
                self._freed.wait()
            if free := name not in self._busy:
                self._busy.add(name)
        if not free:
            yield False
            return
        try:
            if self.lease is None:
                yield True
            else:
                with self.lease.acquire(name, wait=wait) as acquired:
                    yield acquired
        finally:
            with self._freed:
                self._busy.discard(name)
                self._freed.notify_all()

    def require_lease(self) -> None:
        """End this process if other workers may take it for gone."""
        if self.lease is not None:
            self.lease.require()
