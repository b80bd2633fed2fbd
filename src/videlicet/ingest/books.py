"""The books of the durable workflow: which task has been brought how far.

DBOS keeps them in ``jobs.sqlite``, as JSON and never as pickles. What users see of a task is in
the catalog; the books are only needed until a task ends, and are then erased, because they name
what was taken in.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

from dbos import DBOS
from dbos._serialization import DBOSPortableJSON
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from videlicet.errors import StoreError, VidelicetError
from videlicet.ingest.delivery import due_in
from videlicet.ingest.files import PROCESSING
from videlicet.ingest.leftovers import LIVE
from videlicet.ingest.workflow import (
    DELIVERY_QUEUE,
    EMBED,
    PREPARE,
    QUEUE,
    SHORT_QUEUE,
    WORKFLOW,
    enqueue_try,
    try_id,
    workflow_id,
)
from videlicet.store.home import translate
from videlicet.types import Kind

if TYPE_CHECKING:
    from dbos import DBOSConfig

    from videlicet.ingest.runtime import Runtime
    from videlicet.settings import Settings
    from videlicet.types import Resource

#: Never changed: a workflow begun by an older program goes on in a newer one.
APPLICATION_VERSION = "1"
EXECUTOR = "worker"
#: Addresses that are being told of events at once.
DELIVERIES = 32
BOOKS = "jobs.sqlite"
#: Seconds between two erasures, and for which the end waits for workflows to end.
ERASE_EVERY, PATIENCE = 5.0, 2.0
_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_UNDER_WAY = ["ENQUEUED", "PENDING"]

_log = logging.getLogger(__name__)


class Books:
    """Open from :meth:`open` to :meth:`close`; one per process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._engine = _engine(runtime.settings)
        self._closed = threading.Event()
        #: Two at once could erase what the other has just begun.
        self._enqueuing = threading.Lock()
        self._keeper = threading.Thread(target=self._keep, name="books", daemon=True)

    def open(self) -> None:
        """Start the queue. Workflows that an earlier process left unfinished are recovered.

        Raises:
            StoreError: ``store_damaged``, ``disk_full`` or ``store_not_writable``.
        """
        try:
            self._open()
        except DBAPIError as error:
            raise fault(error, self._runtime.settings) from error

    def _open(self) -> None:
        config: DBOSConfig = {
            "name": "videlicet",
            "system_database_url": f"sqlite:///{self._engine.url.database}",
            "system_database_engine": self._engine,
            "application_version": APPLICATION_VERSION,
            "executor_id": EXECUTOR,
            "serializer": DBOSPortableJSON,
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": 0.1,
            "scheduler_polling_interval_sec": 3600.0,
        }
        DBOS(config=config)
        DBOS.launch()
        most = self._runtime.settings.tenant_tasks
        for queue, concurrency, of_tenant in (
            # One place more than a tenant may take: another need not wait for whole films.
            (QUEUE, most + 1, most), (SHORT_QUEUE, most + 1, most),
            (DELIVERY_QUEUE, DELIVERIES, None),
        ):  # fmt: skip
            DBOS.register_queue(
                queue,
                worker_concurrency=concurrency,
                partition_worker_concurrency=of_tenant,
                polling_interval_sec=0.05,
                on_conflict="always_update",
            )
        self.erase_ended()
        self._keeper.start()

    def close(self) -> None:
        """Stop the queue, leaving nothing in the books of tasks that have ended."""
        self._closed.set()
        self._runtime.stirred.set()
        self._keeper.join()
        deadline = time.monotonic() + PATIENCE
        # A task tells its end a moment before its workflow has ended.
        while DBOS.list_workflows(status=_UNDER_WAY) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.erase_ended()
        DBOS.destroy()
        self._engine.dispose()

    def enqueue(self) -> None:
        """See that all unfinished work has a workflow. What has one keeps it."""
        with self._enqueuing:
            self._enqueue_tasks()
            self._enqueue_resources()

    def _enqueue_resources(self) -> None:
        for kind, workflow in ((Kind.FILE, PREPARE), (Kind.EMBEDDING, EMBED)):
            for one in self._waiting(kind):
                if self._startable(f"{workflow}.{one.id}"):
                    DBOS.enqueue_workflow_with_options(
                        {
                            "queue_name": SHORT_QUEUE,
                            "workflow_name": workflow,
                            "workflow_id": f"{workflow}.{one.id}",
                            "queue_partition_key": one.tenant,
                        },
                        one.tenant,
                        one.id,
                    )
        for one in self._waiting(Kind.DELIVERY):
            tries = int(one.body["attempts"])
            if self._startable(try_id(one.id, tries)):
                enqueue_try(one.tenant, one.id, tries, due_in(self._runtime.settings, one))

    def _waiting(self, kind: Kind) -> list[Resource]:
        return self._runtime.store.catalog.find_resources(
            self._runtime.grant, kind, status=[PROCESSING], ascending=True
        )[0]

    def _startable(self, workflow_id: str) -> bool:
        """Whether a workflow may be begun: there is none yet, or it ended without telling the
        catalog."""
        known = DBOS.get_workflow_status(workflow_id)
        if known is None:
            return True
        if known.status not in _ENDED:
            return False
        DBOS.delete_workflows([workflow_id])
        return True

    def _enqueue_tasks(self) -> None:
        catalog, grant = self._runtime.store.catalog, self._runtime.grant
        for status in LIVE:
            for task in reversed(catalog.tasks(grant, status=status)):
                attempts = task.attempts
                known = DBOS.get_workflow_status(workflow_id(task.id, attempts))
                if known is not None and known.status not in _ENDED:
                    continue
                if known is not None:
                    if catalog.task(grant, task.id).status.ended:
                        continue
                    # It ended without telling the catalog, as when the disk was full to the brim.
                    attempts += 1
                    catalog.update_task(grant, task.id, attempts=attempts)
                DBOS.enqueue_workflow_with_options(
                    {
                        "queue_name": QUEUE,
                        "workflow_name": WORKFLOW,
                        "workflow_id": workflow_id(task.id, attempts),
                        "queue_partition_key": task.tenant,
                    },
                    task.id,
                )

    def erase_ended(self) -> None:
        """Erase the workflows that have ended, bytes included."""
        ended = DBOS.list_workflows(status=_ENDED, load_input=False, load_output=False)
        if ended:
            DBOS.delete_workflows([workflow.workflow_id for workflow in ended])

    def _keep(self) -> None:
        stirred = self._runtime.stirred
        while not self._closed.is_set():
            if not stirred.wait(ERASE_EVERY):
                self.erase_ended()
                continue
            stirred.clear()
            if self._closed.is_set():
                return
            try:
                with self._enqueuing:
                    self._enqueue_resources()
            except (VidelicetError, DBAPIError) as error:
                # As when the disk is full: the next to stir, or the next worker, sees to it.
                _log.warning("deliveries wait: %s", type(error).__name__)


def fault(error: DBAPIError, settings: Settings) -> VidelicetError:
    """Our error for books that cannot be read or written."""
    cause = error.orig if isinstance(error.orig, sqlite3.Error) else sqlite3.Error(str(error))
    known = translate(cause, settings.home)
    assert isinstance(known, VidelicetError)
    if known.code != "store_damaged":
        return known
    path = settings.home / BOOKS
    return StoreError(
        "store_damaged",
        f"The books of unfinished work cannot be used: {cause}.",
        subject=str(path),
        remedy=f"Delete {path}; no task is lost with it.",
    )


def _engine(settings: Settings) -> Engine:
    """Like the engine DBOS would make, but what is deleted is overwritten."""
    engine = create_engine(f"sqlite:///{settings.home / BOOKS}", pool_size=16)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout = 30000", "foreign_keys = ON", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
