"""The caller's side of an ingest: hand in sources, start the worker, pass on its news."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from videlicet.errors import Cancelled, Conflict
from videlicet.ingest import videos
from videlicet.ingest.gc import UNFINISHED, remove_unfinished, sweep
from videlicet.ingest.progress import Progress
from videlicet.ingest.sources import upload_source
from videlicet.ingest.task_events import follow_tasks
from videlicet.jobs.client import WorkerProcess
from videlicet.rights import EVERY_TENANT
from videlicet.store import open_store
from videlicet.store.secret import server_secret
from videlicet.types import Index, Status, Task, derived_id, random_id

if TYPE_CHECKING:
    from videlicet.media.sources import SourceItem
    from videlicet.rights import Scope
    from videlicet.settings import Settings
    from videlicet.store import Store

#: A task in one of these can be tried again.
RETRYABLE = (Status.FAILED, Status.CANCELLED)


def ingest(
    scope: Scope, store: Store, settings: Settings, index: Index, sources: Sequence[SourceItem]
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
            yield source_failed(source)
    if store.database.shared:
        server_secret(settings)  # its worker would not begin without
    tasks = submit(scope, store, index, sources)
    yield from run_worker_until_done(scope, store, settings, tasks)


def submit(scope: Scope, store: Store, index: Index, sources: Sequence[SourceItem]) -> list[Task]:
    """A durable task for each source that has none unfinished yet. Sources in error are left
    out. Where machines share the store, the bytes of files go into it before their task does."""
    waiting = {task.source: task for task in unfinished_tasks(scope, store, index.id)}
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
            upload_source(scope, store, task)
            store.catalog.put_task(scope, task)
            waiting[place] = task
        tasks.append(task)
    return tasks


def retry(
    scope: Scope, store: Store, settings: Settings, task_ids: Sequence[str] = ()
) -> Iterator[Progress]:
    """Run failed or cancelled tasks again (all of them, where none is named); yields like
    :func:`ingest`.

    Raises:
        NotFound: ``task_not_found``.
        Conflict: ``task_not_retryable``, for a task that is at work or ready.
    """
    if task_ids:
        chosen = [store.catalog.task(scope, task_id) for task_id in task_ids]
    else:
        chosen = [task for s in RETRYABLE for task in store.catalog.tasks(scope, status=s)]
    for task in chosen:
        require_retryable(task)
    for task in chosen:
        upload_source(scope, store, task)
    again = [requeue(scope, store, task) for task in chosen]
    yield from run_worker_until_done(scope, store, settings, again)


def require_retryable(task: Task) -> None:
    """Refuse a task that is at work or ready.

    Raises:
        Conflict: ``task_not_retryable``.
    """
    if task.status not in RETRYABLE:
        raise Conflict("task_not_retryable", f"Task {task.id} is {task.status}.", subject=task.id)


def requeue(scope: Scope, store: Store, task: Task) -> Task:
    """Put a task that failed or was cancelled among those that wait for a worker; its video, if it
    has one, waits again too."""
    again = store.catalog.update_task(
        scope, task.id, when=RETRYABLE, status=Status.QUEUED, error=None, done_s=0.0, total_s=None,
        attempts=task.attempts + 1,
    )  # fmt: skip
    if again.video_id is not None:
        videos.requeue_video(scope, store, again.video_id)
    return again


def cancel(scope: Scope, store: Store, settings: Settings, task_id: str) -> Task:
    """Stop a queued or running task, whichever process runs it.

    A running worker notices within a second and takes back what the task has done so far. In a data
    directory that nobody writes to, that is done here; where machines share the store, it is left
    to the next worker.

    Raises:
        NotFound: ``task_not_found``.
        Conflict: ``task_not_cancellable``, for a task that has ended.
    """
    task = mark_cancelled(scope, store, task_id)
    if store.writable or store.database.shared:
        return task  # whoever works on this process's behalf takes back what the task has done
    try:
        writer = open_store(settings, write=True)
    except Conflict:
        return task  # the same is true of another process that writes
    with writer:
        _fail_video(scope, writer, task)
        if task.asset_id is not None:
            remove_unfinished(scope, writer, task.index_id, task.asset_id)
        sweep(store.scope(scope.within(EVERY_TENANT)), writer, settings)
    return task


def mark_cancelled(scope: Scope, store: Store, task_id: str) -> Task:
    """Mark a queued or running task as cancelled, for a worker to notice. Where ``store`` is open
    for writing, its video fails at once, however long the worker is busy with others.

    Raises:
        NotFound: ``task_not_found``.
        Conflict: ``task_not_cancellable``, for a task that has ended.
    """
    before = store.catalog.task(scope, task_id)
    task = before
    if not before.status.ended:
        task = store.catalog.update_task(
            scope, task_id, when=UNFINISHED, status=Status.CANCELLED, stage=None
        )
    if before.status.ended or task.status is not Status.CANCELLED:
        raise Conflict("task_not_cancellable", f"Task {task_id} is {task.status}.", subject=task_id)
    if store.writable:
        _fail_video(scope, store, task)
    return task


def _fail_video(scope: Scope, store: Store, task: Task) -> None:
    """Fail the video of a cancelled task; one that the task adds goes instead, once it is taken
    back."""
    if task.video_id is not None and not task.source:
        error = Cancelled("cancelled", "The task was cancelled.")
        videos.fail_video(scope, store, task.video_id, error)


def unfinished_tasks(scope: Scope, store: Store, index_id: str | None = None) -> list[Task]:
    """Unfinished tasks, oldest first."""
    found = [
        t for s in UNFINISHED for t in store.catalog.tasks(store.scope(scope, index_id), status=s)
    ]
    return sorted(found, key=lambda task: (task.created_at, task.id))


def source_failed(source: SourceItem) -> Progress:
    """The news of a source that cannot even be looked at."""
    assert source.error is not None
    return Progress(
        task_id=derived_id("refused", source.name),
        source=source.name,
        status=Status.FAILED,
        error=source.error.to_json(),
    )


def run_worker_until_done(
    scope: Scope, store: Store, settings: Settings, tasks: Sequence[Task]
) -> Iterator[Progress]:
    """Run a worker until ``tasks`` have ended, and all that are unfinished beside them in a data
    directory. On a store that machines share, other workers may do the work."""
    wanted = {task.id: task for task in tasks}
    if not store.database.shared:
        wanted = {task.id: task for task in unfinished_tasks(scope, store)} | wanted
    for task in wanted.values():
        # One that was broken off waits like the others until a worker takes it up again.
        waits = {} if task.status.ended else {"status": Status.QUEUED, "stage": None}
        yield Progress.of(task, **waits)
    pending = {task.id for task in wanted.values() if not task.status.ended}
    if not pending:
        return
    with WorkerProcess(scope, store, settings) as worker:
        if store.database.shared:
            yield from follow_tasks(scope, store, worker, pending)
            return
        for event in worker.events():
            news = Progress.from_json(event)
            yield news
            if news.status.ended:
                pending.discard(news.task_id)
            if not pending:
                worker.stop()
                return
