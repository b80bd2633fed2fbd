"""Files that are added by path to a store that machines share.

The worker that takes a file in may be on another machine, and so may whoever plays it later. So its
bytes go into the store, first under the task, and for good under the asset.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from videlicet.errors import MediaError, NotFound, VidelicetError
from videlicet.media.process import open_media, readable
from videlicet.media.sources import scheme_of

if TYPE_CHECKING:
    from videlicet.rights import Scope
    from videlicet.store import Store
    from videlicet.types import Task


def name_of(source: str) -> str:
    """The name of the file at a path or an address."""
    if scheme_of(source) is None:
        return readable(Path(source).name)
    parts = urlsplit(source)
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.netloc


def upload_source(scope: Scope, store: Store, task: Task) -> None:
    """Bring the bytes of a file that a task names to where every worker finds them. One that
    cannot be read fails its task there, as any other would.

    Raises:
        StoreError: ``store_unreachable``.
    """
    if not store.blobs.remote or not task.source or scheme_of(task.source):
        return
    path = Path(task.source)
    try:
        open_media(path).close()
    except VidelicetError:
        return
    store.blobs.put(scope, _key(task.id) + "source", path)


def open_source(scope: Scope, store: Store, task: Task) -> Path:
    """The bytes that came with a task.

    Raises:
        InvalidInput: why the file could not be read, where that can be seen from here.
        MediaError: ``source_missing`` otherwise.
    """
    try:
        return store.blobs.path(scope, _key(task.id) + "source")
    except NotFound:
        open_media(Path(task.source)).close()
        name = readable(task.source)
        raise MediaError("source_missing", f"{name} could not be read.", subject=name) from None


def delete_source(scope: Scope, store: Store, task_id: str) -> None:
    """Take away what came with a task that has ended."""
    if store.blobs.remote:
        store.blobs.delete(scope, _key(task_id))


def _key(task_id: str) -> str:
    return f"tasks/{task_id}/"
