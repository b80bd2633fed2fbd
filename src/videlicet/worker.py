"""The process that does the work: ``python -m videlicet.worker``, started by the client.

Its standard input brings one line of JSON with the settings and the writer's lock, then commands;
its standard output takes news, one JSON object a line. It ends itself the moment its input closes,
so it never outlives the process that started it. Being killed at any instant loses nothing: the
next worker on the same data directory, or another one on the same shared store, takes every
unfinished task up again.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from videlicet.errors import VidelicetError
from videlicet.jobs.ipc import Wire, settings_from_json
from videlicet.rights import Grant, Purpose
from videlicet.telemetry import logs, traces

if TYPE_CHECKING:
    from videlicet.jobs.context import Runtime
    from videlicet.jobs.lease import Presence
    from videlicet.settings import Settings
    from videlicet.store import Store

#: Seconds between two looks at the parent.
PARENT_EVERY = 1.0


def main() -> int:
    """Serve one client until it says stop or goes away."""
    # What libraries print must not end up between the lines of news.
    news = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    wire = Wire(os.fdopen(os.dup(0), encoding="utf-8"), news)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # Ctrl-C, or the end of a service, is for the caller, who then decides what becomes of this
    # process. Decoders take this over, so none of them fails its task for it.
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING)
    hello = wire.receive()
    if hello is None:
        return 1
    _watch_parent(os.getppid())
    # Beside a server, searches go first.
    os.nice(hello["niceness"])
    settings = settings_from_json(hello["settings"])
    if hello["logs"]:
        logs.set_up_remote(settings, lambda row: wire.send("log", row=row))
    traces.start(settings, "videlicet-worker")
    grant = Grant(hello["principal"], Purpose.INGEST, hello["tenant"])

    from videlicet.jobs.context import Runtime
    from videlicet.jobs.maintenance import Upkeep
    from videlicet.store import open_store

    with (
        _told(wire),
        open_store(settings, write=True, lock_fd=hello["lock_fd"]) as store,
        Upkeep(store, builds=True),
    ):
        stirred = threading.Event()
        presence = _presence(store, settings, stirred)
        runtime = Runtime(store.scope(grant), store, settings, wire.news, stirred, presence)
        _serve(wire, runtime)
        if presence is not None:
            presence.close()
    traces.stop()
    if runtime.warming:
        # Nothing needed the models after all. An interpreter that is taken down around a native
        # library at work may crash.
        os._exit(0)
    return 0


def _serve(wire: Wire, runtime: Runtime) -> None:
    """Work until the client says stop."""
    from videlicet.ingest.gc import sweep, sweep_shared

    if runtime.presence is None:
        sweep(runtime.scope, runtime.store, runtime.settings)
    else:
        sweep_shared(runtime)
    runtime.warm_up()
    # These bring DBOS, whose import takes a second; the models load meanwhile.
    from videlicet.jobs import workflows as workflow
    from videlicet.jobs.failover import Neighbours
    from videlicet.jobs.workflow_engine import Books

    workflow.host(runtime)
    books = Books(runtime)
    books.open()
    books.enqueue()
    neighbours = None if runtime.presence is None else Neighbours(runtime, runtime.presence)
    if neighbours is not None:
        neighbours.start()
    wire.send("ready", pid=os.getpid())
    while (command := wire.receive()) is not None:
        match command["kind"]:
            case "enqueue":
                books.enqueue()
            case "stop":
                break
    if command is None:
        os._exit(1)
    if neighbours is not None:
        neighbours.stop()
    busy = books.close()
    if busy:
        # The next worker, or another one, takes it up where it stands; to wait for it here could
        # take as long as a film.
        traces.stop()
        os._exit(0)
    runtime.close()
    workflow.host(None)


def _presence(store: Store, settings: Settings, stirred: threading.Event) -> Presence | None:
    """What shows this worker to others, where there can be any."""
    from videlicet.store.database.postgres import PostgresDatabase

    if not isinstance(store.database, PostgresDatabase):
        return None
    from videlicet.jobs.lease import Presence
    from videlicet.store.secret import server_secret

    # A worker that would sign webhooks unlike others is not to begin.
    server_secret(settings)
    return Presence(store.database, stirred.set)


@contextmanager
def _told(wire: Wire) -> Iterator[None]:
    """Send the client an error that keeps this worker from working at all."""
    try:
        yield
    except VidelicetError as error:
        wire.send("error", error=error.to_json())
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


if __name__ == "__main__":
    sys.exit(main())
