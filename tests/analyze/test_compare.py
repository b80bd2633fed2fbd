"""Two videos side by side."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.analyze.exports.factories import asset, make_evidence, make_item

from videlicet.analyze.compare import compare
from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.embedding.spans import TimedVectors
from videlicet.types import Modality, Sentence, Span

LEFT, RIGHT = asset("a" * 24, "left.mp4"), asset("b" * 24, "right.mp4")


def seen(name: str, start: Any, end: Any, id: str = LEFT.id) -> Any:
    return make_item(name, start, end, asset_id=id, modality=Modality.VISUAL)


def left() -> AssetEvidence:
    return make_evidence(
        make_item("The rocket lifts off at dawn", 0, 3, asset_id=LEFT.id),
        make_item("Nothing else compares to this", 4, 6, asset_id=LEFT.id),
        seen("dog", 0, 5),
        seen("dog", 8, 9),
        seen("banjo", 6, 8),
        of=LEFT,
        vectors=[[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1], [0.8, 0.6, 0]],
    )


def right() -> AssetEvidence:
    return make_evidence(
        make_item("A spacecraft is launched in the morning", 10, 12, asset_id=RIGHT.id),
        make_item("rocket", 13, 14, asset_id=RIGHT.id, modality=Modality.TEXT),
        seen("Dog", 0, 4, RIGHT.id),
        seen("violin", 5, 6, RIGHT.id),
        of=RIGHT,
        vectors=[[0.9, 0.1, 0.1], [0.3, 0.1, 0.9], [0, 0.1, 1], [0, 1, 0]],
    )


def texts(sentences: tuple[Sentence, ...]) -> list[str]:
    return [sentence.text for sentence in sentences]


def test_what_is_in_both_is_cited_from_both() -> None:
    found = compare(left(), right())
    assert (found.left, found.right) == (LEFT.id, RIGHT.id)
    assert texts(found.shared) == ["dog", "rocket"]
    for sentence in found.shared:
        assert {one.asset_id for one in sentence.citations} == {LEFT.id, RIGHT.id}
    assert len(found.shared[0].citations) == 3


def test_sentences_of_both_come_first_and_what_is_about_nothing_is_left_out() -> None:
    def of(side: Any, *rows: str) -> AssetEvidence:
        made = [make_item(text, 3 * n, 3 * n + 2, asset_id=side.id) for n, text in enumerate(rows)]
        return make_evidence(*made, of=side)

    found = compare(
        of(LEFT, "Payment is due within 30 days.", "Between us, 20931 rockets fly.", "Thank you."),
        of(RIGHT, "payment is due within 30 days", "Something between 20931 and rockets.",
           "Thank you.", "The payment came."),
    )  # fmt: skip
    assert texts(found.shared) == ["Payment is due within 30 days.", "Payment", "rockets"]
    assert [one.asset_id for one in found.shared[0].citations] == [LEFT.id, RIGHT.id]


def test_what_only_one_has() -> None:
    found = compare(left(), right())
    assert sorted(texts(found.only_left)) == ["Nothing else compares to this", "banjo"]
    assert sorted(texts(found.only_right)) == ["rocket", "violin"]
    assert {c.asset_id for s in found.only_left for c in s.citations} == {LEFT.id}
    assert {c.asset_id for s in found.only_right for c in s.citations} == {RIGHT.id}


def test_moments_that_mean_the_same_are_pairs() -> None:
    found = compare(left(), right())
    assert [(p.left[0].text, p.right[0].text) for p in found.pairs] == [
        ("dog", "Dog"),
        ("The rocket lifts off at dawn", "A spacecraft is launched in the morning"),
    ]
    assert found.pairs[1].left_span == Span.of(0, 3)
    assert found.pairs[1].right_span == Span.of(10, 12)
    assert all(0 <= pair.likeness <= 1 for pair in found.pairs)


def test_pictures_that_look_alike_are_pairs_without_a_name() -> None:
    one = TimedVectors([Span.of(0, 2), Span.of(2, 4)], np.eye(3, dtype=np.float32)[:2])
    other = TimedVectors([Span.of(7, 9)], np.array([[0.01, 1, 0]], np.float32))
    first = make_evidence(seen("dog", 3, 4), of=LEFT, vectors=[[0, 0, 1]], looks=one)
    found = compare(first, make_evidence(of=RIGHT, looks=other))
    (pair,) = found.pairs
    assert (pair.left_span, pair.right_span) == (Span.of(2, 4), Span.of(7, 9))
    assert [one.text for one in pair.left] == ["dog"]
    assert pair.right == ()


def test_words_alone_count_where_the_models_differ() -> None:
    index = replace(right().index, cards={"text": "another"})
    other = replace(right(), index=index)
    found = compare(left(), other)
    assert [pair.left[0].text for pair in found.pairs] == ["dog"]
    assert texts(found.shared) == ["dog", "rocket"]


def test_there_is_never_more_than_was_asked_for() -> None:
    found = compare(left(), right(), count=1)
    assert len(found.shared) == len(found.only_left) == len(found.only_right) == 1
    assert len(found.pairs) == 1


def test_nothing_compares_to_nothing() -> None:
    empty = compare(make_evidence(of=LEFT), make_evidence(of=RIGHT))
    assert (empty.shared, empty.only_left, empty.only_right, empty.pairs) == ((), (), (), ())
    found = compare(left(), make_evidence(of=RIGHT))
    assert found.shared == ()
    assert len(found.only_left) == 4
    assert json.loads(json.dumps(compare(left(), right()).to_json()))["pairs"][0]["left"]


_TEXTS = st.lists(st.text(st.sampled_from("ab cd"), min_size=1, max_size=9), max_size=5)


@given(_TEXTS, _TEXTS)
def test_it_does_not_matter_which_comes_first(ours: list[str], theirs: list[str]) -> None:
    def of(rows: list[str], side: Any) -> AssetEvidence:
        made = [make_item(t, n, n + 1, asset_id=side.id) for n, t in enumerate(rows)]
        return make_evidence(*made, of=side)

    found = compare(of(ours, LEFT), of(theirs, RIGHT), 99)
    turned = compare(of(theirs, RIGHT), of(ours, LEFT), 99)
    assert {s.text.casefold() for s in found.only_left} == {
        s.text.casefold() for s in turned.only_right
    }
    assert {len(s.citations) for s in found.shared} == {len(s.citations) for s in turned.shared}
    cited = [c for s in found.only_left for c in s.citations]
    assert all(c.asset_id == LEFT.id for c in cited)
    both = {c.id for p in found.pairs for c in p.left}
    assert not both & {c.id for c in cited}
