"""Rows in stretches of a recording."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.embedding import TimedVectors, pool
from videlicet.types import Span

instants = st.fractions(min_value=0, max_value=5000, max_denominator=90_000)
spans = st.tuples(instants, instants).map(lambda pair: Span(min(pair), max(pair)))


@given(st.lists(spans, max_size=30), spans)
def test_rows_count_for_as_long_as_they_are_in_a_stretch(rows: list[Span], stretch: Span) -> None:
    strip = TimedVectors(rows, np.eye(max(1, len(rows)), dtype=np.float32)[: len(rows)])
    shared = [
        Fraction(1, 1000) * stretch.contains(one.start)
        if one.start == one.end
        else one.overlap(stretch)
        for one in rows
    ]
    wanted = np.array([float(value) for value in shared])
    mean = strip.mean(stretch)
    assert strip.overlapping(stretch) == np.flatnonzero(wanted).tolist()
    assert (mean is None) == (not wanted.any())
    if mean is not None:
        assert mean == pytest.approx(wanted, rel=1e-4, abs=1e-6)
        pooled = pool(strip, stretch)
        assert pooled is not None
        assert float(np.linalg.norm(pooled)) == pytest.approx(1, abs=1e-5)


def test_rows_that_are_nothing_have_no_direction() -> None:
    strip = TimedVectors([Span.of(0, 5)], np.zeros((1, 4), np.float32))
    assert pool(strip, Span.of(1, 2)) is None
    assert pool(TimedVectors((), np.zeros((0, 4), np.float32)), Span.of(1, 2)) is None
