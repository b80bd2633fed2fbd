from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from videlicet.media.child.timeline import FrameTimeline

BASE = Fraction(1, 90_000)
FRAME = Fraction(1, 25)

stamps = st.lists(
    st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(0, 90_000 * 100)),
    max_size=60,
)


@given(stamps, st.one_of(st.none(), st.fractions(0, 1000)))
def test_time_always_moves_forward(pts, latest):
    line = FrameTimeline(BASE, FRAME, latest)
    times = [line.place(stamp) for stamp in pts]
    assert all(a < b for a, b in pairwise(times))


@given(st.lists(st.integers(0, 90_000 * 100), unique=True), st.integers(0, 10**6))
def test_sound_timestamps_are_kept_exactly(pts, start):
    pts = [start + stamp for stamp in sorted(pts)]
    line = FrameTimeline(BASE, FRAME, None)
    assert [line.place(stamp) for stamp in pts] == [stamp * BASE for stamp in pts]
    assert line.splices == 0


@given(st.integers(1, 500), st.integers(2, 50))
def test_missing_timestamps_go_on_from_the_last(first, count):
    line = FrameTimeline(BASE, FRAME, None)
    start = line.place(first)
    assert [line.place(None) for _ in range(count)] == [
        start + FRAME * n for n in range(1, count + 1)
    ]


def test_a_second_timeline_spliced_on_follows_the_first():
    line = FrameTimeline(BASE, FRAME, None)
    once = [90_000 * 10 + 3600 * n for n in range(50)]
    times = [line.place(stamp) for stamp in (*once, *once)]
    assert times == [10 + FRAME * n for n in range(100)]
    assert line.splices == 1


def test_a_timestamp_far_beyond_the_end_is_not_believed():
    line = FrameTimeline(BASE, FRAME, Fraction(20))
    line.place(0)
    assert line.place(90_000 * 10**6) == FRAME
    assert line.place(90_000 * 10**6 + 3600) == 2 * FRAME


def test_a_picture_held_long_within_the_declared_length_is_believed():
    line = FrameTimeline(BASE, FRAME, Fraction(600))
    line.place(0)
    assert line.place(90_000 * 500) == 500
