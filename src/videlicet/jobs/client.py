"""Worker processes, as those who start them see them."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

from videlicet.errors import Conflict, TaskError, VidelicetError, from_json
from videlicet.rights import EVERY_TENANT, Grant, Purpose, Scope

if TYPE_CHECKING:
    from videlicet.settings import Settings
    from videlicet.store import Store

#: Units of work are single-threaded, so libraries must not add threads of their own. The models'
#: large buffers go back to the system when they are freed; kept for later in the allocator's own
#: pieces they would add up to some hundred megabytes.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(16 * 1024 * 1024),
}
#: Bytes of the worker's log shown when it dies.
_LOG = 2000
#: Seconds that a worker has to end in good order, beside a process that ends too; and where
#: nobody is in a hurry.
SHUTDOWN_TIMEOUT, MAX_SHUTDOWN = 5.0, 30.0
#: Seconds to wait before a worker that died is started again: first, and at most.
_PAUSE, _LONGEST_PAUSE = 0.5, 30.0

_log = logging.getLogger(__name__)

Log = Callable[[dict[str, Any]], None]


class WorkerProcess:
    """A worker process on the same store, writing on this process's behalf.

    A context manager. Leaving it without :meth:`stop` kills the process, which is always safe.
    ``log`` gets what the worker logs, for :func:`videlicet.telemetry.logs.relay`.
    """

    def __init__(
        self,
        scope: Scope,
        store: Store,
        settings: Settings,
        *,
        niceness: int = 0,
        log: Log | None = None,
    ) -> None:
        from videlicet.jobs.ipc import settings_to_json

        lock = store.lock_fd
        if lock is None and not (store.database.shared and store.writable):
            raise Conflict(
                "database_locked",
                "The library is not open for writing.",
                subject=str(settings.home),
            )
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in __exit__)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "videlicet.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            pass_fds=[] if lock is None else [lock],
            env=os.environ | ENVIRONMENT,
        )
        hello = {
            "settings": settings_to_json(settings),
            "lock_fd": lock,
            "principal": scope.principal,
            "niceness": niceness,
            "logs": log is not None,
            # A worker does the work of everybody in the store.
            "tenant": EVERY_TENANT,
        }
        self._on_log = log
        self._send(hello)

    @property
    def pid(self) -> int:
        """The worker's process."""
        return self._process.pid

    def events(self) -> Iterator[dict[str, Any]]:
        """What jobs say of themselves, as they say it.

        Raises:
            TaskError: ``worker_died``.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.endswith(b"\n"):
                break
            row = json.loads(line)
            match row["kind"]:
                case "event":
                    yield row["event"]
                case "log" if self._on_log is not None:
                    self._on_log(row["row"])
                case "error":
                    raise from_json(row["error"])
        raise self._died()

    def notify(self) -> None:
        """Have the worker look for new jobs."""
        self._send({"kind": "enqueue"})

    def stop(self) -> None:
        """Let the worker end in good order and wait for it; after :data:`MAX_SHUTDOWN` seconds it
        is ended, which is always safe."""
        self._send({"kind": "stop"})
        limit = threading.Timer(MAX_SHUTDOWN, self.kill)
        limit.start()
        try:
            _drain(self._process.stdout)
            self._process.wait()
        finally:
            limit.cancel()

    def shut_down(self, timeout: float = SHUTDOWN_TIMEOUT) -> None:
        """Ask the worker to end while another thread reads its events; after so many seconds it is
        ended, which is always safe: what is unfinished goes on later."""
        try:
            self._send({"kind": "stop"})
            self._process.wait(timeout)
        except (VidelicetError, subprocess.TimeoutExpired):
            self.kill()

    def kill(self) -> None:
        """End the worker at once."""
        self._process.kill()

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.poll() is None:
            self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        self._log.close()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None

    def _died(self) -> VidelicetError:
        code = self._process.wait()
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - _LOG))
        log = self._log.read().decode("utf-8", "backslashreplace").strip()
        why = f"signal {-code}" if code < 0 else f"exit code {code}"
        return TaskError(
            "worker_died",
            f"The process that indexes ended before its work did ({why}).",
            details={"log": log} if log else None,
        )


def _drain(pipe: IO[bytes] | None) -> None:
    """Read what is still to come, so that the other end never waits for room."""
    if pipe is not None:
        while pipe.read(65536):
            pass


class WorkerPool:
    """Keeps so many worker processes running, and wakes them when there is something to do.

    ``on_start`` is called for each that begins, ``on_event`` with what its jobs say of themselves,
    ``log`` with what it logs.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        count: int = 1,
        *,
        niceness: int,
        log: Log | None = None,
        on_start: Callable[[], None] = lambda: None,
        on_event: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._niceness = niceness
        self._log = log
        self._on_start = on_start
        self._on_event = on_event
        self._stopping = threading.Event()
        self._running: set[WorkerProcess] = set()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, name=f"worker-{number}", daemon=True)
            for number in range(count)
        ]

    @property
    def alive(self) -> bool:
        """Whether each of them is at work or waits for some."""
        return len(self._running) == len(self._threads)

    @property
    def pids(self) -> list[int]:
        """The processes that there are."""
        with self._lock:
            return [worker.pid for worker in self._running]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def notify(self) -> None:
        """Say that there are new jobs. A worker that does not hear it looks for itself: at once
        when it starts, and every few seconds."""
        from videlicet.store.database.worker_session import notify_workers

        try:
            notify_workers(self._store.database)
        except VidelicetError as error:
            _log.warning("workers cannot be notified", extra={"code": error.code})
        if self._store.database.shared:
            return
        with self._lock:
            for worker in self._running:
                try:
                    worker.notify()
                except VidelicetError:
                    continue  # it has just died; its successor looks for itself

    def stop(self) -> None:
        """End the workers. What is under way goes on when the next one starts, or elsewhere."""
        self._stopping.set()
        with self._lock:
            running = list(self._running)
        ending = [threading.Thread(target=one.shut_down) for one in running]
        for thread in ending:
            thread.start()
        for thread in [*ending, *self._threads]:
            thread.join()

    def _run(self) -> None:
        pause = _PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._one()
            except VidelicetError as error:
                if not self._stopping.is_set():
                    _log.error("the worker ended", extra={"code": error.code})
            pause = (
                _PAUSE
                if time.monotonic() - began > _LONGEST_PAUSE
                else min(2 * pause, _LONGEST_PAUSE)
            )
            self._stopping.wait(pause)

    def _one(self) -> None:
        scope = self._store.scope(Grant("server", Purpose.INGEST, EVERY_TENANT))
        with WorkerProcess(
            scope, self._store, self._settings, niceness=self._niceness, log=self._log
        ) as worker:
            self._on_start()
            with self._lock:
                if self._stopping.is_set():
                    return
                self._running.add(worker)
            try:
                for event in worker.events():
                    self._on_event(event)
            finally:
                with self._lock:
                    self._running.discard(worker)
        raise TaskError("worker_died", "The worker ended.")
