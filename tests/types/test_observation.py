from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.errors import PluginError
from videlicet.types import (
    Box,
    Embedding,
    Label,
    Levels,
    Measure,
    Modality,
    Observation,
    ScreenText,
    Shot,
    Span,
    Status,
    Utterance,
    Word,
)

instants = st.fractions(min_value=0, max_value=100_000, max_denominator=90_000)
spans = st.tuples(instants, instants).map(lambda pair: Span(min(pair), max(pair)))
shares = st.floats(0, 1)
words = st.builds(Word, st.text(), spans, shares)
payloads: st.SearchStrategy[object] = st.one_of(
    st.builds(Shot, instants),
    st.builds(
        Utterance,
        st.text(),
        st.sampled_from(["en", "pt-BR"]),
        shares,
        st.lists(words, max_size=3).map(tuple),
        st.none() | st.text(),
    ),
    st.builds(ScreenText, st.text(), st.builds(Box, shares, shares, shares, shares), shares),
    st.builds(Label, st.text(), shares),
    st.builds(
        Embedding,
        st.text(min_size=1),
        st.lists(st.floats(-1, 1, width=32), max_size=8).map(
            lambda row: np.array(row, "<f4").tobytes()
        ),
    ),
    st.builds(
        Levels,
        st.sampled_from(Measure),
        st.fractions(min_value=Fraction(1, 10), max_value=10, max_denominator=100),
        st.lists(st.floats(-100, 1), max_size=8).map(tuple),
    ),
)
observations = st.builds(
    Observation,
    st.text(),
    spans,
    st.sampled_from([Modality.TEXT, Modality("brightness")]),
    st.text(),
    payloads,
)


@given(observations)
def test_observations_survive_json_exactly(seen: Observation) -> None:
    again = Observation.from_json(json.loads(json.dumps(seen.to_json())))
    assert again == seen
    assert again.id == seen.id


def observe(payload: object, start: float = 0) -> Observation:
    return Observation("asset", Span.of(start, start + 2), Modality.TEXT, "card", payload)


def test_ids_tell_findings_apart_but_not_scores() -> None:
    box = Box(0.1, 0.2, 0.3, 0.1)
    text = observe(ScreenText("EXIT", box, 0.9))
    assert text.id == observe(ScreenText("EXIT", box, 0.8)).id
    assert text.id != observe(ScreenText("EXIT", replace(box, x=0.5), 0.9)).id
    assert text.id != observe(ScreenText("EXIT", box, 0.9), start=2).id
    assert observe(Label("dog", 0.5)).id == observe(Label("dog", 0.6)).id
    assert observe(Label("dog", 0.5)).id != observe(Label("cat", 0.5)).id
    assert observe(Utterance("yes", "en", 1.0)).id != observe(Label("yes", 1.0)).id
    assert observe(Shot(Fraction(1))).id == observe(Shot(Fraction(3, 2))).id


def test_an_embedding_recomputed_elsewhere_keeps_its_id() -> None:
    one = Embedding.of("space", np.array([0.6, 0.8], np.float32))
    two = Embedding.of("space", np.array([0.6000001, 0.8], np.float32))
    assert one != two
    assert observe(one).id == observe(two).id
    assert observe(one).id != observe(replace(one, space="other")).id


def test_a_vector_comes_back_and_cannot_be_changed() -> None:
    vector = np.array([0.6, -0.8], np.float32)
    back = Embedding.of("space", vector).vector
    np.testing.assert_array_equal(back, vector)
    with pytest.raises(ValueError, match="read-only"):
        back[0] = 1


def test_an_unknown_kind_of_payload_is_refused() -> None:
    row = observe(Label("dog", 0.5)).to_json()
    row["payload"]["kind"] = "smell"
    with pytest.raises(PluginError, match="smell"):
        Observation.from_json(row)


def test_records_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        observe(Label("dog", 0.5)).asset_id = "other"  # type: ignore[misc]


def test_ended_states() -> None:
    assert {status for status in Status if status.ended} == {
        Status.READY,
        Status.FAILED,
        Status.CANCELLED,
    }
