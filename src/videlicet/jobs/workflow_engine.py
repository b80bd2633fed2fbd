"""The books of the durable workflow: which task has been brought how far.

DBOS keeps them in ``jobs.sqlite``, or beside the catalog in a database that is shared, as JSON and
never as pickles. What users see of a task is in the catalog; the books are only needed until a task
ends, and are then erased, because they name what was taken in.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dbos import DBOS
from dbos._serialization import DBOSPortableJSON
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from videlicet.analysis_jobs import analyses
from videlicet.errors import NotFound, StoreError, VidelicetError
from videlicet.ingest.files import PROCESSING
from videlicet.ingest.gc import LIVE, sweep_old
from videlicet.jobs.workflows import (
    ANALYSIS_QUEUE,
    ANALYZE,
    DELIVERY_QUEUE,
    EMBED,
    PREPARE,
    QUEUE,
    SHORT_QUEUE,
    TRY,
    WORKFLOW,
    enqueue_try,
    try_id,
    workflow_id,
)
from videlicet.saved_searches.evaluator import due_in as trial_due_in
from videlicet.store.catalog.slots import chunked
from videlicet.store.home import translate
from videlicet.types import Kind
from videlicet.webhooks.delivery import due_in

if TYPE_CHECKING:
    from dbos import DBOSConfig

    from videlicet.jobs.context import Runtime
    from videlicet.types import Resource

#: Never changed: a workflow begun by an older program goes on in a newer one.
APPLICATION_VERSION = "1"
#: The worker of a data directory; those on a shared database have names of their own.
EXECUTOR = "worker"
#: Addresses that are being told of events at once.
DELIVERIES = 32
BOOKS, SCHEMA = "jobs.sqlite", "dbos"
#: Connections to a shared database that the books keep, and most beside these.
_CONNECTIONS = 4, 12
#: Seconds between two looks at a queue: a file of one's own, a database that others ask too.
POLL, POLL_SHARED = 0.05, 0.5
#: Seconds between two erasures, and for which the end waits for workflows to end.
ERASE_EVERY, PATIENCE = 5.0, 2.0
#: Seconds between two clearings of what nobody waits for any more.
SWEEP_EVERY = 600.0
_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_UNDER_WAY = ["ENQUEUED", "PENDING"]

_log = logging.getLogger(__name__)


class Books:
    """Open from :meth:`open` to :meth:`close`; one per process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._shared = runtime.presence is not None
        self.executor = EXECUTOR if runtime.presence is None else runtime.presence.executor
        self._engine = _engine(runtime)
        self._closed = threading.Event()
        #: Two at once could erase what the other has just begun.
        self._enqueuing = threading.Lock()
        self._keeper = threading.Thread(target=self._keep, name="books", daemon=True)

    def open(self) -> None:
        """Start the queue. Workflows that an earlier process on the same data directory left
        unfinished are recovered.

        Raises:
            StoreError: ``database_corrupt``, ``disk_full``, ``store_not_writable`` or
                ``store_unreachable``.
        """
        try:
            self._open()
        except DBAPIError as error:
            raise fault(error, self._runtime) from error

    def _open(self) -> None:
        config: DBOSConfig = {
            "name": "videlicet",
            "system_database_url": self._engine.url.render_as_string(hide_password=False),
            "system_database_engine": self._engine,
            "dbos_system_schema": SCHEMA,
            "application_version": APPLICATION_VERSION,
            "executor_id": self.executor,
            "serializer": DBOSPortableJSON,
            "log_level": "WARNING",
            # Nothing is sent between workflows.
            "use_listen_notify": not self._shared,
            "notification_listener_polling_interval_sec": 1.0 if self._shared else 0.1,
            "scheduler_polling_interval_sec": 3600.0,
        }
        DBOS(config=config)
        DBOS.launch()
        most = self._runtime.settings.max_tasks_per_tenant
        for queue, concurrency, of_tenant in (
            # One place more than a tenant may take: another need not wait for whole films.
            (QUEUE, most + 1, most), (SHORT_QUEUE, most + 1, most),
            (ANALYSIS_QUEUE, most + 1, most), (DELIVERY_QUEUE, DELIVERIES, None),
        ):  # fmt: skip
            DBOS.register_queue(
                queue,
                worker_concurrency=concurrency,
                partition_worker_concurrency=of_tenant,
                polling_interval_sec=POLL_SHARED if self._shared else POLL,
                on_conflict="always_update",
            )
        self.erase_ended()
        self._keeper.start()

    def close(self) -> bool:
        """Stop the queue, leaving nothing in the books of tasks that have ended; whether work is
        broken off by it."""
        self._closed.set()
        self._runtime.stirred.set()
        self._keeper.join()
        deadline = time.monotonic() + PATIENCE
        # A task tells its end a moment before its workflow has ended.
        while (busy := self._busy()) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.erase_ended()
        DBOS.destroy()
        self._engine.dispose()
        return busy

    def _busy(self) -> bool:
        """Whether work is under way here; where there is no other worker, or waits."""
        if self._shared:
            found = DBOS.list_workflows(status="PENDING", executor_id=self.executor, limit=1)
        else:
            found = DBOS.list_workflows(status=_UNDER_WAY, limit=1)
        return bool(found)

    def enqueue(self, *, wait: bool = True) -> None:
        """See that all unfinished work has a workflow. What has one keeps it. Without ``wait`` it
        is left to another worker that is at it."""
        with self._alone(wait) as alone:
            if alone:
                self._enqueue_tasks()
                self._enqueue_resources()

    @contextmanager
    def _alone(self, wait: bool) -> Iterator[bool]:
        """Keep everybody else from beginning and erasing workflows."""
        with self._enqueuing:
            if self._runtime.presence is None:
                yield True
            else:
                with self._runtime.presence.holding("books", wait=wait) as got:
                    yield got

    def _enqueue_resources(self) -> None:
        for workflow, queue, found in (
            (PREPARE, SHORT_QUEUE, self._waiting(Kind.FILE)),
            (EMBED, SHORT_QUEUE, self._waiting(Kind.EMBEDDING)),
            (ANALYZE, ANALYSIS_QUEUE, analyses.waiting(self._runtime)),
        ):
            waiting = {f"{workflow}.{one.id}": one for one in found}
            for id, one in self._startable(waiting):
                DBOS.enqueue_workflow_with_options(
                    {
                        "queue_name": queue,
                        "workflow_name": workflow,
                        "workflow_id": id,
                        "queue_partition_key": one.tenant,
                    },
                    one.tenant,
                    one.id,
                )
        trials = {
            f"{TRY}.{one.id}.{one.body['attempts']}": one for one in self._waiting(Kind.TRIAL)
        }
        for id, one in self._startable(trials):
            DBOS.enqueue_workflow_with_options(
                {
                    "queue_name": SHORT_QUEUE,
                    "workflow_name": TRY,
                    "workflow_id": id,
                    "queue_partition_key": one.tenant,
                    "delay_seconds": trial_due_in(one),
                },
                one.tenant,
                one.id,
            )
        deliveries = {
            try_id(one.id, int(one.body["attempts"])): one for one in self._waiting(Kind.DELIVERY)
        }
        for _, one in self._startable(deliveries):
            tries = int(one.body["attempts"])
            enqueue_try(one.tenant, one.id, tries, due_in(self._runtime.settings, one))

    def _waiting(self, kind: Kind) -> list[Resource]:
        return self._runtime.store.catalog.find_resources(
            self._runtime.scope, kind, status=[PROCESSING], ascending=True
        )[0]

    def _startable(self, waiting: dict[str, Resource]) -> Iterator[tuple[str, Resource]]:
        """Those whose workflow may be begun: there is none yet, or it ended without telling the
        catalog."""
        standing = _standing(waiting)
        for id, one in waiting.items():
            known = standing.get(id)
            if known is not None and known not in _ENDED:
                continue
            try:
                # A workflow tells the catalog before it ends: this is what it said.
                now = self._runtime.store.catalog.resource(self._runtime.scope, one.kind, one.id)
            except NotFound:
                continue
            if now.status not in (PROCESSING, analyses.PENDING) or now.body.get(
                "attempts"
            ) != one.body.get("attempts"):
                continue
            if known is not None:
                DBOS.delete_workflows([id])
            yield id, one

    def _enqueue_tasks(self) -> None:
        catalog, scope = self._runtime.store.catalog, self._runtime.scope
        waiting = [t for status in LIVE for t in reversed(catalog.tasks(scope, status=status))]
        standing = _standing(workflow_id(task.id, task.attempts) for task in waiting)
        for task in waiting:
            known = standing.get(workflow_id(task.id, task.attempts))
            if known is not None and known not in _ENDED:
                continue
            try:
                now = catalog.task(scope, task.id)
            except NotFound:
                continue
            if now.status.ended or now.attempts != task.attempts:
                continue
            attempts = task.attempts
            if known is not None:
                # It ended without telling the catalog, as when the disk was full to the brim.
                attempts += 1
                catalog.update_task(scope, task.id, attempts=attempts)
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
        with self._alone(wait=True):
            ended = DBOS.list_workflows(status=_ENDED, load_input=False, load_output=False)
            if ended:
                DBOS.delete_workflows([workflow.workflow_id for workflow in ended])

    def _keep(self) -> None:
        stirred = self._runtime.stirred
        erased = swept = time.monotonic()
        while not self._closed.is_set():
            stirred.wait(ERASE_EVERY)
            stirred.clear()
            if self._closed.is_set():
                return
            try:
                if self._shared:
                    # Others hand work in, and one that dies says nothing.
                    self.enqueue(wait=False)
                else:
                    # Standing queries are saved beside this process too.
                    with self._enqueuing:
                        self._enqueue_resources()
                if time.monotonic() - erased >= ERASE_EVERY:
                    erased = time.monotonic()
                    self.erase_ended()
                if not self._shared and time.monotonic() - swept >= SWEEP_EVERY:
                    swept = time.monotonic()
                    sweep_old(self._runtime.scope, self._runtime.store)
            except Exception as error:
                # As when the disk is full: the next to stir, or the next worker, sees to it. No
                # fault may end this thread: the worker would look alive and take nothing in.
                _log.error("new work waits", exc_info=error)


