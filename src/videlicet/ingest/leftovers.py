"""Taking back what unfinished tasks left behind."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.ingest.files import PROCESSING
from videlicet.ingest.plan import INCOMING, staging
from videlicet.types import Kind, Status

if TYPE_CHECKING:
    from videlicet.ingest.worker.runtime import Runtime
    from videlicet.rights import Grant
    from videlicet.settings import Settings
    from videlicet.store import Store

#: A task in one of these has not ended.
LIVE = (Status.RUNNING, Status.QUEUED)
#: Seconds after which staged files that nothing is known of count as left behind.
UNUSED = 600.0


def sweep(grant: Grant, store: Store, settings: Settings) -> None:
    """Clear away the rows and files of tasks that were cancelled while nobody worked on them. Only
    for a store that no other process works on; a server may be taking uploads in meanwhile."""
    unfinished = store.catalog.list_indexed(grant, status=Status.RUNNING)
    kept = _owned(grant, store)
    for entry in unfinished:
        if entry.asset_id not in kept:
            take_back(grant, store, entry.index_id, entry.asset_id)
    for path in _staged(settings):
        if path.name not in kept and not path.name.startswith(INCOMING):
            shutil.rmtree(path)


def sweep_incoming(settings: Settings) -> None:
    """Clear away uploads that a server was killed in; for the server of a data directory, before
    it takes any."""
    for path in _staged(settings):
        if path.name.startswith(INCOMING):
            shutil.rmtree(path)


def sweep_shared(runtime: Runtime) -> None:
    """Clear away the rows that no task owns, whichever worker they are from, and the files that lie
    unused in this machine's staging, where other workers and servers put theirs too."""
    grant, store = runtime.grant, runtime.store
    unfinished = store.catalog.list_indexed(grant, status=Status.RUNNING)
    kept = _owned(grant, store)
    for entry in unfinished:
        if entry.asset_id in kept:
            continue
        with runtime.alone(lock_of(entry.asset_id), wait=False) as alone:
            # It may have been begun anew just now.
            if alone and entry.asset_id not in _owned(grant, store):
                take_back(grant, store, entry.index_id, entry.asset_id)
    staged = _staged(runtime.settings)
    kept = _owned(grant, store)
    for kind in (Kind.FILE, Kind.EMBEDDING):
        waiting, _ = store.catalog.find_resources(grant, kind, status=[PROCESSING])
        kept |= {one.id for one in waiting}
    for path in staged:
        if path.name not in kept and _idle(path) > UNUSED:
            shutil.rmtree(path, ignore_errors=True)


def lock_of(asset_id: str) -> str:
    """The name that a task holds while it works on an asset's bytes."""
    return f"asset {asset_id}"


def _owned(grant: Grant, store: Store) -> set[str | None]:
    """The tasks that have not ended, and the assets that they are at."""
    live = [task for status in LIVE for task in store.catalog.tasks(grant, status=status)]
    return {task.id for task in live} | {task.asset_id for task in live}


def _staged(settings: Settings) -> list[Path]:
    folder = staging(settings, "")
    return list(folder.iterdir()) if folder.is_dir() else []


def _idle(folder: Path) -> float:
    """Seconds since something in a folder was written."""
    try:
        touched = [path.stat().st_mtime for path in (folder, *folder.rglob("*"))]
    except FileNotFoundError:
        return 0.0  # somebody is at it
    return time.time() - max(touched)


def take_back(grant: Grant, store: Store, index_id: str, asset_id: str) -> None:
    """Erase what an unfinished task derived; an asset that is ready stays."""
    there = store.catalog.indexed(grant, index_id, asset_id)
    if there is not None and there.status is not Status.READY:
        store.remove_asset(grant, index_id, asset_id)
