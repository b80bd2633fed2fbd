"""How loud a recording is and how much it moves, measured on what is made to be so."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.ingest.passes.levels import SILENCE, Loudness, Motion, levels
from videlicet.models.base import SOUND_RATE
from videlicet.types import Levels, Measure, Modality, Span, instant

BOUNDS = Span.of(0, 1000)


def tone(seconds: float, amplitude: float) -> np.ndarray:
    at = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    return (amplitude * np.sin(2 * np.pi * 440 * at)).astype(np.float32)


def test_a_sine_at_full_scale_is_three_decibels_under_it() -> None:
    loudness = Loudness()
    loudness.feed(np.concatenate([tone(2, 1.0), tone(1, 0.1), np.zeros(SOUND_RATE, np.float32)]))
    assert loudness.finish() == [-3.0, -3.0, -23.0, SILENCE]


@given(st.integers(0, 90_000), st.lists(st.integers(0, 90_000), max_size=6))
def test_pieces_of_any_length_make_the_same_values(length: int, cuts: list[int]) -> None:
    sound = np.random.default_rng(length).normal(0, 0.1, length).astype(np.float32)
    whole, chunked = Loudness(), Loudness()
    whole.feed(sound)
    for first, last in pairwise(sorted([0, length, *(cut % (length + 1) for cut in cuts)])):
        chunked.feed(sound[first:last])
    assert chunked.finish() == whole.finish()
    assert len(chunked.values) == -(-length // SOUND_RATE)


def test_pictures_that_move_are_reported_from_pictures_that_stand_and_from_cuts() -> None:
    motion = Motion()
    black, white = (np.full((90, 160, 3), value, np.uint8) for value in (0, 255))
    half = black.copy()
    half[:, :80] = 255
    frames = [black, black, black, half, half, half, white, white]
    for number, picture in enumerate(frames):
        motion.look(instant(5 + number / 2), picture, cut=number == 6)
    assert motion.start == 5
    assert motion.values == [0.0, pytest.approx(0.5, abs=0.02), 0.0, 0.0]


def test_seconds_without_a_picture_stand_still() -> None:
    motion = Motion()
    for time in (0, 4, 4.5):
        motion.look(instant(time), np.zeros((90, 160, 3), np.uint8), cut=False)
    assert motion.values == [0.0] * 5


@given(
    st.lists(st.floats(-100, 0), max_size=200),
    st.fractions(min_value=0, max_value=900, max_denominator=1000),
)
def test_observations_cover_what_was_measured_once(values: list[float], start: Fraction) -> None:
    made = list(levels("asset", Measure.LOUDNESS, start, values, BOUNDS))
    progress: list[float] = []
    for one in made:
        assert isinstance(one.payload, Levels)
        assert one.modality is Modality.SOUND
        assert one.span.start == min(start + len(progress) * one.payload.step, BOUNDS.end)
        assert one.span.duration <= 60
        progress += one.payload.values
    assert progress == values
    assert all(one.span.end == after.span.start for one, after in pairwise(made))
