"""The process that does the work: ``python -m videlicet.ingest.worker``, started by the client.

Its standard input brings one line of JSON with the settings and the writer's lock, then commands;
its standard output takes news, one JSON object a line. It ends itself the moment its input closes,
so it never outlives the process that started it. Being killed at any instant loses nothing: the
next worker on the same data directory takes every unfinished task up again.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from videlicet.errors import VidelicetError
from videlicet.ingest.progress import Progress
from videlicet.rights import Grant, Purpose
from videlicet.settings import Settings
from videlicet.types import Status

if TYPE_CHECKING:
    from dbos import DBOSConfig

    from videlicet.ingest.runtime import Runtime

#: Never changed: a workflow begun by an older program goes on in a newer one.
APPLICATION_VERSION = "1"
EXECUTOR = "worker"
#: Seconds between two looks at the parent.
PARENT_EVERY = 1.0


class Wire:
    """Both directions of the line to the client."""

    def __init__(self, commands: IO[str], news: IO[str]) -> None:
        self._commands = commands
        self._news = news
        self._lock = threading.Lock()

    def receive(self) -> dict[str, Any] | None:
        """The next command, ``None`` once the client is gone."""
        line = self._commands.readline()
        return json.loads(line) if line.endswith("\n") else None

    def send(self, kind: str, **values: Any) -> None:
        line = json.dumps({"kind": kind, **values}, separators=(",", ":"))
        with self._lock:
            self._news.write(line + "\n")
            self._news.flush()

    def news(self, progress: Progress) -> None:
        self.send("progress", progress=progress.to_json())


def main() -> int:
    """Serve one client until it says stop or goes away."""
    # What libraries print must not end up between the lines of news.
    news = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    wire = Wire(os.fdopen(os.dup(0), encoding="utf-8"), news)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    logging.basicConfig(level=logging.WARNING)
    hello = wire.receive()
    if hello is None:
        return 1
    _watch_parent(os.getppid())
    settings = settings_from_json(hello["settings"])
    grant = Grant(hello["principal"], Purpose.INGEST, hello["tenant"])

    from dbos import DBOS

    from videlicet.ingest import workflow
    from videlicet.ingest.runtime import Runtime
    from videlicet.store import open_store

    with _told(wire), open_store(settings, write=True, lock_fd=hello["lock_fd"]) as store:
        runtime = Runtime(grant, store, settings, wire.news)
        workflow.host(runtime)
        sweep(runtime)
        DBOS(config=configuration(settings))
        DBOS.launch()
        DBOS.register_queue(
            workflow.QUEUE,
            worker_concurrency=workflow.CONCURRENCY,
            polling_interval_sec=0.05,
            on_conflict="always_update",
        )
        enqueue_all(runtime)
        wire.send("ready", pid=os.getpid())
        while (command := wire.receive()) is not None:
            match command["kind"]:
                case "enqueue":
                    enqueue_all(runtime)
                case "stop":
                    break
        if command is None:
            os._exit(1)
        DBOS.destroy()
        runtime.close()
        workflow.host(None)
    return 0


@contextmanager
def _told(wire: Wire) -> Iterator[None]:
    """Send the client an error that keeps this worker from working at all."""
    try:
        yield
    except VidelicetError as error:
        wire.send("error", error=error.to_json())
        raise


def configuration(settings: Settings) -> DBOSConfig:
    """How DBOS keeps its books: JSON in ``jobs.sqlite``, never pickles."""
    from dbos._serialization import DBOSPortableJSON

    return {
        "name": "videlicet",
        "system_database_url": f"sqlite:///{settings.home / 'jobs.sqlite'}",
        "application_version": APPLICATION_VERSION,
        "executor_id": EXECUTOR,
        "serializer": DBOSPortableJSON,
        "log_level": "WARNING",
        "enable_otlp": False,
        "notification_listener_polling_interval_sec": 0.1,
        "scheduler_polling_interval_sec": 3600.0,
    }


def enqueue_all(runtime: Runtime) -> None:
    """See that every unfinished task has a workflow. Those that have one keep it."""
    from dbos import DBOS

    from videlicet.ingest.workflow import QUEUE, WORKFLOW, workflow_id

    for status in (Status.RUNNING, Status.QUEUED):
        for task in reversed(runtime.store.catalog.tasks(runtime.grant, status=status)):
            attempts = task.attempts
            known = DBOS.get_workflow_status(workflow_id(task.id, attempts))
            if known is not None and known.status in ("ENQUEUED", "PENDING"):
                continue
            if known is not None:
                if runtime.store.catalog.task(runtime.grant, task.id).status.ended:
                    continue
                # It ended without telling the catalog, as when the disk was full to the brim.
                attempts += 1
                runtime.store.catalog.update_task(runtime.grant, task.id, attempts=attempts)
            DBOS.enqueue_workflow_with_options(
                {
                    "queue_name": QUEUE,
                    "workflow_name": WORKFLOW,
                    "workflow_id": workflow_id(task.id, attempts),
                },
                task.id,
            )


def sweep(runtime: Runtime) -> None:
    """Clear away what tasks left behind that were cancelled while nobody worked on them."""
    from videlicet.ingest.plan import staging
    from videlicet.ingest.steps import take_back

    catalog, grant = runtime.store.catalog, runtime.grant
    live = [t for s in (Status.QUEUED, Status.RUNNING) for t in catalog.tasks(grant, status=s)]
    kept = {task.id for task in live} | {task.asset_id for task in live}
    for entry in catalog.list_indexed(grant, status=Status.RUNNING):
        if entry.asset_id not in kept:
            take_back(runtime, entry.index_id, entry.asset_id)
    folder = staging(runtime.settings, "")
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in kept:
            shutil.rmtree(path)


def settings_to_json(settings: Settings) -> dict[str, Any]:
    """Settings as the client sends them; paths may hold any bytes."""
    from dataclasses import asdict

    return {
        name: os.fsencode(value).hex() if isinstance(value, Path) else value
        for name, value in asdict(settings).items()
    }


def settings_from_json(row: dict[str, Any]) -> Settings:
    """What :func:`settings_to_json` made."""
    paths = {n: Path(os.fsdecode(bytes.fromhex(row[n]))) for n in ("home", "weights")}
    return Settings(**{**row, **paths})


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
