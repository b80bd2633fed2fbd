"""The durable workflow engine: the progress of each job.

DBOS keeps that in ``jobs.sqlite``, or beside the catalog in a database that is shared, as JSON and
never as pickles. What users see of a job is in the catalog; the engine's rows are only needed until
a job ends, and are then erased, because they name what was taken in.

A step never raises what it means to report: its outcome, good or bad, is JSON that the next run of
the same workflow reads back instead of running the step again.
"""

from __future__ import annotations

import heapq
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dbos import DBOS
from dbos._serialization import DBOSPortableJSON
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from videlicet.errors import StoreError, TaskError, VidelicetError, from_json
from videlicet.jobs.instrumentation import step_span
from videlicet.jobs.polling import QueuePoller, end_polling, release_delayed
from videlicet.store.catalog.memberships import batched
from videlicet.store.database.worker_session import notify_workers
from videlicet.store.home import translate_error

if TYPE_CHECKING:
    from dbos import DBOSConfig

    from videlicet.jobs.context import WorkerContext
    from videlicet.jobs.kinds import JobKind, PendingJob

#: Never changed: a workflow begun by an older program goes on in a newer one.
APPLICATION_VERSION = "1"
#: The worker of a data directory; those on a shared database have names of their own.
EXECUTOR = "worker"
DATABASE, SCHEMA = "jobs.sqlite", "dbos"
#: Connections to a shared database that the engine keeps, and most beside these.
_CONNECTIONS = 4, 12
#: Seconds between two looks at the catalog where nobody says that there is work: others may have
#: died between accepting it and saying so.
LOOK_EVERY = 5.0
#: Seconds after which jobs that have a workflow are examined too: one may have ended without
#: a note in the catalog.
EXAMINE_EVERY = 60.0
#: Seconds between two erasures of workflows that have ended, and for which the end waits for some.
ERASE_EVERY, DRAIN_TIMEOUT = 5.0, 2.0
#: Seconds between two sweeps of the kinds: alone on a data directory, and beside other workers.
SWEEP_EVERY, SWEEP_EVERY_SHARED = 600.0, 60.0
#: Seconds after which work begins although something that was broken off is in no queue.
RECOVERY_TIMEOUT = 30.0
#: Seconds after which a delayed workflow is due for certain.
_MARGIN = 0.01
_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_UNDER_WAY = ["ENQUEUED", "PENDING"]

_log = logging.getLogger(__name__)


