"""Stills out of recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import MediaError
from videlicet.rights import Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from videlicet.mcp.context import ToolContext
    from videlicet.types import Asset, Instant

#: A JPEG.
Picture = bytes


def extract_stills(
    context: ToolContext, asset: Asset, at: Sequence[Instant], width: int
) -> list[Picture]:
    """JPEGs of the frames on screen at instants of the recording's own timeline.

    Raises:
        MediaError: ``source_missing`` or ``media_no_stream``, among others.
    """
    from videlicet.media.cut import thumbnails

    return thumbnails(_original(context, asset), at, width, context.caller.settings)


def _original(context: ToolContext, asset: Asset) -> Path:
    if asset.blob is not None:
        return context.caller.store.blobs.path(context.caller.scope(Purpose.SEARCH), asset.blob)
    path = Path(asset.source)
    if not path.is_file():
        raise MediaError(
            "source_missing", f"The original of {asset.name} is gone.", subject=asset.id
        )
    return path
