"""The bytes of files that users uploaded or added by path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import MediaError
from videlicet.rights import require_asset
from videlicet.types import Kind

if TYPE_CHECKING:
    from videlicet.rights import Scope
    from videlicet.store.store import Store
    from videlicet.types import Resource


def path_of_file(scope: Scope, store: Store, file: Resource) -> Path:
    """Where the bytes of a ready file are.

    Raises:
        MediaError: ``source_missing``, if one that was added by path is no longer there.
        NotPermitted: ``purpose_not_permitted``, by the policy.
    """
    require_allowed(scope, store, file)
    if blob := file.body.get("blob"):
        return store.blobs.path(scope, blob)
    path = Path(file.body["path"])
    if not path.is_file():
        raise MediaError("source_missing", f"The original of {file.name} is gone.", subject=file.id)
    return path


def require_allowed(scope: Scope, store: Store, file: Resource) -> None:
    """Raise ``purpose_not_permitted`` where the policy withholds a video that was made from a
    file."""
    if store.policy.selective:
        videos, _ = store.catalog.find_resources(
            scope, Kind.VIDEO, body=[(["file_id"], "==", file.id)]
        )
        for video in videos:
            require_asset(store.policy, scope, video.id)
