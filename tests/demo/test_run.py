"""The table: what counts as found, and when the demo has failed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from videlicet.demo import DemoReport, DemoRow, run_demo
from videlicet.demo.question import DemoQuestion, Place
from videlicet.demo.run import ask, expected_rank
from videlicet.demo.video import SOUND_RATE, Scene, make_video, write_sound
from videlicet.errors import MediaError
from videlicet.library import Library
from videlicet.types import Asset, Hit, MediaInfo, SearchPage, Span

#: Where the timelines of the recordings begin.
BEGIN = 100


def hit(file: str, start: float, end: float, rank: int = 1) -> Hit:
    span = Span.of(BEGIN + start, BEGIN + end)
    return Hit(f"id of {file}", "i1", file, span, 0.5, rank, ())


def place(file: str, start: float, end: float) -> Place:
    return Place(file, Span.of(start, end))


@pytest.mark.parametrize(
    ("found", "right", "expected"),
    [
        (place("a", 0, 4), place("a", 0, 4), True),
        (place("a", 2, 6), place("a", 0, 4), True),
        (place("a", 2.5, 6.5), place("a", 0, 4), False),
        (place("a", 1, 2), place("a", 0, 60), True),
        (place("a", 0, 60), place("a", 1, 2), True),
        (place("b", 0, 4), place("a", 0, 4), False),
        (place("a", 0, 4), place("a", 3, 3), True),
        (place("a", 0, 4), place("a", 5, 5), False),
    ],
)
def test_a_hit_is_right_when_it_is_mostly_in_the_place(
    found: Place, right: Place, expected: bool
) -> None:
    assert expected_rank(found, [right]) is expected
    assert expected_rank(found, [place("z", 0, 1), right]) is expected


times = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(sorted)


@given(times, times)
def test_it_does_not_matter_which_of_the_two_is_longer(one: list[int], other: list[int]) -> None:
    forth = expected_rank(place("a", *one), [place("a", *other)])
    assert forth == expected_rank(place("a", *other), [place("a", *one)])


class StubLibrary:
    def __init__(self, *hits: Hit) -> None:
        self.hits = hits
        self.asked: list[dict[str, Any]] = []

    def search(self, **arguments: Any) -> SearchPage:
        self.asked.append(arguments)
        return SearchPage(self.hits, len(self.hits), None, ())

    def asset(self, asset_id: str) -> Asset:
        media = MediaInfo("mpegts", Span.of(BEGIN, BEGIN + 60), None, (), None)
        then = datetime(2024, 1, 1, tzinfo=UTC)
        return Asset(asset_id, "video.ts", then, size=1, recording=media)


def asked(*hits: Hit) -> DemoRow:
    library = StubLibrary(*hits)
    question = DemoQuestion(
        "words", "dog", {"query": "dog"}, (place("a", 0, 2), place("all", 5, 7))
    )
    row, page = ask(cast(Library, library), question)
    assert page.hits == hits
    assert library.asked == [{"query": "dog", "limit": 5}]
    return row


def test_a_row_tells_the_rank_of_the_first_right_answer() -> None:
    row = asked(hit("b", 0, 2, 1), hit("all", 5, 7, 2), hit("a", 0, 2, 3))

    assert row.rank == 2
    assert not row.first
    assert row.found == place("b", 0, 2)


def test_nothing_found_is_a_row_too() -> None:
    row = asked()

    assert (row.rank, row.found, row.score) == (None, None, None)


def report(*ranks: int | None, own: bool = False) -> DemoReport:
    rows = tuple(
        DemoRow("words", "dog", (), rank, None, None, 0.1 * n) for n, rank in enumerate(ranks)
    )
    return DemoReport(rows, 1, 10.0, 1.0, 2.0, Path("demo.html"), (), own)


def test_the_sample_must_answer_every_question() -> None:
    assert report(1, 3).ok
    assert report(1, 3).first == 1
    assert not report(1, 1, 1, None).ok
    assert not report().ok
    assert report(1, 1, 1).search_s == pytest.approx(0.1)


def test_an_own_recording_must_answer_most() -> None:
    assert report(1, 2, 1, None, own=True).ok
    assert not report(1, None, 1, None, own=True).ok
    assert not report(own=True).ok


@pytest.mark.slow
@pytest.mark.weights
def test_the_demo_finds_moments_in_an_own_recording(tmp_path: Path) -> None:
    still = tmp_path / "still.png"
    Image.effect_mandelbrot((640, 360), (-2, -1, 1, 1), 60).save(still)
    noise = np.random.default_rng(0).normal(0, 0.1, SOUND_RATE * 2).astype(np.float32)
    sound = write_sound(noise, tmp_path / "sound.wav")
    video = make_video(
        [Scene(4.0, "The annual report", still, sound=sound)], tmp_path / "my video.mp4"
    )
    said: list[str] = []

    done = run_demo(tmp_path / "home", tmp_path / "out", video, say=said.append)

    assert done.ok
    assert done.videos == 1
    assert done.video_seconds == pytest.approx(4, abs=0.1)
    assert "annual report" in next(r.label for r in done.rows if r.kind == "words → screen").lower()
    assert "annual" in done.page.read_text("utf-8")
    assert any("Indexing" in line for line in said)


@pytest.mark.weights
def test_a_recording_that_cannot_be_indexed_fails_the_demo(tmp_path: Path) -> None:
    video = tmp_path / "broken.mp4"
    video.write_bytes(b"this is no video at all" * 100)

    with pytest.raises(MediaError):
        run_demo(tmp_path / "home", tmp_path / "out", video)
    assert not (tmp_path / "out" / "demo.html").exists()
