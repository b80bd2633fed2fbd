"""Assets in indexes without any file behind them, for benchmarks of what comes after."""

from __future__ import annotations

from datetime import UTC, datetime

from videlicet.rights import Scope
from videlicet.store import Store
from videlicet.types import (
    Asset,
    AssetOwner,
    Index,
    MediaInfo,
    Video,
    VideoStatus,
    derived_id,
    video_id_of,
)


def enter_asset(
    store: Store, scope: Scope, index: Index, asset_id: str, name: str, media: MediaInfo
) -> None:
    """Enter a recording in an index as one that is ready."""
    now = datetime.now(UTC)
    asset = Asset(
        asset_id, name, now, owner=AssetOwner.INDEX, source=f"/{name}", size=1,
        sha256=derived_id(asset_id) * 2, type="video", recording=media,
    )  # fmt: skip
    video = Video(
        video_id_of(index.id, asset_id), index.id, asset, VideoStatus.READY, now, now, now
    )
    store.catalog.put_asset(scope, asset, video)