class WorkflowEngine:
    """Runs the jobs of some kinds, from :meth:`open` to :meth:`close`; one per process."""

    def __init__(self, context: WorkerContext, kinds: Sequence[JobKind]) -> None:
        self._context = context
        self._kinds = kinds
        self._lease = context.lease
        self.executor = EXECUTOR if self._lease is None else self._lease.worker_id
        self._engine = _engine(context)
        self._closed = threading.Event()
        #: Two threads at once could erase what the other has just begun.
        self._beginning = threading.Lock()
        #: Jobs that are known to have a workflow, by kind.
        self._begun: dict[str, set[str]] = {}
        self._examined = time.monotonic()
        self._running = 0
        self._count = threading.Lock()
        #: When workflows that wait are due, the earliest first.
        self._due: list[float] = []
        #: Whether workflows may have ended since the last erasure.
        self._ended = True
        self._pollers = {
            kind.queue.name: QueuePoller(kind.queue.name, shared=self._lease is not None)
            for kind in kinds
        }
        self._keeper = threading.Thread(target=self._keep, name="workflow-engine", daemon=True)

    def open(self) -> None:
        """Start the queues. Workflows that an earlier process on the same data directory left
        unfinished are recovered.

        Raises:
            StoreError: ``database_corrupt``, ``disk_full``, ``store_not_writable`` or
                ``store_unreachable``.
        """
        try:
            self._open()
        except DBAPIError as error:
            raise self.fault(error) from error

    def _open(self) -> None:
        shared = self._lease is not None
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
            "use_listen_notify": not shared,
            "notification_listener_polling_interval_sec": 1.0 if shared else 0.1,
            "scheduler_polling_interval_sec": 3600.0,
        }
        for kind in self._kinds:
            DBOS.workflow(name=kind.name, max_recovery_attempts=None)(self._workflow(kind))
        DBOS(config=config)
        DBOS.listen_queues([])
        DBOS.launch()
        self._await_recovery()
        end_polling()
        for queue in {kind.queue.name: kind.queue for kind in self._kinds}.values():
            in_all, of_tenant = queue.limits(self._context.settings)
            registered = DBOS.register_queue(
                queue.name,
                worker_concurrency=in_all,
                partition_worker_concurrency=of_tenant,
                on_conflict="always_update",
            )
            self._pollers[queue.name].start(registered)
        self.erase_ended()
        self._keeper.start()

    def _await_recovery(self) -> None:
        """Wait until what a process before this one broke off is back in its queues. DBOS sees to
        that in a thread which must not be ended half way, and which would begin twice what is
        under way here already."""
        deadline = time.monotonic() + RECOVERY_TIMEOUT
        while self._own_pending() and time.monotonic() < deadline:
            time.sleep(0.01)

    def _own_pending(self) -> bool:
        found = DBOS.list_workflows(
            status="PENDING", executor_id=self.executor, limit=1, load_input=False,
            load_output=False,
        )  # fmt: skip
        return bool(found)

    def close(self) -> bool:
        """Stop the queues, leaving nothing in the engine's database of jobs that have ended;
        whether work is broken off by it."""
        self._closed.set()
        self._context.work_available.set()
        self._keeper.join()
        deadline = time.monotonic() + DRAIN_TIMEOUT
        # A job tells its end a moment before its workflow has ended.
        while (busy := self._busy()) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.erase_ended()
        for poller in self._pollers.values():
            poller.stop()
        DBOS.destroy()
        self._engine.dispose()
        return busy

    def _busy(self) -> bool:
        """Whether work is under way here; where there is no other worker, or waits."""
        if self._lease is not None:
            return self._own_pending()
        return bool(DBOS.list_workflows(status=_UNDER_WAY, limit=1))

    # -- beginning workflows --------------------------------------------------------------------

    def enqueue(self, *, wait: bool = True) -> None:
        """See that every job that has not ended has a workflow. What has one keeps it. Without
        ``wait`` it is left to another worker that is at it."""
        with self._alone(wait) as alone:
            begun = sum([self._enqueue(kind) for kind in self._kinds]) if alone else 0
        if begun:
            # Whoever has room takes it.
            notify_workers(self._context.store.database)

    def wake(self) -> None:
        """Look into every queue now."""
        for poller in self._pollers.values():
            poller.wake()

    def requeued(self) -> None:
        """Look into every queue, here and elsewhere: a dead worker's workflows are back in them."""
        self.wake()
        notify_workers(self._context.store.database)

    def _enqueue(self, kind: JobKind) -> int:
        """Begin the workflows that jobs of one kind lack; how many those were."""
        pending = {job.workflow_id: job for job in kind.pending()}
        # Of jobs whose workflow is known, which may be thousands that wait, nothing is read again.
        begun = self._begun[kind.name] = self._begun.get(kind.name, set()) & pending.keys()
        new = [job for id, job in pending.items() if id not in begun]
        statuses = _statuses(job.workflow_id for job in new)
        count = 0
        for job in new:
            status = statuses.get(job.workflow_id)
            if status == "DELAYED" or status is None or status in _ENDED:
                # A workflow tells the catalog before it ends: this is what it said.
                now = kind.refresh(job)
                if now is None:
                    continue
                if status == "DELAYED":
                    self._wake_in(kind, now.delay)
                else:
                    if status is not None:
                        now = self._restarted(kind, now)
                    self.begin(kind, now)
                    begun.add(now.workflow_id)
                    count += 1
            begun.add(job.workflow_id)
        return count

    @staticmethod
    def _restarted(kind: JobKind, job: PendingJob) -> PendingJob:
        again = kind.restart(job)
        if again.workflow_id == job.workflow_id:
            DBOS.delete_workflows([job.workflow_id])
        return again

    def begin(self, kind: JobKind, job: PendingJob) -> None:
        """Begin the workflow of a job. Asking again changes nothing."""
        options: dict[str, Any] = {
            "queue_name": kind.queue.name,
            "workflow_name": kind.name,
            "workflow_id": job.workflow_id,
        }
        if kind.queue.by_tenant:
            options["queue_partition_key"] = job.tenant
        if job.delay:
            # What waits takes no place in the queue.
            options["delay_seconds"] = job.delay
        DBOS.enqueue_workflow_with_options(options, *job.args)  # type: ignore[arg-type]
        self._wake_in(kind, job.delay)

    def _wake_in(self, kind: JobKind, delay: float) -> None:
        if not delay:
            self._pollers[kind.queue.name].wake()
            return
        with self._count:
            heapq.heappush(self._due, time.monotonic() + delay + _MARGIN)
        if delay < LOOK_EVERY:
            self._context.work_available.set()  # the thread that waits is to wake earlier

    # -- running them ---------------------------------------------------------------------------

    def _workflow(self, kind: JobKind) -> Callable[..., str]:
        """What DBOS calls for a workflow of a kind."""

        def workflow(*args: str) -> str:
            return self._run(kind, *args)

        return workflow

    def _run(self, kind: JobKind, *args: str) -> str:
        """One workflow."""
        assert DBOS.workflow_id is not None
        self._working(1)
        try:
            return kind.run(_Run(self, kind, DBOS.workflow_id), *args)
        except BaseException:
            # It ended without a note in the catalog: the job is started anew.
            with self._beginning:
                self._begun.pop(kind.name, None)
            raise
        finally:
            self._working(-1)
            self._ended = True
            # Whatever waits for the place that is free now.
            self._pollers[kind.queue.name].wake()

    def _working(self, change: int) -> None:
        with self._count:
            self._running += change
            if self._lease is not None:
                (self._lease.working.set if self._running else self._lease.working.clear)()

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """Run one step of a workflow once, and remember how it ended."""

        def attempt() -> dict[str, Any]:
            self._context.require_lease()
            ended = outcome(name, work)
            # Nothing that came of it counts if others may be at it by now.
            self._context.require_lease()
            return ended

        ended = DBOS.run_step({"name": name}, attempt)
        if "error" in ended:
            raise from_json(ended["error"])
        return ended["value"]

    # -- keeping them ---------------------------------------------------------------------------

    @contextmanager
    def _alone(self, wait: bool) -> Iterator[bool]:
        """Keep everybody else from beginning and erasing workflows."""
        with self._beginning:
            if self._lease is None:
                yield True
            else:
                with self._lease.acquire("workflows", wait=wait) as acquired:
                    yield acquired

    def erase_ended(self) -> None:
        """Erase the workflows that have ended, bytes included."""
        with self._alone(wait=True):
            self._ended = False
            ended = DBOS.list_workflows(status=_ENDED, load_input=False, load_output=False)
            if ended:
                DBOS.delete_workflows([workflow.workflow_id for workflow in ended])

    def _keep(self) -> None:
        available = self._context.work_available
        erased = swept = time.monotonic()
        sweep_every = SWEEP_EVERY if self._lease is None else SWEEP_EVERY_SHARED
        while not self._closed.is_set():
            notified = available.wait(self._pause())
            available.clear()
            if self._closed.is_set():
                return
            now = time.monotonic()
            try:
                if now - self._examined >= EXAMINE_EVERY:
                    self._examined = now
                    with self._beginning:
                        self._begun.clear()
                    self._ended = True
                self.enqueue(wait=False)
                self._release_delayed()
                if (notified and self._lease is not None) or self._is_waiting():
                    # Another worker may have begun it; or a signal came before its reason did.
                    self.wake()
                if self._ended and now - erased >= ERASE_EVERY:
                    erased = now
                    self.erase_ended()
                if now - swept >= sweep_every:
                    swept = now
                    for kind in self._kinds:
                        kind.sweep()
            except Exception as error:
                # As when the disk is full: the next notification, or the next worker, sees to it.
                # No fault may end this thread: the worker would look alive and take nothing in.
                _log.error("new jobs wait", exc_info=error)

    def _is_waiting(self) -> bool:
        """Whether jobs wait for a place, beside those that run and those that are not due."""
        begun = sum(len(ids) for ids in self._begun.values())
        return begun > self._running + len(self._due)

    def _pause(self) -> float:
        """Seconds until there is something to do unless somebody says so before."""
        with self._count:
            due = self._due[0] - time.monotonic() if self._due else LOOK_EVERY
        return min(LOOK_EVERY, max(0.05, due))

    def _release_delayed(self) -> None:
        """Put delayed workflows that are due into their queues; of dead workers too."""
        now = time.monotonic()
        with self._count:
            due = bool(self._due) and self._due[0] <= now
            while self._due and self._due[0] <= now:
                heapq.heappop(self._due)
        if due or self._lease is not None:
            release_delayed()
        if due:
            self.wake()

    def fault(self, error: DBAPIError) -> VidelicetError:
        """Our error for an engine's database that cannot be read or written."""
        settings, database = self._context.settings, self._context.store.database
        if database.shared:
            known = database.translate_driver_error(error)
        else:
            cause = error.orig
            known = translate_error(
                cause if isinstance(cause, sqlite3.Error) else sqlite3.Error(str(error)),
                settings.home,
            )
        assert isinstance(known, VidelicetError)
        if database.shared or known.code != "database_corrupt":
            return known
        path = settings.home / DATABASE
        return StoreError(
            "database_corrupt",
            f"The database of unfinished work cannot be used: {error.orig}.",
            subject=str(path),
            remedy=f"Delete {path}; no task is lost with it.",
        )


