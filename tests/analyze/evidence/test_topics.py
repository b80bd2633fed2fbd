from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analyze.evidence_factory import COFFEE, GARDENS, ROCKETS, make_evidence, talk

from videlicet.analyze.evidence.topics import inside, is_spoken_in, topic_spans
from videlicet.types import Span

LECTURE = make_evidence(240, said=talk([*COFFEE, *COFFEE, *ROCKETS, *ROCKETS, *GARDENS, *GARDENS]))


def test_another_subject_is_another_part() -> None:
    first, second, third = topic_spans(LECTURE)
    # In the pause between the last sentence on one subject and the first on the next.
    assert 79.5 <= first.end <= 80
    assert 159.5 <= second.end <= 160
    assert third.end == 240


def test_one_subject_is_one_part() -> None:
    assert topic_spans(make_evidence(80, said=talk([*COFFEE, *COFFEE]))) == [Span.of(0, 80)]


def test_a_short_clip_is_one_part_and_so_is_one_without_evidence() -> None:
    short = make_evidence(12, said=talk(COFFEE[:3]), labels=[(0, 12, "espresso")])
    assert topic_spans(short) == [Span.of(0, 12)]
    assert topic_spans(make_evidence(600)) == [Span.of(0, 600)]


def test_a_boundary_is_at_the_cut_near_it() -> None:
    rows = [(0, 30.2, "red train"), (30.2, 60, "blue mountain")]
    assert topic_spans(make_evidence(60, labels=rows, cuts=[10, 30.2, 45])) == [
        Span.of(0, 30.2),
        Span.of(30.2, 60),
    ]


def test_a_boundary_breaks_no_sentence() -> None:
    for span in topic_spans(LECTURE):
        for item in LECTURE.items:
            assert not item.span.start < span.start < item.span.end


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_as_many_as_asked_for(count: int) -> None:
    assert len(topic_spans(LECTURE, count)) == count
    assert len(topic_spans(make_evidence(120), count)) == count


def test_at_most_as_many_as_allowed() -> None:
    assert len(topic_spans(LECTURE, 2, exactly=False)) == 2
    assert len(topic_spans(LECTURE, 9, exactly=False)) == 3


def test_parts_of_nothing_are_equally_long() -> None:
    lengths = [float(span.duration) for span in topic_spans(make_evidence(100), 4)]
    assert max(lengths) - min(lengths) <= 4


def test_more_than_there_is_time_for_gives_as_many_as_there_can_be() -> None:
    assert 1 <= len(topic_spans(make_evidence(1), 50)) <= 2


@settings(max_examples=40)
@given(
    st.floats(0.2, 400),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 8)), max_size=12),
    st.none() | st.integers(1, 8),
    st.floats(0, 50),
)
def test_parts_have_no_gaps_whatever_there_is(
    seconds: float, rows: list[tuple[float, float, int]], count: int | None, start: float
) -> None:
    labels = [
        (start + seconds * min(a, b), start + seconds * max(a, b), f"thing{n}") for a, b, n in rows
    ]
    cuts = sorted({start + seconds * a for a, _, _ in rows if 0 < a < 1})
    made = make_evidence(seconds, labels=sorted(labels), cuts=cuts, start=start)
    found = topic_spans(made, count)
    assert found[0].start == made.span.start
    assert found[-1].end == made.span.end
    assert all(one.end == other.start for one, other in pairwise(found))
    assert all(one.duration > 0 for one in found)
    assert count is None or len(found) <= count


def test_a_piece_is_inside_of_the_part_that_holds_most_of_it() -> None:
    made = make_evidence(20, labels=[(0, 12, "dog"), (9, 20, "cat"), (15, 15, "bird")])
    assert [made.items[n].text for n in inside(made, Span.of(0, 10))] == ["dog"]
    assert [made.items[n].text for n in inside(made, Span.of(10, 20))] == ["cat", "bird"]


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (Span.of(7.7, 10.4), False),  # 0.3 s of 2.7
        (Span.of(2.3, 5.4), False),  # 0.4 s of 3.1
        (Span.of(7, 10), True),  # a third
        (Span.of(6, 7), True),
        (Span.of(4.5, 6), True),
        (Span.of(4, 14), True),  # all the stretch
        (Span.of(0, 6.6), True),  # half of the stretch
        (Span.of(8, 10), False),
        (Span.of(6, 6), True),  # at an instant
        (Span.of(9, 9), False),
    ],
)
def test_what_only_reaches_into_a_stretch_is_not_said_in_it(said: Span, heard: bool) -> None:
    assert is_spoken_in(said, Span.of(5, 8)) is heard
