"""The body of a worker process, which the client starts (:mod:`videlicet.jobs.client`).

Its standard input brings one line of JSON with the settings and the writer's lock, then commands;
its standard output takes events, one JSON object a line. It ends itself the moment its input
closes, so it never outlives the process that started it. Being killed at any instant loses nothing:
the next worker on the same data directory, or another one on the same shared store, takes every
unfinished job up again.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from videlicet.errors import VidelicetError
from videlicet.jobs.ipc import JsonLinesChannel, settings_from_json
from videlicet.rights import Grant, Purpose
from videlicet.telemetry import logs, traces

if TYPE_CHECKING:
    from videlicet.jobs.context import WorkerContext
    from videlicet.jobs.kinds import JobKind
    from videlicet.jobs.lease import WorkerLease
    from videlicet.settings import Settings
    from videlicet.store import Store

#: Seconds between two looks at the parent.
PARENT_EVERY = 1.0

Kinds = Callable[["WorkerContext"], Sequence["JobKind"]]


def run_worker(kinds: Kinds) -> int:
    """Do jobs of the kinds that ``kinds`` makes for one client, until it says stop or goes away."""
    # What libraries print must not end up between the lines of events.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    channel = JsonLinesChannel(os.fdopen(os.dup(0), encoding="utf-8"), events)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # Ctrl-C, or the end of a service, is for the caller, who then decides what becomes of this
    # process. Decoders take this over, so none of them fails its job for it.
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    os.umask(0o077)  # what is stored is for nobody else on this machine
    logging.basicConfig(level=logging.WARNING)
    hello = channel.receive()
    if hello is None:
        return 1
    _watch_parent(os.getppid())
    # Beside a server, searches go first.
    os.nice(hello["niceness"])
    settings = settings_from_json(hello["settings"])
    if hello["logs"]:
        logs.configure_remote(settings, lambda row: channel.send("log", row=row))
    traces.start(settings, "videlicet-worker")
    grant = Grant(hello["principal"], Purpose.INGEST, hello["tenant"])

    from videlicet.jobs.context import WorkerContext
    from videlicet.jobs.maintenance import StoreMaintenance
    from videlicet.store import open_store

    with (
        _reported(channel),
        open_store(settings, write=True, lock_fd=hello["lock_fd"]) as store,
        StoreMaintenance(store, builds=True),
    ):
        available = threading.Event()
        lease = _lease(store, settings, available)
        context = WorkerContext(
            store.scope(grant), store, settings,
            lambda event: channel.send("event", event=event), available, lease,
        )  # fmt: skip
        warming = _serve(channel, context, kinds(context))
        if lease is not None:
            lease.close()
    traces.stop()
    if warming:
        # No job needed the models after all. An interpreter that is taken down around a native
        # library at work may crash.
        os._exit(0)
    return 0


def _serve(channel: JsonLinesChannel, context: WorkerContext, kinds: Sequence[JobKind]) -> bool:
    """Work until the client says stop; whether something is still being loaded."""
    for kind in kinds:
        kind.recover()

    def warm_up() -> None:
        for kind in kinds:
            kind.warm_up()

    warming = threading.Thread(target=warm_up, name="warm-up", daemon=True)
    warming.start()
    # These bring DBOS, whose import takes a second; the models load meanwhile.
    from videlicet.jobs.failover import FailoverMonitor
    from videlicet.jobs.workflow_engine import WorkflowEngine

    engine = WorkflowEngine(context, kinds)
    engine.open()
    engine.enqueue()
    failover = None if context.lease is None else FailoverMonitor(context.lease, engine.requeued)
    if failover is not None:
        failover.start()
    channel.send("ready", pid=os.getpid())
    while (command := channel.receive()) is not None:
        match command["kind"]:
            case "enqueue":
                context.work_available.set()
            case "stop":
                break
    if command is None:
        os._exit(1)
    if failover is not None:
        failover.stop()
    context.close()
    busy = engine.close()
    if busy:
        # The next worker, or another one, resumes it where it is; to wait for it here could
        # take as long as a video.
        traces.stop()
        os._exit(0)
    for kind in kinds:
        kind.close()
    return warming.is_alive()


def _lease(store: Store, settings: Settings, available: threading.Event) -> WorkerLease | None:
    """What shows this worker to others, where there can be any."""
    from videlicet.store.database.postgres import PostgresDatabase

    if not isinstance(store.database, PostgresDatabase):
        return None
    from videlicet.jobs.lease import WorkerLease
    from videlicet.store.secret import server_secret

    # A worker that would sign webhooks unlike others is not to begin.
    server_secret(settings)
    return WorkerLease(store.database, available.set)


@contextmanager
def _reported(channel: JsonLinesChannel) -> Iterator[None]:
    """Send the client an error that keeps this worker from working at all."""
    try:
        yield
    except VidelicetError as error:
        channel.send("error", error=error.to_json())
        raise


def _watch_parent(parent: int) -> None:
    """End this process when its parent does, even while the main thread is busy.

    The kernel's own parent-death signal is not used: it fires when the *thread* that started the
    child ends, and a server may well call the library from a short-lived thread.
    """

    def watch() -> None:
        gone = threading.Event()
        while os.getppid() == parent:
            gone.wait(PARENT_EVERY)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
