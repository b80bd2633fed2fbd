from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analyze.evidence_factory import COFFEE, ENCODER, make_evidence, talk

from videlicet.analyze.evidence.load import Curve
from videlicet.analyze.qa.highlights import highlights
from videlicet.analyze.qa.quotes import format_span
from videlicet.types import Measure, Span, instant

RARE = "Suddenly a whale jumps beside the ferry."
FILM = make_evidence(
    80,
    said=talk([*COFFEE, *COFFEE[:4], RARE, *COFFEE[:5]]),
    labels=[(0, 56, "espresso"), (56, 60, "whale"), (60, 80, "espresso")],
    cuts=[20, 56, 60],
)


def test_what_is_unlike_the_rest_stands_out() -> None:
    best = highlights(FILM, ENCODER, 3)[0]
    assert best.span.overlap(FILM.items[0].span.__class__.of(56, 60)) > 3
    assert best.title.text == RARE
    assert [item.text for item in best.title.citations] == [RARE]
    assert best.reasons["rarity"] > 0.3


def test_a_query_decides() -> None:
    best = highlights(FILM, ENCODER, 2, query="whale ferry")[0]
    assert RARE in best.title.text
    assert max(best.reasons, key=lambda name: best.reasons[name]) == "query"
    coffee = highlights(FILM, ENCODER, 1, query="roasted espresso beans")[0]
    assert "espresso" in coffee.title.text or "coffee" in coffee.title.text
    assert coffee.reasons["query"] > 0.5


def test_stretches_are_of_some_seconds_and_break_no_sentence() -> None:
    for one in highlights(FILM, ENCODER, 5):
        assert 3 <= one.span.duration <= 15
        for item in FILM.items:
            if item.modality == "speech":
                for at in (one.span.start, one.span.end):
                    assert not item.span.start + 0.5 < at < item.span.end - instant(0.5)


def test_a_video_shorter_than_a_highlight_is_one() -> None:
    (only,) = highlights(make_evidence(2, labels=[(0, 1, "cat"), (1, 2, "dog")]), ENCODER)
    assert only.span.duration == 2
    assert only.title.supported


@pytest.mark.parametrize("measure", list(Measure))
def test_what_is_louder_or_moves_more_than_usual_stands_out(measure: Measure) -> None:
    usual, much = {Measure.LOUDNESS: (-30.0, -10.0), Measure.MOTION: (0.01, 0.2)}[measure]
    values = np.full(60, usual, np.float32)
    values[40:46] = much
    if measure is Measure.LOUDNESS:
        values[:20] = -100
    curve = Curve(np.arange(60, dtype=np.float32), values, 1.0)
    best = highlights(replace(make_evidence(60), curves={measure: curve}), ENCODER, 1)[0]
    assert best.reasons == {measure.value: pytest.approx(1)}
    assert best.span.overlap(Span.of(40, 46)) > 4
    flat = replace(curve, values=np.full(60, usual, np.float32))
    assert highlights(replace(make_evidence(60), curves={measure: flat}), ENCODER, 1) == []


def test_nothing_stands_out_where_nothing_is_known() -> None:
    assert highlights(make_evidence(30), ENCODER) == []
    assert highlights(make_evidence(30), ENCODER, query="whale") == []


def test_where_nothing_has_a_name_the_title_is_the_time_and_cites_nothing() -> None:
    looks = make_evidence(30, labels=[(0, 10, "cat"), (10, 12, "dog"), (12, 30, "cat")])
    bare = replace(looks, items=(), vectors=looks.vectors[:0])
    best = highlights(bare, ENCODER, 1)[0]
    assert best.title.text == format_span(best.span)
    assert not best.title.supported
    assert best.span.start <= 10 < best.span.end


@settings(max_examples=40)
@given(
    st.floats(0.3, 200),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 6)), max_size=12),
    st.integers(1, 6),
    st.sampled_from([None, "thing3", " "]),
)
def test_highlights_never_overlap_and_say_why(
    seconds: float, rows: list[tuple[float, float, int]], count: int, query: str | None
) -> None:
    labels = sorted((seconds * min(a, b), seconds * max(a, b), f"thing{n}") for a, b, n in rows)
    made = make_evidence(seconds, labels=labels)
    found = highlights(made, ENCODER, count, query)
    assert len(found) <= count
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for n, one in enumerate(found):
        assert 0 <= one.score <= 1
        assert sum(one.reasons.values()) == pytest.approx(1)
        assert made.span.start <= one.span.start < one.span.end <= made.span.end
        assert all(not one.span.overlap(other.span) for other in found[n + 1 :])


def test_what_nothing_has_to_do_with_is_no_reason() -> None:
    odd = highlights(FILM, ENCODER, 4, query="bassoon lessons")
    assert odd == highlights(FILM, ENCODER, 4)
    assert not any("query" in one.reasons for one in odd)
    # Nor is it one for a stretch that has nothing to do with it.
    some = highlights(FILM, ENCODER, 6, query="whale")
    assert any("query" in one.reasons for one in some)
    for one in some:
        inside = [item for item in FILM.items if item.span.overlap(one.span)]
        assert ("query" in one.reasons) <= any("whale" in item.text for item in inside)
