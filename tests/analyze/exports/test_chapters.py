"""Chapters in every form, read back."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import samples
from tests.analyze.exports.factories import EVIL, chapter

from videlicet.analyze.exports import chapters
from videlicet.errors import InvalidInput
from videlicet.settings import load
from videlicet.types import Chapter, Sentence, Span

THREE = [
    chapter(0, "12.7", "Getting\nstarted"),
    chapter("12.7", 80, 'A = B; <c> # d\\e & "f"'),
    chapter(80, 4000, EVIL),
]
TITLES = ["Getting started", 'A = B; <c> # d\\e & "f"', EVIL]


def test_youtube() -> None:
    text = chapters.youtube(THREE, Span.of(0, 4000))
    assert text.splitlines()[:2] == ["0:00 Getting started", '0:12 A = B; ‹c› # d\\e & "f"']
    assert text.splitlines()[2].startswith("1:20 ")
    assert "<" not in text
    long = [*THREE[:2], chapter(80, 3700), chapter(3700, 4000, "Last")]
    assert "1:01:40 Last" in chapters.youtube(long, Span.of(0, 4000))
    late = [Chapter(one.span.shift(Fraction(5)), one.title, ()) for one in THREE]
    assert chapters.youtube(late, Span.of(5, 4005)) == text


@pytest.mark.parametrize(
    ("given", "whole", "why"),
    [
        (THREE[:2], Span.of(0, 80), "there are 2"),
        (THREE, Span.of(-20, 4000), "at 0:20"),
        ([*THREE[:2], chapter(80, "89.5")], Span.of(0, "89.5"), "at 1:20 lasts 9 s"),
        ([chapter(0, 5), chapter(5, 30), chapter(30, 60)], Span.of(0, 60), "at 0:00 lasts 5 s"),
    ],
)
def test_youtube_would_show_none(given: list[Chapter], whole: Span, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        chapters.youtube(given, whole)
    assert caught.value.code == "invalid_argument"


def test_podlove() -> None:
    late = [Chapter(one.span.shift(Fraction(5)), one.title, ()) for one in THREE]
    rows = json.loads(chapters.podlove_json(late, Fraction(5)))
    starts = ["00:00:00.000", "00:00:12.700", "00:01:20.000"]
    assert rows == [{"start": s, "title": t} for s, t in zip(starts, TITLES, strict=True)]
    root = ElementTree.fromstring(chapters.podlove_xml(late, Fraction(5)))
    assert root.tag == "{http://podlove.org/simple-chapters}chapters"
    assert root.attrib == {"version": "1.2"}
    assert [dict(one.attrib) for one in root] == rows
    hours = chapters.podlove_json([chapter(7325, 7326)], Fraction(0))
    assert json.loads(hours)[0]["start"] == "02:02:05.000"


def test_a_title_holds_nothing_xml_has_no_place_for() -> None:
    text = chapters.podlove_xml([chapter(0, 1, "a\x00b\x1fc\ufffed\ud800")], Fraction(0))
    assert ElementTree.fromstring(text)[0].attrib["title"] == "a b c d"


def test_webvtt(tmp_path: Path) -> None:
    path = tmp_path / "a.vtt"
    path.write_text(chapters.webvtt(THREE, Fraction(0)))
    assert path.read_text().startswith("WEBVTT\nKind: chapters\n")
    with av.open(str(path)) as file:
        starts = [float(p.pts * p.time_base) for p in file.demux() if p.size]
    assert starts == [0.0, 12.7, 80.0]
    assert "<script" not in path.read_text()


def test_ffmetadata(tmp_path: Path) -> None:
    """FFmpeg itself reads it."""
    path = tmp_path / "chapters.txt"
    path.write_text(chapters.ffmetadata(THREE, Fraction(0)))
    with av.open(str(path), format="ffmetadata") as file:
        found = file.chapters()
    assert [one["metadata"]["title"] for one in found] == TITLES
    assert [float(one["start"] * one["time_base"]) for one in found] == [0.0, 12.7, 80.0]


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv"])
def test_in_the_container(tmp_path: Path, ending: str) -> None:
    recording = samples.talk(tmp_path / "video.mp4")
    given = [chapter(0, 2, TITLES[0]), chapter(2, "3.5", TITLES[1]), chapter("3.5", 6, EVIL)]
    out = tmp_path / f"out{ending}"
    chapters.embed(recording, given, out, load(tmp_path))
    with av.open(str(out)) as file:
        found = file.chapters()
    assert [
        (float(one["start"] * one["time_base"]), float(one["end"] * one["time_base"]))
        for one in found
    ] == [(0.0, 2.0), (2.0, 3.5), (3.5, 6.0)]
    assert [one["metadata"]["title"] for one in found] == TITLES


def test_no_form_needs_chapters() -> None:
    empty: list[Callable[[list[Chapter], Fraction], str]] = [
        chapters.podlove_json, chapters.podlove_xml, chapters.webvtt, chapters.ffmetadata,
    ]  # fmt: skip
    assert all(form([], Fraction(0)) for form in empty)


@given(
    st.lists(st.fractions(0, 400), min_size=1, max_size=8, unique=True).map(sorted),
    st.fractions(0, 100),
    st.booleans(),
)
def test_what_youtube_gets_keeps_its_rules(
    times: list[Fraction], begin: Fraction, whole: bool
) -> None:
    edges = [Fraction(0), *times] if whole else times
    spans = [Span(a + begin, b + begin) for a, b in itertools.pairwise([*edges, edges[-1] + 60])]
    given_ = [Chapter(span, Sentence(f"Number {n}"), ()) for n, span in enumerate(spans)]
    try:
        text = chapters.youtube(given_, Span(begin, spans[-1].end))
    except InvalidInput:
        shortest = min(span.duration for span in spans)
        # Rounding to whole seconds may take almost a second from a chapter.
        assert len(spans) < 3 or shortest < 11 or spans[0].start - begin >= 1
        return
    found = [line.partition(" ")[0].split(":") for line in text.splitlines()]
    starts = [sum(60**n * int(part) for n, part in enumerate(reversed(row))) for row in found]
    assert starts[0] == 0
    assert len(starts) == len(spans) >= 3
    assert all(b - a >= 10 for a, b in itertools.pairwise(starts))
    assert all(0 <= s.start - begin - at < 1 for s, at in zip(spans, starts, strict=True))
