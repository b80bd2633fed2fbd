"""Chapters in the forms that players, platforms and containers read.

Times count from the file's start, except in the container's own metadata, which is on its timeline.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from videlicet.analyze.exports.cue import Cue
from videlicet.analyze.exports.exporter import ChapterExport, Exporter
from videlicet.analyze.exports.subtitles import webvtt as cues_as_webvtt
from videlicet.errors import InvalidInput
from videlicet.media.remux import with_chapters
from videlicet.types import Chapter, Instant, Span

if TYPE_CHECKING:
    from videlicet.media.process import Input
    from videlicet.settings import Settings

#: YouTube's rules, from its help page *Video chapters*.
_FEWEST, _SHORTEST = 3, 10
_PODLOVE = "http://podlove.org/simple-chapters"
#: What XML 1.0 has no place for, and line ends.
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_SPECIAL = re.compile(r"([=;#\\])")


def youtube(chapters: Sequence[Chapter], whole: Span) -> str:
    """Lines for a video's description, as ``0:00 Title``. ``whole`` is the file's timeline
    (``MediaInfo.span``). Angle brackets, which a description cannot hold, become ``‹›``.

    Raises :class:`InvalidInput` ``invalid_argument`` where YouTube would show no chapters: fewer
    than three, one of less than ten seconds, or the first not at 0:00.
    """
    starts = [int(chapter.span.start - whole.start) for chapter in chapters]
    if len(starts) < _FEWEST:
        has = f"are {len(starts)} chapters" if len(starts) != 1 else "is 1 chapter"
        raise _refused(f"there {has}, and it takes at least {_FEWEST}")
    if starts[0] != 0:
        raise _refused(f"the first chapter begins at {_clock(starts[0])}, not at 0:00")
    ends = [*starts[1:], int(whole.duration)]
    for start, end in zip(starts, ends, strict=True):
        if end - start < _SHORTEST:
            raise _refused(
                f"the chapter at {_clock(start)} lasts {max(0, end - start)} s, less than "
                f"{_SHORTEST} s"
            )
    titles = [title.replace("<", "‹").replace(">", "›") for title in map(_title, chapters)]
    lines = (f"{_clock(start)} {title}\n" for start, title in zip(starts, titles, strict=True))
    return "".join(lines)


def podlove_json(chapters: Sequence[Chapter], begin: Instant) -> str:
    """Podlove's chapters as JSON: a list of ``start`` (normal play time) and ``title``. ``begin``
    is where the file's own timeline starts."""
    rows = [{"start": _play_time(one.span.start - begin), "title": _title(one)} for one in chapters]
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def podlove_xml(chapters: Sequence[Chapter], begin: Instant) -> str:
    """Podlove Simple Chapters 1.2 (podlove.org/simple-chapters), as used in feeds."""
    ElementTree.register_namespace("psc", _PODLOVE)
    root = ElementTree.Element(f"{{{_PODLOVE}}}chapters", {"version": "1.2"})
    for one in chapters:
        start = _play_time(one.span.start - begin)
        ElementTree.SubElement(
            root, f"{{{_PODLOVE}}}chapter", {"start": start, "title": _title(one)}
        )
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def webvtt(chapters: Sequence[Chapter], begin: Instant) -> str:
    """A track of kind ``chapters`` for HTML's ``<track>``."""
    cues = [Cue(one.span.shift(-begin), (_title(one),)) for one in chapters]
    return cues_as_webvtt(cues, kind="chapters")


def ffmetadata(chapters: Sequence[Chapter], begin: Instant) -> str:
    """FFmpeg's metadata text (``ffmpeg -i video -i chapters.txt -map_chapters 1``)."""
    rows = [";FFMETADATA1\n"]
    for one in chapters:
        start, end = (round((at - begin) * 1000) for at in (one.span.start, one.span.end))
        title = _SPECIAL.sub(r"\\\1", _title(one))
        rows.append(f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle={title}\n")
    return "".join(rows)


def embed(
    path: Input, chapters: Sequence[Chapter], out: str | os.PathLike[str], settings: Settings
) -> list[str]:
    """Write a copy of the file with the chapters in its container, nothing encoded anew: an MP4
    (MOV, M4A), Matroska or WebM by the ending of ``out``. What it had of chapters is replaced.

    Returns and raises as :func:`videlicet.media.remux.with_chapters`.
    """
    return with_chapters(path, [(one.span, _title(one)) for one in chapters], out, settings)


def _refused(why: str) -> InvalidInput:
    return InvalidInput(
        "invalid_argument",
        f"YouTube would show no chapters: {why}.",
        subject="chapters",
        remedy="Ask for another number of chapters, or take another form.",
    )


def _title(chapter: Chapter) -> str:
    return " ".join(_BREAKS.sub(" ", chapter.title.text).split()) or "…"


def _clock(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _play_time(seconds: Fraction) -> str:
    """Normal play time (RFC 2326, section 3.6): ``hh:mm:ss.mmm``."""
    rest, ms = divmod(round(seconds * 1000), 1000)
    return f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}.{ms:03d}"


def _document(
    text: Callable[[ChapterExport], str], media_type: str, file_ending: str, description: str
) -> Exporter:
    def render(data: ChapterExport) -> bytes:
        found = text(data)
        return (found if found.endswith("\n") else found + "\n").encode()

    return Exporter(f"{media_type}; charset=utf-8", file_ending, description, render)


def _begin(data: ChapterExport) -> Instant:
    return data.asset.media.span.start


YOUTUBE = _document(
    lambda data: youtube(data.chapters, data.asset.media.span),
    "text/plain", ".txt", "lines for a description on YouTube",
)  # fmt: skip
PODLOVE = _document(
    lambda data: podlove_json(data.chapters, _begin(data)),
    "application/json", ".json", "Podlove, as JSON",
)  # fmt: skip
PODLOVE_XML = _document(
    lambda data: podlove_xml(data.chapters, _begin(data)),
    "application/xml", ".xml", "Podlove Simple Chapters, as XML",
)  # fmt: skip
VTT = _document(lambda data: webvtt(data.chapters, _begin(data)), "text/vtt", ".vtt", "WebVTT")
FFMETADATA = _document(
    lambda data: ffmetadata(data.chapters, _begin(data)),
    "text/plain", ".txt", "metadata for FFmpeg",
)  # fmt: skip
