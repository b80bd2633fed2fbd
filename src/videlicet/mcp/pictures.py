"""Stills out of recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    from videlicet.store.files import path_of_asset

    caller = context.caller
    path = path_of_asset(caller.scope(Purpose.SEARCH), caller.store, asset)
    return thumbnails(path, at, width, caller.settings)
