"""Films that are served in pieces: HLS playlists of films that have an end, as one file.

Each piece is fetched like any other address, with the same checks. Pieces that are encrypted, and
sound in a playlist of its own, are refused or left out: nothing is decoded here.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from videlicet.errors import MediaError
from videlicet.media.fetch import fetch

if TYPE_CHECKING:
    from videlicet.settings import Settings

#: First bytes of a playlist; most bytes of one, and most pieces it may name.
_MARK = b"#EXTM3U"
LARGEST, PIECES = 4 * 1024**2, 20_000
_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)')


@dataclass(frozen=True, slots=True)
class Piece:
    """An address, and of what is there the first byte and how many (``None``: all)."""

    url: str
    start: int = 0
    length: int | None = None


def is_playlist(path: Path) -> bool:
    """Whether a file is a playlist rather than a film."""
    with path.open("rb") as file:
        return file.read(len(_MARK)) == _MARK


def join(url: str, playlist: Path, settings: Settings, check: Callable[[], None]) -> None:
    """Put the film that ``playlist`` (fetched from ``url``) names in the place of the playlist.
    ``check`` is called often and may raise.

    Raises:
        InvalidInput, MediaError, StoreError: as :func:`videlicet.media.fetch.fetch`; and
            ``media_not_recognised`` for what has no end or names no pieces, ``media_encrypted``.
        OSError: where it cannot be written.
    """
    deadline = time.monotonic() + settings.fetch_timeout
    whole, piece = playlist.with_name("joined"), playlist.with_name("piece")
    left = settings.fetch_max

    def get(address: str, most: int) -> Path:
        limits = replace(
            settings, fetch_max=most, fetch_timeout=max(1.0, deadline - time.monotonic())
        )
        return fetch(address, piece, limits, progress=lambda *_: check())

    try:
        text = _text(url, playlist)
        if best := _best(text):
            url = urljoin(url, best)
            text = _text(url, get(url, LARGEST))
        there = None
        with whole.open("wb") as out:
            for one in _pieces(url, text):
                # Pieces may be stretches of one file. What is fetched counts, used or not.
                if one.url != there:
                    left -= get(one.url, max(left, 1)).stat().st_size
                    there = one.url
                with piece.open("rb") as source:
                    source.seek(one.start)
                    if one.length is None:
                        shutil.copyfileobj(source, out, 1024 * 1024)
                    else:
                        out.write(source.read(one.length))
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
        piece.unlink(missing_ok=True)


def _text(url: str, path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if not data.startswith(_MARK) or len(data) > LARGEST:
        raise _refused(url, "it is no playlist")
    return data.decode("utf-8", "replace")


def _best(text: str) -> str | None:
    """The address of the version with the most bits, where there are several."""
    found: list[tuple[int, str]] = []
    bits: int | None = None
    for line in map(str.strip, text.splitlines()):
        if line.startswith("#EXT-X-STREAM-INF:"):
            asked = _attributes(line).get("BANDWIDTH", "")
            bits = int(asked) if asked.isdecimal() else 0
        elif bits is not None and line and not line.startswith("#"):
            found.append((bits, line))
            bits = None
    return max(found)[1] if found else None


def _pieces(url: str, text: str) -> Iterator[Piece]:
    lines = [line.strip() for line in text.splitlines()]
    if "#EXT-X-ENDLIST" not in lines:
        raise _refused(url, "a playlist without an end is no film")
    count = 0
    length: int | None = None
    start = after = 0
    for line in lines:
        if line.startswith("#EXT-X-KEY:") and _attributes(line).get("METHOD") != "NONE":
            raise MediaError("media_encrypted", f"{url}: its pieces are encrypted.", subject=url)
        if line.startswith("#EXT-X-MAP:"):
            head = _attributes(line)
            size, at = _range(head.get("BYTERANGE", ""), 0)
            yield Piece(urljoin(url, head.get("URI", "")), at, size)
        elif line.startswith("#EXT-X-BYTERANGE:"):
            length, start = _range(line.partition(":")[2], after)
        elif line and not line.startswith("#"):
            count += 1
            if count > PIECES:
                raise _refused(url, f"it names more than {PIECES} pieces")
            yield Piece(urljoin(url, line), start, length)
            after = start + (length or 0)
            length, start = None, 0
    if not count:
        raise _refused(url, "it names no pieces")


def _attributes(line: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(line.partition(":")[2])}


def _range(text: str, usual: int) -> tuple[int | None, int]:
    """Length and start of a stretch of bytes."""
    length, _, start = text.partition("@")
    if not length.isdecimal():
        return None, 0
    return int(length), int(start) if start.isdecimal() else usual


def _refused(url: str, why: str) -> MediaError:
    return MediaError("media_not_recognised", f"{url}: {why}.", subject=url)
