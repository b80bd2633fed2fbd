"""Cuts as files: a clip of each, or all of them as one video."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.analyze.exports.cuts import Cut, file_name
from videlicet.analyze.exports.exporter import CutExport, Exporter, OnFile
from videlicet.errors import InvalidInput
from videlicet.media.cut import cut_clip, cut_reel

if TYPE_CHECKING:
    from videlicet.settings import Settings


def write_clips(
    cuts: Sequence[Cut],
    folder: str | os.PathLike[str],
    settings: Settings,
    on_file: Callable[[Path], None] = lambda _: None,
) -> list[Path]:
    """Write each cut as an MP4 of its own into ``folder`` and return their paths, in order.

    A file is named by its number and title (``01-a-dog-runs.mp4``); ``on_file`` is called with
    each as soon as it is there. Each cut's ``source`` must be a path.

    Raises as :func:`videlicet.media.cut.cut_clip`, and :class:`InvalidInput` ``path_not_found``
    where there is no such folder.
    """
    home = Path(folder)
    if not home.is_dir():
        raise InvalidInput("path_not_found", f"There is no folder {home}.", subject=str(home))
    found = []
    for number, cut in enumerate(cuts, 1):
        path = home / file_name(number, cut.title, ".mp4")
        cut_clip(cut.source, cut.span, path, settings)
        on_file(path)
        found.append(path)
    return found


def write_reel(cuts: Sequence[Cut], out: str | os.PathLike[str], settings: Settings) -> None:
    """Write all cuts one after the other as one MP4, as large as the largest of their pictures.

    Each cut's ``source`` must be a path. Raises as :func:`videlicet.media.cut.cut_reel`.
    """
    sizes = [(v.width, v.height) for cut in cuts if (v := cut.asset.media.video) is not None]
    cut_reel(
        [(cut.source, cut.span) for cut in cuts],
        max(sizes, key=lambda size: size[0] * size[1], default=None),
        any(cut.asset.media.audio for cut in cuts),
        out,
        settings,
    )


def _to_clips(data: CutExport, out: Path, settings: Settings, on_file: OnFile) -> None:
    write_clips(data.cuts, out, settings, on_file)


def _to_reel(data: CutExport, out: Path, settings: Settings, on_file: OnFile) -> None:
    write_reel(data.cuts, out, settings)
    on_file(out)


CLIPS = Exporter("video/mp4", "", "each cut as a clip of its own, in a folder", write=_to_clips)
REEL = Exporter("video/mp4", ".mp4", "all cuts as one video", write=_to_reel)
