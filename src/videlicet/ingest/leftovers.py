"""Taking back what unfinished tasks left behind."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from videlicet.ingest.plan import staging
from videlicet.types import Status

if TYPE_CHECKING:
    from videlicet.rights import Grant
    from videlicet.settings import Settings
    from videlicet.store import Store

#: A task in one of these has not ended.
LIVE = (Status.RUNNING, Status.QUEUED)


def sweep(grant: Grant, store: Store, settings: Settings) -> None:
    """Clear away the rows and files of tasks that were cancelled while nobody worked on them."""
    live = [task for status in LIVE for task in store.catalog.tasks(grant, status=status)]
    kept = {task.id for task in live} | {task.asset_id for task in live}
    for entry in store.catalog.list_indexed(grant, status=Status.RUNNING):
        if entry.asset_id not in kept:
            take_back(grant, store, entry.index_id, entry.asset_id)
    folder = staging(settings, "")
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in kept:
            shutil.rmtree(path)


def take_back(grant: Grant, store: Store, index_id: str, asset_id: str) -> None:
    """Erase what an unfinished task derived; an asset that is ready stays."""
    there = store.catalog.indexed(grant, index_id, asset_id)
    if there is not None and there.status is not Status.READY:
        store.remove_asset(grant, index_id, asset_id)
