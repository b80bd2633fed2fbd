"""How loud a recording is and how much its pictures move, second by second.

Both are taken on the way through the decoded samples and pictures and cost next to nothing: no
model is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import cv2
import numpy as np

from videlicet.models.base import SOUND_RATE
from videlicet.types import Instant, Levels, Measure, Modality, Observation, Span

if TYPE_CHECKING:
    from videlicet.models.base import Floats, Frame

#: Seconds that one value covers, and how many values one observation holds.
STEP, TOGETHER = Fraction(1), 60
#: dBFS of digital silence.
SILENCE = -100.0
#: The size of the pictures that are compared: small enough to be blind to noise and grain.
SIZE = (64, 36)
#: The cards of what is measured, and the sense it belongs to.
CARDS = {Measure.LOUDNESS: "sound-level", Measure.MOTION: "picture-change"}
SENSES = {Measure.LOUDNESS: Modality.SOUND, Measure.MOTION: Modality.VISUAL}


class Loudness:
    """The level of each second of float32 samples in -1..1, fed in chunks of any length.

    Root mean square relative to a full-scale square wave (dBFS as in AES17, without its 3 dB for
    sines); not weighted for the ear as ITU-R BS.1770 is.
    """

    def __init__(self) -> None:
        self.values: list[float] = []
        self._rest = np.zeros(0, np.float32)

    def feed(self, samples: Floats) -> None:
        samples = np.concatenate([self._rest, samples])
        length = int(STEP * SOUND_RATE)
        whole = len(samples) // length * length
        self.values += (_decibels(row) for row in samples[:whole].reshape(-1, length))
        self._rest = samples[whole:]

    def finish(self) -> list[float]:
        """All values; the last covers what is left of a second."""
        if len(self._rest):
            self.values.append(_decibels(self._rest))
            self._rest = self._rest[:0]
        return self.values


def _decibels(samples: Floats) -> float:
    # A broken file may hold what is no number.
    power = float(np.mean(np.square(np.nan_to_num(samples, posinf=1, neginf=1), dtype=np.float64)))
    return round(max(SILENCE, 10 * float(np.log10(power + 1e-12))), 1)


class Motion:
    """How much the sampled pictures of each second differ from those before them, from the first
    picture on. A cut is not motion."""

    def __init__(self) -> None:
        self.start: Instant | None = None
        self.values: list[float] = []
        self._before: Floats | None = None

    def look(self, time: Instant, picture: Frame, *, cut: bool) -> None:
        small = cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
        self.start = time if self.start is None else self.start
        second = int((time - self.start) / STEP)
        self.values += [0.0] * (second + 1 - len(self.values))
        if self._before is not None and not cut:
            moved = float(np.abs(grey - self._before).mean())
            self.values[second] = max(self.values[second], round(moved, 4))
        self._before = grey


def levels(
    asset_id: str, measure: Measure, start: Instant, values: Sequence[float], bounds: Span
) -> Iterator[Observation]:
    """What was measured from ``start`` on as observations, none longer than a minute."""
    for first in range(0, len(values), TOGETHER):
        part = tuple(values[first : first + TOGETHER])
        span = Span(start + first * STEP, start + (first + len(part)) * STEP).clamp(bounds)
        payload = Levels(measure, STEP, part)
        yield Observation(asset_id, span, SENSES[measure], CARDS[measure], payload)
