"""Videos that are served in segments: HLS playlists of videos that have an end, as one file.

Each segment is fetched like any other address, with the same checks. Segments that are encrypted,
and sound in a playlist of its own, are refused or left out: nothing is decoded here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from videlicet.errors import MediaError
from videlicet.media.fetch import fetch

if TYPE_CHECKING:
    from m3u8 import M3U8

    from videlicet.settings import Settings

#: First bytes of a playlist; most bytes of one, and most segments it may name.
_MARK = b"#EXTM3U"
LARGEST, MAX_SEGMENTS = 4 * 1024**2, 20_000
#: Most keys, and most heads: the library compares each segment with all of them.
KEYS = 100
#: Bytes that are copied at a time.
_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SegmentRange:
    """An address, and of what is there the first byte and how many (``None``: all)."""

    url: str
    start: int = 0
    length: int | None = None


def is_playlist(path: Path) -> bool:
    """Whether a file is a playlist rather than a video."""
    with path.open("rb") as file:
        return file.read(len(_MARK)) == _MARK


def join(url: str, playlist: Path, settings: Settings, check: Callable[[], None]) -> None:
    """Put the video that ``playlist`` (fetched from ``url``) names in the place of the playlist.
    ``check`` is called often and may raise.

    Raises:
        InvalidInput, MediaError, StoreError: as :func:`videlicet.media.fetch.fetch`; and
            ``media_not_recognised`` for what has no end or names no segments, ``media_encrypted``.
        OSError: where it cannot be written.
    """
    deadline = time.monotonic() + settings.fetch_timeout
    whole, part = playlist.with_name("joined"), playlist.with_name("segment")
    left = settings.fetch_max

    def get(address: str, most: int) -> Path:
        limits = settings.model_copy(
            update={"fetch_max": most, "fetch_timeout": max(1.0, deadline - time.monotonic())}
        )
        return fetch(address, part, limits, progress=lambda *_: check())

    try:
        parsed = _read(url, playlist)
        if isinstance(parsed, str):
            url = parsed
            parsed = _read(url, get(url, LARGEST))
        if isinstance(parsed, str):
            raise _refused(url, "it names no segments")
        there = None
        with whole.open("wb") as out:
            for one in parsed:
                # Segments may be stretches of one file. What is fetched counts, used or not.
                if one.url != there:
                    left -= get(one.url, max(left, 1)).stat().st_size
                    there = one.url
                with part.open("rb") as source:
                    source.seek(min(one.start, settings.fetch_max))
                    _copy(source, out, one.length)
                if left < 0 or out.tell() > settings.fetch_max:
                    raise MediaError(
                        "media_too_large",
                        f"{url} is larger than fetch_max, {settings.fetch_max} bytes.",
                        subject=url,
                    )
            out.flush()
            os.fsync(out.fileno())
        os.replace(whole, playlist)
    finally:
        whole.unlink(missing_ok=True)
        part.unlink(missing_ok=True)


def _copy(source: BinaryIO, out: BinaryIO, length: int | None) -> None:
    """Copy so many bytes, or all that are left, a block at a time."""
    while length is None or length > 0:
        block = source.read(_BLOCK if length is None else min(_BLOCK, length))
        if not block:
            return
        out.write(block)
        length = None if length is None else length - len(block)


def _read(url: str, path: Path) -> str | list[SegmentRange]:
    """The segments that a playlist names, or the address of the best version where it names
    several."""
    import m3u8

    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if not data.startswith(_MARK) or len(data) > LARGEST:
        raise _refused(url, "it is no playlist")
    if max(data.count(b"#EXT-X-KEY"), data.count(b"#EXT-X-MAP")) > KEYS:
        raise _refused(url, f"it has more than {KEYS} keys or heads")
    if data.count(b"#EXTINF") > MAX_SEGMENTS:
        raise _refused(url, f"it names more than {MAX_SEGMENTS} segments")
    try:
        read = m3u8.loads(data.decode("utf-8", "replace"), uri=url)
        if read.playlists:
            best = max(read.playlists, key=lambda one: one.stream_info.bandwidth)
            return str(best.absolute_uri)
        return list(_segments(url, read))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        # Whatever a broken playlist makes the library stumble over.
        raise _refused(url, "the playlist cannot be read") from error


def _segments(url: str, playlist: M3U8) -> Iterator[SegmentRange]:
    if not playlist.is_endlist:
        raise _refused(url, "a live playlist has no end")
    if any(key is not None and key.method != "NONE" for key in playlist.keys):
        raise MediaError("media_encrypted", f"{url}: its segments are encrypted.", subject=url)
    if not playlist.segments:
        raise _refused(url, "it names no segments")
    if len(playlist.segments) > MAX_SEGMENTS:
        raise _refused(url, f"it names more than {MAX_SEGMENTS} segments")
    head = None
    after = 0
    for segment in playlist.segments:
        if (section := segment.init_section) is not None:
            before, head = head, _segment(section.absolute_uri, section.byterange, 0)
            if head != before:
                yield head
        part = _segment(segment.absolute_uri, segment.byterange, after)
        yield part
        after = part.start + (part.length or 0)


def _segment(url: str, byterange: str | None, usual: int) -> SegmentRange:
    """The byte range ``length@start``; it begins at ``usual`` without."""
    length, _, start = (byterange or "").partition("@")
    if not length.isdecimal():
        return SegmentRange(url)
    return SegmentRange(url, int(start) if start.isdecimal() else usual, int(length))


def _refused(url: str, why: str) -> MediaError:
    return MediaError("media_not_recognised", f"{url}: {why}.", subject=url)