class _Run:
    """One run of a workflow; see :class:`videlicet.jobs.kinds.JobRun`."""

    def __init__(self, engine: WorkflowEngine, kind: JobKind, workflow_id: str) -> None:
        self._engine = engine
        self._kind = kind
        self.workflow_id = workflow_id

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        return self._engine.step(name, work)

    def single_step(
        self, name: str, work: Callable[[], str], give_up: Callable[[VidelicetError], str]
    ) -> str:
        try:
            return str(self.step(name, work))
        except VidelicetError as error:
            fault = error
        return str(self.step("give up", lambda: give_up(fault)))

    def enqueue(self, job: PendingJob) -> None:
        self._engine.begin(self._kind, job)

    def fault(self, error: DBAPIError) -> VidelicetError:
        return self._engine.fault(error)


def outcome(name: str, work: Callable[[], Any]) -> dict[str, Any]:
    """What ``work`` returned, as ``value``, or how it failed, as ``error``."""
    try:
        with step_span(name):
            return {"value": work()}
    except VidelicetError as error:
        return {"error": error.to_json()}
    except Exception as error:
        # Nothing we know of, so a fault of ours: it fails this job alone, with its traceback in
        # the log.
        fault = TaskError("task_failed", f"{type(error).__name__} in step {name}: {error}")
        return {"error": fault.to_json()}


def _statuses(ids: Iterable[str]) -> dict[str, str]:
    """Where workflows are, of those that there are."""
    return {
        found.workflow_id: found.status
        for some in batched(ids)
        for found in DBOS.list_workflows(workflow_ids=some, load_input=False, load_output=False)
    }


def _engine(context: WorkerContext) -> Engine:
    """The engine of DBOS' database."""
    from videlicet.store.database.postgres import PostgresDatabase

    database = context.store.database
    if isinstance(database, PostgresDatabase):
        return database.new_engine(*_CONNECTIONS)
    # Like the one DBOS would make, but what is deleted is overwritten.
    engine = create_engine(f"sqlite:///{context.settings.home / DATABASE}", pool_size=16)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout = 30000", "foreign_keys = ON", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
