"""Taking back what unfinished tasks left behind."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import NotFound
from videlicet.ingest.files import PROCESSING
from videlicet.ingest.plan import INCOMING, staging
from videlicet.types import Kind, Status

if TYPE_CHECKING:
    from videlicet.jobs.context import WorkerContext
    from videlicet.rights import Scope
    from videlicet.settings import Settings
    from videlicet.store import Store

#: A task in one of these has not ended.
UNFINISHED = (Status.RUNNING, Status.QUEUED)
#: Seconds after which staged files that nothing is known of count as left behind.
MIN_IDLE_SECONDS = 600.0


def sweep(scope: Scope, store: Store, settings: Settings) -> None:
    """Clear away the rows and files of tasks that were cancelled while nobody worked on them. Only
    for a store that no other process works on; a server may be taking uploads in meanwhile."""
    unfinished = store.catalog.list_indexed(scope, status=Status.RUNNING)
    kept = _live_ids(scope, store)
    for entry in unfinished:
        if entry.asset_id not in kept:
            remove_unfinished(scope, store, entry.index_id, entry.asset_id)
    kept |= _pending_ids(scope, store)
    for path in _staged_paths(settings):
        if path.name not in kept and not path.name.startswith(INCOMING):
            _remove(path)


def sweep_incoming(settings: Settings) -> None:
    """Clear away uploads that a server was killed in; for the server of a data directory, before
    it takes any."""
    for path in _staged_paths(settings):
        if path.name.startswith(INCOMING):
            _remove(path)


def sweep_unowned(context: WorkerContext) -> None:
    """Clear away the rows that no task owns, whichever worker they are from, and the files that lie
    unused in this machine's staging, where other workers and servers put theirs too."""
    scope, store = context.scope, context.store
    unfinished = store.catalog.list_indexed(scope, status=Status.RUNNING)
    kept = _live_ids(scope, store)
    for entry in unfinished:
        if entry.asset_id in kept:
            continue
        with context.exclusive(asset_lock(entry.asset_id), wait=False) as alone:
            # It may have been begun anew just now.
            if alone and entry.asset_id not in _live_ids(scope, store):
                remove_unfinished(scope, store, entry.index_id, entry.asset_id)
    staged = _staged_paths(context.settings)
    kept = _live_ids(scope, store) | _pending_ids(scope, store)
    for path in staged:
        if path.name not in kept and _idle_seconds(path) > MIN_IDLE_SECONDS:
            _remove(path)


def asset_lock(asset_id: str) -> str:
    """The name that a task holds while it works on an asset's bytes."""
    return f"asset {asset_id}"


def _live_ids(scope: Scope, store: Store) -> set[str | None]:
    """The tasks that have not ended, and the assets that they are at."""
    live = [task for status in UNFINISHED for task in store.catalog.tasks(scope, status=status)]
    return {task.id for task in live} | {task.asset_id for task in live}


def _pending_ids(scope: Scope, store: Store) -> set[str | None]:
    """Files and embeddings that are worked on, or wait for a worker."""
    return {
        one.id
        for kind in (Kind.FILE, Kind.EMBEDDING)
        for one in store.catalog.find_resources(scope, kind, status=[PROCESSING])[0]
    }


def _staged_paths(settings: Settings) -> list[Path]:
    folder = staging(settings, "")
    return list(folder.iterdir()) if folder.is_dir() else []


def _remove(path: Path) -> None:
    """Take something out of the staging. What cannot go stays: it keeps nobody from working."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _idle_seconds(folder: Path) -> float:
    """Seconds since something in a folder was written."""
    try:
        touched = [path.stat().st_mtime for path in (folder, *folder.rglob("*"))]
    except FileNotFoundError:
        return 0.0  # somebody is at it
    return time.time() - max(touched)


def remove_unfinished(scope: Scope, store: Store, index_id: str, asset_id: str) -> None:
    """Erase what an unfinished task derived; an asset that is ready stays. Of one that was deleted
    meanwhile only blobs can have come since: all else is put into what is there."""
    try:
        within = store.scope(scope, index_id)
        there = store.catalog.indexed(within, asset_id)
        if there is not None and there.status is Status.READY:
            return
        store.remove_asset(within, asset_id)
    except NotFound:
        store.blobs.delete(scope, f"indexes/{index_id}/{asset_id}/")
        if not store.catalog.names(scope, [asset_id]):
            store.blobs.delete(scope, f"assets/{asset_id}/")
