"""Taking up what workers that are gone have left, without anybody leading."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from dbos import DBOS

from videlicet.ingest.gc import sweep_shared

if TYPE_CHECKING:
    from videlicet.jobs.context import Runtime
    from videlicet.jobs.lease import Presence

#: Seconds between two looks at whether others are still there.
EVERY = 1.0
#: Seconds that pass before the work of one that is gone is taken up: longer than one that only lost
#: its session needs to notice and to end.
GRACE = 1.0
#: Seconds between two clearings of what no task owns any more.
SWEEP_EVERY = 60.0

_log = logging.getLogger(__name__)


class Neighbours:
    """A thread of a worker on a shared store. Its books must be open, from :meth:`start` to
    :meth:`stop`."""

    def __init__(self, runtime: Runtime, presence: Presence) -> None:
        self._runtime = runtime
        self._presence = presence
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="neighbours", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        swept = time.monotonic()
        while not self._stopped.wait(EVERY):
            try:
                self._look()
                if time.monotonic() - swept >= SWEEP_EVERY:
                    swept = time.monotonic()
                    sweep_shared(self._runtime)
            except Exception as error:
                # No fault may end this thread: the work of dead workers would never be taken up.
                _log.error("cannot look after other workers", exc_info=error)

    def _look(self) -> None:
        begun = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        others = {one.executor_id for one in begun if one.executor_id is not None}
        for other in sorted(others - {self._presence.executor}):
            with self._presence.instead_of(other) as gone:
                if not gone:
                    continue
                if self._stopped.wait(GRACE):
                    return
                # They wait in their queues again, with every step that was finished.
                DBOS._recover_pending_workflows([other])
                _log.warning("a worker is gone; its work is taken up", extra={"worker": other})
