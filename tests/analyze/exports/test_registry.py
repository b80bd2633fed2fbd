"""Exporters by name: ours, and those of installed packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.analyze.exports.factories import answer, asset, chapter, said
from tests.analyze.packages import installed

import videlicet.page  # noqa: F401, registers the page as an exporter
from videlicet.analyze.exports.cuts import Cut
from videlicet.analyze.exports.exporter import (
    ChapterExport,
    CutExport,
    Exporter,
    MatrixExport,
    Subject,
    SubtitleExport,
)
from videlicet.analyze.exports.registry import EXPORTERS, documents, formats, render
from videlicet.analyze.exports.subtitles import spoken_cues
from videlicet.analyze.matrix import Cell, Matrix
from videlicet.errors import InvalidInput, PluginError
from videlicet.types import Instant

PLUGIN = """
from videlicet.analyze.exports.exporter import Exporter


def _lines(data):
    return "\\n".join(line for cue in data.cues for line in cue.lines).encode()


LINES = Exporter("text/plain", ".lines", "words alone", _lines)
"""


def data() -> dict[Subject, Any]:
    recording = asset()
    one = chapter(0, 60)
    cut = Cut.of(recording, "/videos/video.mp4", one)
    cell = Cell("Who?", recording.id, "k", answer("It runs."))
    matrix = Matrix(
        ("Who?",),
        (recording.id,),
        {recording.id: recording.name},
        {recording.id: recording.media.span.start},
        (cell,),
    )
    return {
        Subject.SUBTITLES: SubtitleExport(
            recording, spoken_cues([said("It runs.", 0, 2)], Instant(0))
        ),
        Subject.CHAPTERS: ChapterExport(recording, [one]),
        Subject.CUTS: CutExport(recording.name, [cut]),
        Subject.MATRIX: MatrixExport(matrix, [recording], lambda one: "/videos/video.mp4"),
    }


@pytest.mark.parametrize("subject", list(Subject))
def test_every_document_can_be_rendered(subject: Subject) -> None:
    exporters = documents(subject)
    assert exporters
    for format, exporter in exporters.items():
        assert exporter.file_ending.startswith(".")
        assert "/" in exporter.media_type
        assert exporter.description
        if format == "youtube":  # it takes three chapters of ten seconds
            with pytest.raises(InvalidInput):
                render("chapters.youtube", data()[subject])
        else:
            assert render(f"{subject}.{format}", data()[subject])


def test_what_there_is() -> None:
    assert formats(Subject.SUBTITLES)[:2] == ["srt", "vtt"]
    assert {"csv", "json", "parquet", "html"} <= set(formats(Subject.MATRIX))
    with pytest.raises(InvalidInput, match=r"subtitles\.srt"):
        render("subtitles.none", None)
    with pytest.raises(InvalidInput, match="media files"):
        render("cuts.reel", None)
    with pytest.raises(ValueError, match="renders"):
        Exporter("text/plain", ".txt", "nothing")


def test_one_of_an_installed_package(tmp_path: Path) -> None:
    with installed(tmp_path, EXPORTERS, "subtitles.lines", PLUGIN, "LINES"):
        assert formats(Subject.SUBTITLES) == ["srt", "vtt", "lines"]
        assert documents(Subject.SUBTITLES)["lines"].file_ending == ".lines"
        assert render("subtitles.lines", data()[Subject.SUBTITLES]) == b"It runs."
    with (
        installed(tmp_path, EXPORTERS, "subtitles.bad", "BAD = 3", "BAD"),
        pytest.raises(PluginError),
    ):
        render("subtitles.bad", None)
