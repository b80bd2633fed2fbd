from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from videlicet.types import Span, instant, merge, windows

instants = st.fractions(min_value=-1000, max_value=100_000, max_denominator=90_000)
spans = st.tuples(instants, instants).map(lambda pair: Span(min(pair), max(pair)))
lengths = st.fractions(min_value=Fraction(1, 1000), max_value=60, max_denominator=1000)


def total(found: list[Span]) -> Fraction:
    return sum((span.duration for span in found), Fraction(0))


def test_instants_are_exact_and_floats_are_rounded_to_a_microsecond() -> None:
    assert instant(Fraction(1001, 30_000)) == Fraction(1001, 30_000)
    assert instant("1001/30000") == Fraction(1001, 30_000)
    assert instant("2.5") == Fraction(5, 2)
    assert instant(3) == 3
    assert instant(0.1) == Fraction(1, 10)
    assert instant(1 / 3) == Fraction(333_333, 1_000_000)


@pytest.mark.parametrize("odd", ["soon", "1:30", float("nan"), float("inf")])
def test_what_is_no_number_is_no_instant(odd: str | float) -> None:
    with pytest.raises((ValueError, OverflowError)):
        instant(odd)


def test_a_span_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="ends before it starts"):
        Span.of(2, 1)


def test_spans_are_half_open() -> None:
    span = Span.of(1, 2)
    assert span.contains(Fraction(1))
    assert not span.contains(Fraction(2))
    assert span.overlap(Span.of(2, 3)) == 0
    assert span.intersect(Span.of(2, 3)) is None
    assert not Span.of(1, 1).contains(Fraction(1))


@given(spans, spans)
def test_overlap_intersection_and_hull_agree(a: Span, b: Span) -> None:
    common = a.intersect(b)
    assert a.overlap(b) == b.overlap(a) == (common.duration if common else 0)
    hull = a.hull(b)
    assert hull == b.hull(a)
    for inner in (a, b):
        assert hull.start <= inner.start <= inner.end <= hull.end
    if common:
        assert a.start <= common.start < common.end <= a.end


@given(spans, spans)
def test_iou_is_symmetric_bounded_and_one_only_for_equals(a: Span, b: Span) -> None:
    iou = a.iou(b)
    assert iou == b.iou(a)
    assert 0 <= iou <= 1
    assert (iou == 1) == (a == b)


@given(spans, instants)
def test_shifting_keeps_the_length_and_can_be_undone(span: Span, by: Fraction) -> None:
    moved = span.shift(by)
    assert moved.duration == span.duration
    assert moved.midpoint - span.midpoint == by
    assert moved.shift(-by) == span


@given(spans, spans)
def test_clamping_ends_inside_the_bounds_and_changes_nothing_inside(span: Span, by: Span) -> None:
    inside = span.clamp(by)
    assert by.start <= inside.start <= inside.end <= by.end
    assert inside.duration == span.overlap(by)
    assert inside.clamp(by) == inside
    if by.start <= span.start and span.end <= by.end:
        assert inside == span


@given(spans)
def test_span_json_is_exact(span: Span) -> None:
    assert Span.from_json(span.to_json()) == span


@given(st.lists(spans, max_size=12), st.fractions(min_value=0, max_value=20))
def test_merged_spans_are_apart_and_cover_the_same(found: list[Span], gap: Fraction) -> None:
    merged = merge(found, gap)
    assert merged == sorted(merged)
    for left, right in pairwise(merged):
        assert right.start - left.end > gap
    for span in found:
        assert any(m.start <= span.start and span.end <= m.end for m in merged)
    starts, ends = {s.start for s in found}, {s.end for s in found}
    assert all(m.start in starts and m.end in ends for m in merged)
    assert merge(merged, gap) == merged
    assert merge(reversed(found), gap) == merged


@given(st.lists(spans, max_size=10))
def test_merging_without_a_gap_keeps_the_instants_covered(found: list[Span]) -> None:
    merged = merge(found)
    marks = {edge for s in found for edge in (s.start, s.end, s.midpoint)}
    for mark in marks:
        covered = any(s.contains(mark) for s in found)
        assert not covered or any(m.contains(mark) for m in merged)
    assert total(merged) <= total(found)


@given(spans, lengths, lengths)
def test_windows_tile_the_span_within_the_limits(span: Span, a: Fraction, b: Fraction) -> None:
    assume(span.duration / max(a, b) < 500)
    shortest, longest = min(a, b), max(a, b)
    cut = windows(span, shortest, longest)
    assert cut[0].start == span.start
    assert cut[-1].end == span.end
    assert all(left.end == right.start for left, right in pairwise(cut))
    assert len({window.duration for window in cut}) == 1
    if span.duration >= shortest:
        assert all(window.duration >= shortest for window in cut)
    if len(cut) > 1 or span.duration <= longest:
        # Where no equal cut fits both limits, the shortest one wins.
        assert cut[0].duration <= longest or span.duration / (len(cut) + 1) < shortest


def test_windows_of_known_spans() -> None:
    assert windows(Span.of(0, 10), Fraction(2), Fraction(6)) == [Span.of(0, 5), Span.of(5, 10)]
    assert windows(Span.of(3, 4), Fraction(2), Fraction(6)) == [Span.of(3, 4)]
    assert windows(Span.of(3, 3), Fraction(2), Fraction(6)) == [Span.of(3, 3)]
    assert windows(Span.of(0, 7), Fraction(5), Fraction(6)) == [Span.of(0, 7)]


@pytest.mark.parametrize(("shortest", "longest"), [(2, 1), (0, 0), (-1, 0)])
def test_impossible_windows_are_refused(shortest: int, longest: int) -> None:
    with pytest.raises(ValueError, match="windows need"):
        windows(Span.of(0, 1), Fraction(shortest), Fraction(longest))
