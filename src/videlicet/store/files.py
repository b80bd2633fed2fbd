"""The bytes of assets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import MediaError
from videlicet.rights import require_asset

if TYPE_CHECKING:
    from videlicet.rights import Scope
    from videlicet.store.store import Store
    from videlicet.types import Asset


def path_of_asset(scope: Scope, store: Store, asset: Asset) -> Path:
    """Where the bytes of a ready asset are.

    Raises:
        MediaError: ``source_missing``, if one that was added by path is no longer there. Clients of
            a server see the message, so it does not name the path.
        NotPermitted: ``purpose_not_permitted``, by the policy.
    """
    require_asset(store.policy, scope, asset.id)
    if asset.blob is not None:
        return store.blobs.path(scope, asset.blob)
    path = Path(asset.source)
    if not path.is_file():
        raise MediaError(
            "source_missing", f"The original of {asset.name} is gone.", subject=asset.id
        )
    return path
