"""The caller's side of an ingest: hand in sources, start the worker, pass on its news."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from videlicet.errors import Cancelled, Conflict, TaskError, VidelicetError, from_json
from videlicet.ingest import videos
from videlicet.ingest.leftovers import LIVE, sweep
from videlicet.ingest.progress import Progress
from videlicet.rights import EVERY_TENANT
from videlicet.store import open_store
from videlicet.types import Index, Status, Task, derived_id, random_id

if TYPE_CHECKING:
    from videlicet.media.sources import Source
    from videlicet.rights import Grant
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
#: A task in one of these can be tried again.
TRIED = (Status.FAILED, Status.CANCELLED)
#: Bytes of the worker's log shown when it dies.
_LOG = 2000


def ingest(
    grant: Grant, store: Store, settings: Settings, index: Index, sources: Sequence[Source]
) -> Iterator[Progress]:
    """Put ``sources`` into ``index`` and yield news until each is searchable or has failed.

    ``store`` must be open for writing. Tasks that an earlier process left unfinished go on too.
    Closing the iterator early ends the work at once; nothing finished is lost, and the next call
    goes on from there.

    Raises:
        TaskError: ``worker_died``, if the worker process ends before its work does.
    """
    for source in sources:
        if source.error is not None:
            yield refused(source)
    tasks = submit(grant, store, index, sources)
    yield from work(grant, store, settings, tasks)


def submit(grant: Grant, store: Store, index: Index, sources: Sequence[Source]) -> list[Task]:
    """A durable task for each source that has none unfinished yet. Sources in error are left
    out."""
    waiting = {task.source: task for task in live(grant, store, index.id)}
    tasks = []
    for source in sources:
        place = source.url or (None if source.path is None else os.fspath(source.path))
        if source.error is not None or place is None:
            continue
        task = waiting.get(place)
        if task is None:
            now = datetime.now(UTC)
            task = Task(
                random_id(), index.id, place, Status.QUEUED, now, now, attempts=1,
                tenant=index.tenant,
            )  # fmt: skip
            store.catalog.put_task(grant, task)
            waiting[place] = task
        tasks.append(task)
    return tasks


def retry(
    grant: Grant, store: Store, settings: Settings, task_ids: Sequence[str] = ()
) -> Iterator[Progress]:
    """Run failed or cancelled tasks again (all of them, where none is named); yields like
    :func:`ingest`.

    Raises:
        NotFound: ``task_not_found``.
        Conflict: ``task_not_retryable``, for a task that is at work or ready.
    """
    if task_ids:
        chosen = [store.catalog.task(grant, task_id) for task_id in task_ids]
    else:
        chosen = [task for s in TRIED for task in store.catalog.tasks(grant, status=s)]
    for task in chosen:
        require_tried(task)
    again = [requeue(grant, store, task) for task in chosen]
    yield from work(grant, store, settings, again)


def require_tried(task: Task) -> None:
    """Refuse a task that is at work or ready.

    Raises:
        Conflict: ``task_not_retryable``.
    """
    if task.status not in TRIED:
        raise Conflict("task_not_retryable", f"Task {task.id} is {task.status}.", subject=task.id)


def requeue(grant: Grant, store: Store, task: Task) -> Task:
    """Put a task that failed or was cancelled among those that wait for a worker; its video, if it
    has one, waits again too."""
    again = store.catalog.update_task(
        grant, task.id, when=TRIED, status=Status.QUEUED, error=None, done_s=0.0, total_s=None,
        attempts=task.attempts + 1,
    )  # fmt: skip
    videos.queue_again(grant, store, task.source)
    return again


def cancel(grant: Grant, store: Store, settings: Settings, task_id: str) -> Task:
    """Stop a queued or running task, whichever process runs it.

    A running worker notices within a second and takes back what the task has done so far; where
    nobody writes, that is done here.

    Raises:
        NotFound: ``task_not_found``.
        Conflict: ``task_not_cancellable``, for a task that has ended.
    """
    task = call_off(grant, store, task_id)
    if store.writable:
        return task  # whoever works on this process's behalf takes back what the task has done
    try:
        writer = open_store(settings, write=True)
    except Conflict:
        return task  # the same is true of another process that writes
    with writer:
        videos.fail(grant, writer, task, _cancelled())
        sweep(replace(grant, tenant=EVERY_TENANT), writer, settings)
    return task


def call_off(grant: Grant, store: Store, task_id: str) -> Task:
    """Mark a queued or running task as cancelled, for a worker to notice. Where ``store`` is open
    for writing, its video fails at once, however long the worker is busy with others.

    Raises:
        NotFound: ``task_not_found``.
        Conflict: ``task_not_cancellable``, for a task that has ended.
    """
    before = store.catalog.task(grant, task_id)
    task = before
    if not before.status.ended:
        task = store.catalog.update_task(
            grant, task_id, when=LIVE, status=Status.CANCELLED, stage=None
        )
    if before.status.ended or task.status is not Status.CANCELLED:
        raise Conflict("task_not_cancellable", f"Task {task_id} is {task.status}.", subject=task_id)
    if store.writable:
        videos.fail(grant, store, task, _cancelled())
    return task


def _cancelled() -> Cancelled:
    return Cancelled("cancelled", "The task was cancelled.")


def live(grant: Grant, store: Store, index_id: str | None = None) -> list[Task]:
    """Unfinished tasks, oldest first."""
    found = [t for s in LIVE for t in store.catalog.tasks(grant, index_id, status=s)]
    return sorted(found, key=lambda task: (task.created_at, task.id))


def refused(source: Source) -> Progress:
    """The news of a source that cannot even be looked at."""
    assert source.error is not None
    return Progress(
        task_id=derived_id("refused", source.name),
        source=source.name,
        status=Status.FAILED,
        error=source.error.to_json(),
    )


def work(
    grant: Grant, store: Store, settings: Settings, tasks: Sequence[Task]
) -> Iterator[Progress]:
    """Run a worker until ``tasks``, and all that are unfinished beside them, have ended."""
    wanted = {task.id: task for task in live(grant, store)} | {task.id: task for task in tasks}
    for task in wanted.values():
        # One that was broken off waits like the others until the worker takes it up again.
        waits = {} if task.status.ended else {"status": Status.QUEUED, "stage": None}
        yield Progress.of(task, **waits)
    pending = {task.id for task in wanted.values() if not task.status.ended}
    if not pending:
        return
    with Worker(grant, store, settings) as worker:
        for news in worker.news():
            yield news
            if news.status.ended:
                pending.discard(news.task_id)
            if not pending:
                worker.stop()
                return


class Worker:
    """A worker process on the same data directory, writing on this process's behalf.

    A context manager. Leaving it without :meth:`stop` kills the process, which is always safe.
    """

    def __init__(
        self, grant: Grant, store: Store, settings: Settings, *, niceness: int = 0
    ) -> None:
        from videlicet.ingest.worker import settings_to_json

        lock = store.lock_fd
        if lock is None:
            raise Conflict(
                "writer_busy", "The library is not open for writing.", subject=str(settings.home)
            )
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in __exit__)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "videlicet.ingest.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            pass_fds=[lock],
            env=os.environ | ENVIRONMENT,
        )
        hello = {
            "settings": settings_to_json(settings),
            "lock_fd": lock,
            "principal": grant.principal,
            "niceness": niceness,
            # One worker does the work of everybody in the data directory.
            "tenant": EVERY_TENANT,
        }
        self._send(hello)

    def news(self) -> Iterator[Progress]:
        """What the worker says, as it says it.

        Raises:
            TaskError: ``worker_died``.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.endswith(b"\n"):
                break
            row = json.loads(line)
            match row["kind"]:
                case "progress":
                    yield Progress.from_json(row["progress"])
                case "error":
                    raise from_json(row["error"])
        raise self._died()

    def enqueue(self) -> None:
        """Have the worker look for new tasks."""
        self._send({"kind": "enqueue"})

    def stop(self) -> None:
        """Let the worker end in good order and wait for it."""
        self._send({"kind": "stop"})
        _drain(self._process.stdout)
        self._process.wait()

    def finish(self, patience: float) -> None:
        """Ask the worker to end while another thread reads its news; after so many seconds it is
        ended, which is always safe: what is unfinished goes on later."""
        try:
            self._send({"kind": "stop"})
            self._process.wait(patience)
        except (VidelicetError, subprocess.TimeoutExpired):
            self._process.kill()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
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
