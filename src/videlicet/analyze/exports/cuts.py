"""A cut: one stretch of one file, as an editor or a reel takes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from videlicet.types import Asset, Chapter, EvidenceItem, Highlight, Hit, Span

_UNSAFE = re.compile(r"[^\w-]+")
#: Names that Windows keeps for devices.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Cut:
    """``span`` is on the file's own timeline; ``source`` is the path or the address of the file.
    ``citations`` say what the cut was chosen for."""

    asset: Asset
    source: str
    span: Span
    title: str
    citations: tuple[EvidenceItem, ...] = ()

    @classmethod
    def of(cls, asset: Asset, source: str, found: Highlight | Chapter | Hit) -> Cut:
        """What an analysis or a search found; a hit is titled by what was found there."""
        if isinstance(found, Hit):
            said = (one.text for one in found.evidence if one.text)
            return cls(asset, source, found.span, one_line(next(said, asset.name)))
        return cls(asset, source, found.span, one_line(found.title.text), found.title.citations)


def one_line(text: str) -> str:
    """Text without line ends and control characters."""
    return " ".join(_BREAKS.sub(" ", text).split())


def file_name(number: int, title: str, ending: str) -> str:
    """A name that is one on every system and in every shell: ``03-a-dog-runs.mp4``."""
    words = _UNSAFE.sub("-", title.casefold()).strip("-")
    while len(words.encode()) > 80:
        words = words[:-1]
    words = words.strip("-")
    if not words or _DEVICES.fullmatch(words):
        words = "clip"
    return f"{number:02d}-{words}{ending}"
