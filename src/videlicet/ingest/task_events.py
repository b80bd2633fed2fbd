"""News of tasks that any worker of a shared store may be at."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from videlicet.errors import NotFound, VidelicetError
from videlicet.ingest.gc import UNFINISHED
from videlicet.ingest.progress import Progress
from videlicet.store.database.worker_session import notify_workers
from videlicet.types import Status

if TYPE_CHECKING:
    from videlicet.jobs.client import WorkerProcess
    from videlicet.rights import Scope
    from videlicet.store import Store

#: Seconds between two looks at the catalog.
POLL_SECONDS = 1.0


def follow_tasks(
    scope: Scope, store: Store, worker: WorkerProcess, pending: set[str]
) -> Iterator[Progress]:
    """What ``worker`` says of the tasks in ``pending``, and what the catalog says of those that
    others are at, until all have ended; then the worker ends too.

    Raises:
        TaskError: ``worker_died``, if ``worker`` does before.
    """
    said: queue.SimpleQueue[Progress | VidelicetError] = queue.SimpleQueue()

    def listen() -> None:
        try:
            for event in worker.events():
                said.put(Progress.from_json(event))
        except VidelicetError as error:
            said.put(error)

    listener = threading.Thread(target=listen, name="news", daemon=True)
    listener.start()
    try:
        notify_workers(store.database)
        yield from _events(scope, store, said, set(pending))
        worker.shut_down()
    finally:
        worker.kill()
        listener.join()


def _events(
    scope: Scope,
    store: Store,
    said: queue.SimpleQueue[Progress | VidelicetError],
    pending: set[str],
) -> Iterator[Progress]:
    catalog = _CatalogWatch(scope, store)
    due = time.monotonic() + POLL_SECONDS
    while pending:
        try:
            one = said.get(timeout=max(0.0, due - time.monotonic()))
        except queue.Empty:
            due = time.monotonic() + POLL_SECONDS
            events = list(catalog.changes(pending))
        else:
            if isinstance(one, VidelicetError):
                raise one
            events = [one] if one.task_id in pending else []
            catalog.note_reported(events)
        for news in events:
            if news.status.ended:
                pending.discard(news.task_id)
            yield news


class _CatalogWatch:
    """What has changed in the catalog since the last look."""

    def __init__(self, scope: Scope, store: Store) -> None:
        self._scope = scope
        self._store = store
        self._known: dict[str, tuple[str | None, float]] = {}
        self._ended: set[str] = set()

    def note_reported(self, events: list[Progress]) -> None:
        """Note what was reported otherwise."""
        self._known |= {one.task_id: (one.stage, one.done_s) for one in events}

    def changes(self, pending: set[str]) -> Iterator[Progress]:
        """What is new of those in ``pending``. An end is reported at the second poll only, so that
        the worker, which knows more about it, comes first."""
        live = {
            t.id: t for s in UNFINISHED for t in self._store.catalog.tasks(self._scope, status=s)
        }
        for id in sorted(pending):
            task = live.get(id)
            if task is None:
                if id in self._ended:
                    yield self._end(id)
                self._ended.add(id)
            elif task.status is Status.RUNNING and (
                self._known.get(id, ("", 0.0))[0] != task.stage or self._known[id][1] < task.done_s
            ):
                self._known[id] = (task.stage, task.done_s)
                yield Progress.of(task)

    def _end(self, task_id: str) -> Progress:
        catalog = self._store.catalog
        try:
            task = catalog.task(self._scope, task_id)
            scope = self._store.scope(self._scope, task.index_id)
        except NotFound:
            return Progress(task_id, "", Status.CANCELLED)
        there = None if task.asset_id is None else catalog.video_of(scope, task.asset_id)
        return Progress.of(task, notes=() if there is None else there.notes)
