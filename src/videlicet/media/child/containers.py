"""A container's outermost structure, read by hand for what ffmpeg does not tell.

ISO base media (ISO/IEC 14496-12): does every box end inside the file, is there a ``moov``, what
duration do the headers claim, are there protected sample entries. Matroska and RIFF: does the
outermost element end inside the file.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from fractions import Fraction

_TOP = frozenset(
    b"ftyp moov mdat moof free skip wide uuid meta sidx ssix styp emsg mfra pnot pdin udta "
    b"prft PICT imda".split()
)
_PARENTS = frozenset(b"trak mdia minf stbl mvex edts sinf schi".split())
_PROTECTED = frozenset(b"encv enca encs enct drmi drms drmt p608".split())
#: No honest header box is larger.
_MOOV_LIMIT = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ContainerOutline:
    """``missing`` is how many bytes the file lacks, 0 if it is whole or cannot tell."""

    kind: str
    missing: int = 0
    has_header: bool = True
    fragmented: bool = False
    encrypted: bool = False
    duration: Fraction | None = None


def read_outline(descriptor: int) -> ContainerOutline:
    """The outline of an open file; ``kind`` is ``mov``, ``matroska``, ``riff`` or ``other``."""
    size = os.fstat(descriptor).st_size
    head = os.pread(descriptor, 64, 0)
    if head[4:8] in _TOP:
        return _mov(descriptor, size)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return ContainerOutline("matroska", missing=_matroska(descriptor, size))
    if head[:4] == b"RIFF":
        declared = int(struct.unpack_from("<I", head, 4)[0])
        # Recorders that cannot seek leave 0 or the largest number; a few bytes are rounding.
        unknown = declared in (0, 0xFFFFFFFF)
        missing = 0 if unknown else max(0, declared + 8 - size)
        return ContainerOutline("riff", missing=missing if missing > 64 else 0)
    return ContainerOutline("other")


def _mov(descriptor: int, size: int) -> ContainerOutline:
    position, missing = 0, 0
    moov, fragmented = None, False
    for _ in range(1_000_000):
        if position + 8 > size:
            break
        head = os.pread(descriptor, 16, position)
        length, kind = struct.unpack_from(">I4s", head)
        if kind not in _TOP:
            break  # padding or foreign bytes behind the last box
        start = 8
        if length == 1:
            length = struct.unpack_from(">Q", head, 8)[0] if len(head) == 16 else 16
            start = 16
        elif length == 0:
            length = size - position
        if length < start:
            break
        fragmented |= kind == b"moof"
        if kind == b"moov" and position + length <= size and length <= _MOOV_LIMIT:
            moov = os.pread(descriptor, length - start, position + start)
        missing = max(0, position + length - size)
        position += length
    found = _Header()
    if moov is not None:
        _walk_boxes(moov, 0, len(moov), found, 0)
    return ContainerOutline(
        "mov",
        missing=0 if fragmented and moov is not None else missing,
        has_header=moov is not None,
        fragmented=fragmented,
        encrypted=found.encrypted,
        duration=found.duration,
    )


class _Header:
    encrypted = False
    duration: Fraction | None = None

    def claim(self, duration: Fraction) -> None:
        self.duration = max(self.duration or duration, duration)


def _walk_boxes(data: bytes, start: int, end: int, found: _Header, depth: int) -> None:
    while start + 8 <= end and depth < 12:
        length, kind = struct.unpack_from(">I4s", data, start)
        stop = end if length == 0 else start + length
        if length == 1 or not start + 8 <= stop <= end:
            return
        if kind in _PARENTS:
            _walk_boxes(data, start + 8, stop, found, depth + 1)
        elif kind in (b"mvhd", b"mdhd"):
            _duration(data[start + 8 : stop], found)
        elif kind == b"stsd":
            entry = start + 16
            while entry + 8 <= stop:
                size, name = struct.unpack_from(">I4s", data, entry)
                found.encrypted |= name in _PROTECTED
                if size < 8:
                    break
                entry += size
        start = stop


def _duration(body: bytes, found: _Header) -> None:
    wide = body[:1] == b"\x01"
    if len(body) < (32 if wide else 20):
        return
    scale, ticks = (
        struct.unpack_from(">IQ", body, 20) if wide else struct.unpack_from(">II", body, 12)
    )
    unknown = ticks in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
    if scale and not unknown:
        found.claim(Fraction(ticks, scale))


def _matroska(descriptor: int, size: int) -> int:
    """Bytes missing from the segment, 0 where its size is unknown (live recordings)."""
    data = os.pread(descriptor, 4096, 0)
    header, position = _number(data, 4)
    if header is None:
        return 0
    position += header
    if data[position : position + 4] != b"\x18\x53\x80\x67":
        return 0
    length, start = _number(data, position + 4)
    return 0 if length is None else max(0, start + length - size)


def _number(data: bytes, at: int) -> tuple[int | None, int]:
    """An EBML variable-size number and where it ends; ``None`` for the reserved "unknown"."""
    if at >= len(data) or not data[at]:
        return None, at
    width = 9 - data[at].bit_length()
    raw = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
    return (None if raw == (1 << 7 * width) - 1 else raw), at + width
