"""Frames of videos, for language models that take pictures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import VidelicetError

if TYPE_CHECKING:
    from videlicet.rights import Scope
    from videlicet.settings import Settings
    from videlicet.store import Store
    from videlicet.types import Asset, Instant

#: Frames of an asset at some instants, as JPEG.
FrameLoader = Callable[["Asset", Sequence["Instant"]], list[bytes]]

#: Pixels that a frame is wide: enough for signs, and few tokens.
WIDTH = 640

_log = logging.getLogger(__name__)


def frame_loader(scope: Scope, store: Store, settings: Settings) -> FrameLoader | None:
    """What gives frames on behalf of ``scope``, where the settings say that the model takes
    pictures. Of a recording without pictures, or whose original is gone, there are none: its words
    can still be read."""
    if not settings.llm_vision:
        return None

    def look(asset: Asset, at: Sequence[Instant]) -> list[bytes]:
        from videlicet.media.cut import thumbnails

        if asset.media.video is None:
            return []
        try:
            path = Path(asset.source) if asset.blob is None else store.blobs.path(scope, asset.blob)
            return thumbnails(path, at, WIDTH, settings)
        except VidelicetError as error:
            _log.warning("no frames", extra={"asset": asset.id, "code": error.code})
            return []

    return look
