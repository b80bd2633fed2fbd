"""Copies of a file whose pictures and sounds stay as they are, with other chapters.

Done in a confined child process, like everything that reads media.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import InvalidInput
from videlicet.media.cut import atomic_output
from videlicet.media.process import DecoderProcess, Input, open_media, readable
from videlicet.media.sandbox import Limits
from videlicet.types import Span

if TYPE_CHECKING:
    from videlicet.settings import Settings

#: What may be written, by the ending of the name; ffmpeg's names of the muxers.
MUXERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".m4a": "ipod",
    ".mov": "mov",
    ".mkv": "matroska",
    ".mka": "matroska",
    ".webm": "webm",
}
#: Headers and an index beside the packets themselves.
_MORE = 64 * 1024**2


def with_chapters(
    path: Input,
    chapters: Sequence[tuple[Span, str]],
    out: str | os.PathLike[str],
    settings: Settings,
) -> list[str]:
    """Write a copy of a file to ``out`` that has exactly these chapters: where each is on the
    file's own timeline, and its title. Pictures, sounds, subtitles and tags are copied as they are.

    The ending of ``out`` says what it is written as (:data:`MUXERS`). It appears only when it is
    complete; an older file of that name is replaced. Returns the kinds of streams that were left
    out: ``data`` (such as a timecode track) always, and ``subtitle`` and ``cover`` where that
    container does not take them as they are.

    Raises:
        InvalidInput: ``invalid_argument`` for an ending not in :data:`MUXERS`.
        MediaError: ``media_codec_unsupported`` where that container cannot hold what is in the
            file; other codes where it cannot be read.
        StoreError: ``disk_full`` or ``store_not_writable``.
    """
    ending = Path(out).suffix.lower()
    if ending not in MUXERS:
        raise InvalidInput(
            "invalid_argument",
            f"A copy with chapters ends in one of {', '.join(MUXERS)}.",
            subject="out",
        )
    subject = readable(path)
    arguments = {
        "muxer": MUXERS[ending],
        "chapters": [[*span.to_json(), title] for span, title in chapters],
    }
    with open_media(path, subject) as source, atomic_output(out) as file:
        size = os.fstat(source.fileno()).st_size
        limits = Limits.of(settings, cpu=3600, output=size + size // 4 + _MORE)
        with DecoderProcess(
            "copy", arguments, limits, [source, file], subject=subject, largest=0, stall=600
        ) as child:
            header, _ = child.only()
    return [str(kind) for kind in header["left_out"]]