def _standing(ids: Iterable[str]) -> dict[str, str]:
    """Where workflows stand, of those that there are."""
    return {
        found.workflow_id: found.status
        for some in chunked(ids)
        for found in DBOS.list_workflows(workflow_ids=some, load_input=False, load_output=False)
    }


def fault(error: DBAPIError, runtime: Runtime) -> VidelicetError:
    """Our error for books that cannot be read or written."""
    settings, database = runtime.settings, runtime.store.database
    if database.shared:
        known = database.fault(error)
    else:
        cause = error.orig if isinstance(error.orig, sqlite3.Error) else sqlite3.Error(str(error))
        known = translate(cause, settings.home)
    assert isinstance(known, VidelicetError)
    if database.shared or known.code != "database_corrupt":
        return known
    path = settings.home / BOOKS
    return StoreError(
        "database_corrupt",
        f"The books of unfinished work cannot be used: {error.orig}.",
        subject=str(path),
        remedy=f"Delete {path}; no task is lost with it.",
    )


def _engine(runtime: Runtime) -> Engine:
    """The engine of the books' database."""
    from videlicet.store.database.postgres import PostgresDatabase

    database = runtime.store.database
    if isinstance(database, PostgresDatabase):
        return database.another_engine(*_CONNECTIONS)
    # Like the one DBOS would make, but what is deleted is overwritten.
    engine = create_engine(f"sqlite:///{runtime.settings.home / BOOKS}", pool_size=16)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout = 30000", "foreign_keys = ON", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
