from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from tests.analyze.evidence_factory import make_evidence

from videlicet.analyze.evidence.statements import depths, screens, seen, spoken
from videlicet.types import Modality, Span, Word


def test_an_utterance_becomes_its_sentences() -> None:
    made = make_evidence(10, said=[(0, 4, "It was late. Nobody came! Why?")])
    assert [one.text for one in spoken(made)] == ["It was late.", "Nobody came!", "Why?"]
    assert all(one.items == (made.items[0],) for one in spoken(made))


def test_short_forms_end_no_sentence() -> None:
    made = make_evidence(10, said=[(0, 4, "Mr. Smith met Dr. J. Doe at 5.30 in St. Ives.")])
    assert [one.text for one in spoken(made)] == ["Mr. Smith met Dr. J. Doe at 5.30 in St. Ives."]


def test_a_sentence_goes_on_in_the_next_piece_and_cites_both() -> None:
    made = make_evidence(
        10, said=[(0, 2, "we went to the"), (2.5, 5, "old harbour. It was quiet.")]
    )
    first, second = spoken(made)
    assert (first.text, second.text) == ("We went to the old harbour.", "It was quiet.")
    assert first.items == made.items
    assert second.items == (made.items[1],)


def test_a_pause_or_another_speaker_ends_a_sentence() -> None:
    made = make_evidence(20, said=[(0, 2, "we went to the"), (9, 12, "old harbour")])
    assert [one.text for one in spoken(made)] == ["We went to the.", "Old harbour."]
    made = make_evidence(20, said=[(0, 2, "we went to the"), (2, 4, "old harbour")])
    other = replace(made.items[1], speaker="B")
    made = replace(made, items=(made.items[0], other))
    assert len(spoken(made)) == 2


def test_a_missing_full_stop_is_found_by_the_next_capital() -> None:
    made = make_evidence(
        10, said=[(0, 4, "It was the age of foolishness It was the epoch of belief")]
    )
    assert [one.text for one in spoken(made)] == [
        "It was the age of foolishness.",
        "It was the epoch of belief.",
    ]


def test_times_come_from_words_where_they_are_known() -> None:
    made = make_evidence(10, said=[(0, 8, "One two. Three four.")])
    times = [(0, 1), (1, 2), (6, 7), (7, 8)]
    words = tuple(
        Word(word, Span.of(*time), 1.0)
        for word, time in zip(["One", "two.", "Three", "four."], times, strict=True)
    )
    timed = replace(made, items=(replace(made.items[0], words=words),))
    assert [one.span for one in spoken(timed)] == [Span.of(0, 2), Span.of(6, 8)]
    # Without them they are shared out by letters.
    first, second = spoken(made)
    assert first.span.start == 0
    assert second.span.end == 8
    assert first.span.end <= second.span.start


@given(
    st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60), max_size=6),
    st.floats(0.1, 3),
)
def test_whatever_is_said_each_sentence_lies_in_its_pieces(texts: list[str], gap: float) -> None:
    rows = [(n * (2 + gap), n * (2 + gap) + 2, " ".join(t.split())) for n, t in enumerate(texts)]
    made = make_evidence(60, said=[row for row in rows if row[2]])
    for one in spoken(made):
        assert one.text.strip()
        assert one.items
        assert one.items[0].span.start <= one.span.start <= one.span.end
        assert one.span.end <= one.items[-1].span.end
        assert one.vector.shape == (64,)


def test_lines_that_stand_together_are_quoted_together() -> None:
    made = make_evidence(
        20, read=[(0, 8, "FIRST LINE"), (0.5, 8, "Second line"), (12, 15, "Later")]
    )  # fmt: skip
    assert [one.text for one in screens(made)] == [
        'On screen: "FIRST LINE", "Second line".',
        'On screen: "Later".',
    ]
    assert len(screens(made)[0].items) == 2


def test_what_is_seen_is_reported_by_one_template_in_the_order_of_time() -> None:
    made = make_evidence(
        30, labels=[(0, 10, "tabby cat"), (5, 25, "window"), (26, 26.5, "hardly seen")]
    )  # fmt: skip
    view = seen(made)
    assert view is not None
    assert view.text == "Seen: tabby cat, window."
    assert {item.text for item in view.items} == {"tabby cat", "window"}
    later = seen(made, Span.of(12, 24))
    assert later is not None
    assert later.text == "Seen: window."
    assert seen(made, Span.of(28, 30)) is None
    assert seen(make_evidence(5)) is None


def test_how_deep_an_instant_lies_in_a_sentence() -> None:
    depth = depths(spoken(make_evidence(20, said=[(2, 8, "A whole sentence here.")])))
    assert [depth(Fraction(at)) for at in (1, 2, 5, 7, 9)] == [0, 0, 3, 1, 0]
    assert depths([])(Fraction(1)) == 0


def test_only_what_was_said_is_spoken() -> None:
    made = make_evidence(9, read=[(0, 1, "A sign.")], labels=[(0, 1, "dog")])
    assert spoken(made) == []
    assert [one.modality for one in screens(made)] == [Modality.TEXT]
