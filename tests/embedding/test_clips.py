"""Where clips of a recording begin and end."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.embedding import TimedVectors
from videlicet.embedding.clips import LONGEST, embed_clips
from videlicet.types import Span, instant


def looks(*edges: float, alike: bool = False) -> dict[str, TimedVectors]:
    """Pictures that change at each of the inner ``edges``, or only seem to."""
    spans = [Span.of(a, b) for a, b in pairwise(edges)]
    rows = np.eye(256, dtype=np.float32)[[0 if alike else n % 2 for n in range(len(spans))]]
    return {"looks": TimedVectors(spans, rows)}


def clips(
    vectors: dict[str, TimedVectors], length: float, **request: Any
) -> list[tuple[float, float]]:
    asked = {"options": ["visual"], "scopes": ["clip"], "types": ["separate"], **request}
    rows = embed_clips(vectors, Span.of(0, length), asked)
    return [(row["start"], row["end"]) for row in rows]


def test_dynamic_clips_end_where_the_picture_changes() -> None:
    vectors = looks(0, 4, 5, 11, 20)
    assert clips(vectors, 20, clip=2, fixed=False) == [(0, 4), (4, 11), (11, 20)]
    assert clips(vectors, 20, clip=6, fixed=False) == [(0, 11), (11, 20)]
    assert clips(vectors, 20, clip=6, fixed=True) == [(0, 6), (6, 12), (12, 18), (18, 20)]


def test_what_only_seems_to_change_is_one_clip() -> None:
    assert clips(looks(0, 4, 5, 11, 20, alike=True), 20, clip=2, fixed=False) == [(0, 20)]


def test_a_view_that_goes_on_is_cut_into_equal_parts() -> None:
    assert clips(looks(0, 70), 70, clip=2, fixed=False) == [
        (0, pytest.approx(70 / 3)), (pytest.approx(70 / 3), pytest.approx(140 / 3)),
        (pytest.approx(140 / 3), 70),
    ]  # fmt: skip


def test_dynamic_clips_begin_and_end_with_what_is_asked_for() -> None:
    vectors = looks(0, 4, 5, 11, 20)
    found = clips(vectors, 20, clip=2, fixed=False, start=3, end=15)
    assert found == [(3, 5), (5, 11), (11, 15)]


@given(
    st.lists(st.floats(0.1, 100), min_size=1, max_size=20, unique=True),
    st.integers(1, 40),
)
def test_dynamic_clips_fill_the_recording_and_are_long_enough(
    changes: list[float], least: int
) -> None:
    edges = [0.0, *sorted(changes)]
    vectors, end = looks(*edges), edges[-1]
    found = clips(vectors, end, clip=least, fixed=False)
    assert found[0][0] == 0
    assert found[-1][1] == pytest.approx(float(instant(end)))
    assert all(a[1] == pytest.approx(b[0]) for a, b in pairwise(found))
    lengths = [Fraction(b) - Fraction(a) for a, b in found]
    assert all(length >= least - 1e-6 for length in lengths) or len(found) == 1
    assert all(length <= max(LONGEST, 2 * least) + 1e-6 for length in lengths)
