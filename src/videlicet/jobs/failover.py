"""Taking up what workers that are gone have left, without anybody leading."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from dbos import DBOS

if TYPE_CHECKING:
    from videlicet.jobs.lease import WorkerLease

#: Seconds between two looks at whether the workers that have work are still there.
EVERY = 1.0
#: Seconds that pass before the work of one that is gone is taken up: longer than one that only lost
#: its session needs to notice and to end.
GRACE = 1.0

_log = logging.getLogger(__name__)


class FailoverMonitor:
    """A thread of a worker on a shared store, from :meth:`start` to :meth:`stop`. The engine must
    be open; ``recovered`` is called when workflows are back in their queues."""

    def __init__(self, lease: WorkerLease, recovered: Callable[[], None]) -> None:
        self._lease = lease
        self._recovered = recovered
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="failover", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(EVERY):
            try:
                self._look()
            except Exception as error:
                # No fault may end this thread: the work of dead workers would never be taken up.
                _log.error("cannot look after other workers", exc_info=error)

    def _look(self) -> None:
        begun = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        others = {one.executor_id for one in begun if one.executor_id is not None}
        for other in sorted(others - {self._lease.worker_id}):
            with self._lease.take_over(other) as gone:
                if not gone:
                    continue
                if self._stopped.wait(GRACE):
                    return
                # They wait in their queues again, with every step that was finished.
                DBOS._recover_pending_workflows([other])
                _log.warning("a worker is gone; its work is taken up", extra={"worker": other})
                self._recovered()
