"""Captions of one style that follow each other in the same place."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from videlicet.models.base import TextLine
from videlicet.models.ocr import TextTracker
from videlicet.types import Box

LINES = ("I never said she stole it.", "What do you mean by that?", "We leave at dawn tomorrow")
PLACE = Box(0.25, 0.85, 0.5, 0.1)


class Subtitled:
    """A video of ``LINES`` that stand for six seconds each, and a reader who knows them."""

    def __init__(self, *, band: bool) -> None:
        self._band = band
        self._now = ""

    def frame(self, second: int) -> NDArray[np.uint8]:
        self._now = LINES[second // 6]
        picture = Image.new("RGB", (640, 360), (90, 90, 90))
        draw = ImageDraw.Draw(picture)
        if self._band:
            draw.rectangle((100, 300, 540, 345), fill=(10, 10, 10))
        font = ImageFont.load_default(24)
        draw.text((320, 322), self._now, font=font, fill=(255, 255, 255), anchor="mm")
        return np.asarray(picture)

    def find(self, frame: NDArray[np.uint8]) -> list[Box]:
        return [PLACE]

    def read(self, frame: NDArray[np.uint8]) -> list[TextLine]:
        return [TextLine(self._now, PLACE, 0.99)]


@pytest.mark.parametrize("band", [False, True])
@pytest.mark.parametrize("cuts", [False, True])
def test_every_caption_is_read_and_none_twice(band: bool, cuts: bool) -> None:
    recording = Subtitled(band=band)
    tracker = TextTracker(recording)  # type: ignore[arg-type]
    for second in range(18):
        tracker.add_frame(Fraction(second), recording.frame(second), cut=cuts and second % 6 == 0)
    found = tracker.finish(Fraction(18))
    assert [text.text for _, text in found] == list(LINES)
    assert tracker.reads <= 6
    for number, (span, _) in enumerate(found):
        assert abs(span.start - 6 * number) <= 4
        assert abs(span.end - 6 * (number + 1)) <= 2
