"""What an exporter is: one form that something can be written in.

An exporter is named after what it exports and the form, as ``subtitles.srt``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from videlicet.analyze.exports.cue import Cue
    from videlicet.analyze.exports.cuts import Cut
    from videlicet.analyze.matrix import Matrix
    from videlicet.settings import Settings
    from videlicet.types import Asset, Chapter


class Subject(StrEnum):
    """What is exported; the first part of an exporter's name."""

    SUBTITLES = "subtitles"
    CHAPTERS = "chapters"
    CUTS = "cuts"
    MATRIX = "matrix"


@dataclass(frozen=True, slots=True)
class SubtitleExport:
    """Subtitles of an asset, with times from the file's start."""

    asset: Asset
    cues: Sequence[Cue]


@dataclass(frozen=True, slots=True)
class ChapterExport:
    """Chapters of an asset, with times on the file's own timeline."""

    asset: Asset
    chapters: Sequence[Chapter]


@dataclass(frozen=True, slots=True)
class CutExport:
    """Stretches of files, in order, under a name."""

    name: str
    cuts: Sequence[Cut]


@dataclass(frozen=True, slots=True)
class MatrixExport:
    """Questions and answers over assets; ``source_of`` gives the path or address of a file."""

    matrix: Matrix
    assets: Sequence[Asset]
    source_of: Callable[[Asset], str]


#: Called with each file as soon as it is written.
OnFile: TypeAlias = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Exporter:
    """Exactly one of ``render`` and ``write``: a document as bytes, or media files that are written
    to a path (a folder where ``file_ending`` is empty).

    They are given the record of the subject: :class:`SubtitleExport`, :class:`ChapterExport`,
    :class:`CutExport` or :class:`MatrixExport`.
    """

    media_type: str
    file_ending: str
    description: str
    render: Callable[[Any], bytes] | None = None
    write: Callable[[Any, Path, Settings, OnFile], None] | None = None

    def __post_init__(self) -> None:
        if (self.render is None) == (self.write is None):
            raise ValueError("an exporter renders a document or writes files")
