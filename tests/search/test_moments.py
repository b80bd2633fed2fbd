from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from videlicet.models.cards import card, default_cards
from videlicet.search.lanes import Candidate, lanes_of
from videlicet.search.moments import LONGEST, find_moments
from videlicet.types import Span

BY_NAME = {lane.name: lane for lane in lanes_of(default_cards(), card)}


def candidate(
    start: float, end: float, evidence: float, lane: str = "scene", part: int = 0
) -> Candidate:
    return Candidate(
        lane=BY_NAME[lane], part=part, asset_id="a" * 24, span=Span.of(start, end), rank=1,
        score=evidence, evidence=evidence, row_id=f"{lane}{start}",
    )  # fmt: skip


def shots(*bounds: float) -> list[Span]:
    return [Span.of(a, b) for a, b in pairwise(bounds)]


def test_evidence_inside_a_short_shot_returns_the_whole_shot() -> None:
    [moment] = find_moments([candidate(9, 11, 0.5)], shots(0, 8, 16), [1])
    assert moment.span == Span.of(8, 16)


def test_words_that_straddle_a_cut_belong_to_the_shot_they_are_mostly_in() -> None:
    [moment] = find_moments([candidate(7.5, 12, 0.5, "speech")], shots(0, 8, 16), [1])
    assert moment.span == Span.of(8, 16)


def test_neighbouring_shots_that_match_as_well_are_one_moment() -> None:
    found = find_moments(
        [candidate(0, 4, 0.5), candidate(4, 8, 0.48), candidate(8, 12, 0.1)],
        shots(0, 4, 8, 12),
        [1],
    )
    assert [m.span for m in found] == [Span.of(0, 8), Span.of(8, 12)]


def test_lanes_that_meet_in_one_shot_strengthen_each_other() -> None:
    both = find_moments([candidate(1, 3, 0.5), candidate(2, 5, 0.5, "speech")], shots(0, 6), [1])
    assert len(both) == 1
    assert both[0].score > 0.7


def test_inside_a_long_take_the_sentence_is_returned() -> None:
    [moment] = find_moments([candidate(100, 104, 0.7, "speech")], shots(0, 600), [1])
    assert moment.span == Span.of(100, 104)


def test_sound_recordings_have_no_shots() -> None:
    [moment] = find_moments([candidate(3, 7, 0.7, "speech")], [], [1])
    assert moment.span == Span.of(3, 7)


def test_units_that_are_not_accepted_are_left_out() -> None:
    assert find_moments([candidate(1, 3, 0.9)], shots(0, 6), [1], lambda _: False) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(1, 6), st.floats(0.01, 0.9)),
        min_size=1,
        max_size=40,
    ),
    st.lists(st.integers(1, 60), max_size=12),
)
def test_moments_cover_their_evidence_and_never_overlap(
    rows: list[tuple[int, int, float]], lengths: list[int]
) -> None:
    bounds = [0]
    for length in lengths:
        bounds.append(bounds[-1] + length)
    found = find_moments([candidate(s, s + d, e) for s, d, e in rows], shots(*bounds), [1])
    assert found == sorted(found, key=lambda m: (-m.score, m.span))
    assert found[0].score >= max(e for _, _, e in rows) - 1e-9
    for moment in found:
        assert 0 < moment.score <= 1
        assert moment.span.duration <= max(LONGEST, Fraction(20))
