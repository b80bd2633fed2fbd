from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from videlicet.models import fakes, registry
from videlicet.models.base import ModelCard, OcrReader, TextLine
from videlicet.models.ocr import TextTracker
from videlicet.models.ocr.strokes import Strokes
from videlicet.settings import load
from videlicet.types import Box, ScreenText, Span

Frame = NDArray[np.uint8]
SIZE = (240, 320, 3)
STEP = Fraction(1, 2)


def still(value: int = 90) -> Frame:
    return np.full(SIZE, value, np.uint8)


def moving(number: int) -> Frame:
    """A picture of soft shapes that is another one in every frame."""
    random = np.random.default_rng(number)
    small = random.integers(40, 200, (6, 8, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((SIZE[1], SIZE[0]), Image.Resampling.BICUBIC))


def follow(
    frames: Sequence[Frame], reader: OcrReader | None = None, cuts: Sequence[int] = ()
) -> tuple[TextTracker, list[tuple[Span, ScreenText]]]:
    tracker = TextTracker(reader or fakes.StripReader())
    for number, frame in enumerate(frames):
        tracker.add_frame(number * STEP, frame, cut=number in cuts)
    return tracker, tracker.finish(len(frames) * STEP)


def texts(found: list[tuple[Span, ScreenText]]) -> list[tuple[str, float, float]]:
    return [(text.text, float(span.start), float(span.end)) for span, text in found]


@pytest.mark.parametrize("ground", [lambda n: still(), moving], ids=["still", "moving"])
def test_a_caption_is_read_once_however_long_it_stands(ground: Callable[[int], Frame]) -> None:
    frames = [ground(n) for n in range(60)]
    frames[10:50] = [fakes.draw_text(frame, "Good evening") for frame in frames[10:50]]
    tracker, found = follow(frames)
    assert tracker.frames_seen == 60
    assert tracker.reads == 1
    ((text, start, end),) = texts(found)
    assert text == "Good evening"
    assert start == 5
    assert abs(end - 25) <= 0.5


def test_a_still_picture_is_looked_at_once() -> None:
    tracker, found = follow([still()] * 40)
    assert (tracker.finds, tracker.reads, found) == (1, 0, [])


def test_text_of_the_first_frame_is_read_at_once() -> None:
    _, found = follow([fakes.draw_text(still(), "Title")] * 4)
    assert texts(found) == [("Title", 0, 2)]


def test_captions_that_follow_each_other_are_told_apart() -> None:
    lines = ["The first of the lines", "And now for something else", "1234567890 987654321 0"]
    frames = [fakes.draw_text(moving(n), lines[n // 12]) for n in range(36)]
    tracker, found = follow(frames)
    assert [text for text, *_ in texts(found)] == lines
    assert tracker.reads <= 4
    for number, (_, start, end) in enumerate(texts(found)):
        assert abs(start - number * 6) <= 1
        assert abs(end - (number + 1) * 6) <= 1.5


def test_a_flash_does_not_end_a_caption() -> None:
    frames = [fakes.draw_text(still(), "Still here") for _ in range(30)]
    frames[14] = still(255)
    tracker, found = follow(frames)
    assert texts(found) == [("Still here", 0, 15)]
    assert tracker.reads == 1


def test_a_new_shot_is_looked_at_anew() -> None:
    frames = [still()] * 5 + [fakes.draw_text(still(30), "Later")] * 5
    _, found = follow(frames, cuts=[5])
    assert texts(found) == [("Later", 2.5, 5)]


@dataclass
class Eager:
    """Finds something everywhere, each time elsewhere, and can read none of it."""

    card: ModelCard = fakes.StripReader.card
    calls: int = 0
    reads: int = 0

    def find(self, frame: Frame) -> list[Box]:
        self.calls += 1
        return [Box(self.calls * 0.37 % 0.8, self.calls * 0.61 % 0.8, 0.1, 0.1)]

    def read(self, frame: Frame) -> list[TextLine]:
        self.reads += 1
        return []


def test_what_moves_all_the_time_is_seldom_read() -> None:
    reader = Eager()
    tracker, found = follow([moving(n) for n in range(200)], reader)
    assert found == []
    assert reader.reads == tracker.reads <= 20


@dataclass
class Fading:
    """Reads the strip with a confidence that grows with contrast."""

    card: ModelCard = fakes.StripReader.card
    seen: list[float] = field(default_factory=list)

    def find(self, frame: Frame) -> list[Box]:
        return [Box(0.2, 0.4, 0.6, 0.2)] if frame.max() > 110 else []

    def read(self, frame: Frame) -> list[TextLine]:
        sure = (int(frame.max()) - 90) / 165
        self.seen.append(sure)
        return [TextLine("fading" if sure > 0.9 else "fodinq", Box(0.2, 0.4, 0.6, 0.2), sure)]


def test_a_text_that_fades_in_is_read_again() -> None:
    def bars(contrast: int) -> Frame:
        frame = still()
        frame[96:144, 64:256:8] = 90 + contrast
        return frame

    levels = [0] * 4 + [118, 118, 122, 126] + [165] * 12
    reader = Fading()
    _, found = follow([bars(level) for level in levels], reader)
    assert [text.text for _, text in found] == ["fading"]
    assert len(reader.seen) == 2


def test_noise_is_not_text() -> None:
    class Unsure:
        card = fakes.StripReader.card

        def find(self, frame: Frame) -> list[Box]:
            return [Box(0.1, 0.1, 0.5, 0.1)]

        def read(self, frame: Frame) -> list[TextLine]:
            box = Box(0.1, 0.1, 0.5, 0.1)
            return [TextLine("maybe text", box, 0.4), TextLine("T", box, 0.99)]

    _, found = follow([still()] * 6, Unsure())
    assert found == []


@examples(max_examples=25)
@given(
    st.lists(st.sampled_from([None, "one", "two words", "three more words"]), max_size=24),
    st.booleans(),
)
def test_spans_lie_within_the_video_and_repeat_exactly(
    texts: list[str | None], restless: bool
) -> None:
    frames = []
    for number, text in enumerate(texts):
        frame = moving(number) if restless else still()
        frames.append(frame if text is None else fakes.draw_text(frame, text))
    tracker, found = follow(frames)
    assert tracker.reads <= tracker.finds <= tracker.frames_seen == len(texts)
    end = len(texts) * STEP
    for span, text in found:
        assert 0 <= span.start <= span.end <= end
        assert text.text in texts
    assert follow(frames)[1] == found


def test_strokes_compare_lettering_not_light() -> None:
    dark, bright = (fakes.draw_text(still(v), "Some words here") for v in (40, 90))
    other = fakes.draw_text(still(40), "Quite another text")
    box = Box(0.0, 0.85, 1.0, 0.15)
    assert Strokes.of(dark).alike(Strokes.of(bright), box) > 0.9
    assert Strokes.of(dark).alike(Strokes.of(other), box) < 0.5
    assert Strokes.of(still()).alike(Strokes.of(still(10)), box) == 1
    assert Strokes.of(still()).alike(Strokes.of(np.zeros((90, 90, 3), np.uint8)), box) == 0


def test_frames_of_any_size_are_taken() -> None:
    for size in ((1, 1, 3), (2, 2000, 3), (2000, 2, 3), (24, 24, 3)):
        tracker = TextTracker(fakes.StripReader())
        for number in range(3):
            tracker.add_frame(number * STEP, np.zeros(size, np.uint8))
        assert tracker.finish(Fraction(2)) == []


@pytest.fixture(scope="module")
def reader() -> OcrReader:
    return registry.load("ocr", load())  # type: ignore[no-any-return]


def painted(*lines: str, size: tuple[int, int] = (640, 360)) -> Frame:
    image = Image.new("RGB", size, (30, 60, 90))
    font = ImageFont.load_default(size=28)
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((40, 40 + 90 * number), line, fill="white", font=font)
    return np.asarray(image)


@pytest.mark.weights
def test_lines_are_found_and_read_in_order(
    reader: OcrReader, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = ["Platform 9 departs 14:05", "Mind the gap", "EXIT"]
    frame = painted(*lines)
    found = reader.read(frame)
    assert [line.text for line in found] == lines
    assert all(line.confidence > 0.9 for line in found)
    tops = [line.box.y * 360 for line in found]
    assert [round((top - 40) / 90) for top in tops] == [0, 1, 2]
    boxes = reader.find(frame)
    assert len(boxes) == 3
    for box in boxes:
        assert 0 <= box.x <= box.x + box.width <= 1
        assert 0 <= box.y <= box.y + box.height <= 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.weights
def test_an_empty_picture_has_no_text(reader: OcrReader) -> None:
    assert reader.find(still()) == []
    assert reader.read(still()) == []
    assert reader.read(np.zeros((8, 8, 3), np.uint8)) == []


def sampled(path: Path, rate: int = 2) -> Iterator[tuple[Fraction, Frame]]:
    import av

    due = None
    with av.open(str(path)) as video:
        for frame in video.decode(video=0):
            time = frame.pts * frame.time_base
            due = time if due is None else due
            if time >= due:
                due += Fraction(1, rate)
                scale = min(1.0, 1280 / max(frame.width, frame.height))
                width, height = (int(side * scale) // 2 * 2 for side in (frame.width, frame.height))
                yield time, frame.to_ndarray(format="rgb24", width=width, height=height)


def _watch(path: Path, reader: OcrReader) -> tuple[TextTracker, list[tuple[Span, ScreenText]]]:
    tracker = TextTracker(reader)
    time = Fraction(0)
    for time, frame in sampled(path):
        tracker.add_frame(time, frame)
    return tracker, tracker.finish(time)


@pytest.mark.weights
@pytest.mark.corpus
def test_captions_of_a_compilation_are_found_where_they_stand(
    reader: OcrReader, corpus: Path
) -> None:
    _, found = _watch(corpus / "videos" / "d12.mp4", reader)
    spans = {text.text: span for span, text in found}
    for words, start, end in (
        ("PLATFORM 9 DEPARTS 14:05", 13, 21),
        ("LAUNCH WINDOW OPENS 06:45", 37, 48),
    ):
        assert float(spans[words].iou(Span.of(start, end))) > 0.8


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.corpus
def test_no_text_of_the_corpus_is_lost_and_one_frame_in_ten_is_read(
    reader: OcrReader, corpus: Path
) -> None:
    looks = reads = 0
    for row in json.loads((corpus / "manifest.json").read_text()):
        tracker, found = _watch(corpus / "videos" / row["file"], reader)
        looks, reads = looks + tracker.frames_seen, reads + tracker.reads
        if row["onscreen_text"]:
            joined = " ".join(text.text for _, text in found).casefold()
            for word in row["onscreen_text"].casefold().split():
                assert word.strip(":") in joined, (row["file"], joined)
    assert reads <= looks / 10
