import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.search.fusion import fuse, noisy_or, shares

evidence = st.floats(0, 1)
lists = st.lists(evidence, max_size=6)


@given(lists)
def test_noisy_or_stays_between_the_strongest_witness_and_certainty(values: list[float]) -> None:
    score = noisy_or(values)
    assert max(values, default=0.0) - 1e-9 <= score <= 1.0


@given(lists, evidence)
def test_another_witness_never_lowers_the_score(values: list[float], more: float) -> None:
    assert noisy_or([*values, more]) >= noisy_or(values) - 1e-12


@given(lists)
def test_the_order_of_witnesses_does_not_matter(values: list[float]) -> None:
    assert noisy_or(values) == pytest.approx(noisy_or(values[::-1]))


@given(lists)
def test_shares_add_up_to_one_and_follow_strength(values: list[float]) -> None:
    parts = shares(values)
    assert sum(parts) == pytest.approx(1.0 if any(v > 1e-12 for v in values) else sum(parts))
    by_strength = sorted(zip(values, parts, strict=True))
    assert [part for _, part in by_strength] == sorted(parts)


@given(st.dictionaries(st.integers(0, 3), lists), st.lists(st.floats(-1, 3), max_size=4))
def test_fused_scores_are_between_zero_and_one(
    found: dict[int, list[float]], weights: list[float]
) -> None:
    assert 0.0 <= fuse(found, weights) <= 1.0 + 1e-9


def test_a_query_of_two_parts_wants_both() -> None:
    assert fuse({0: [0.6], 1: [0.6]}, [1, 1]) > fuse({0: [0.8]}, [1, 1])


def test_weights_decide_which_part_matters() -> None:
    assert fuse({0: [0.8]}, [3, 1]) > fuse({1: [0.8]}, [3, 1])


def test_a_negative_part_pushes_down_what_matches_it() -> None:
    assert fuse({0: [0.8], 1: [0.9]}, [1, -1]) == pytest.approx(0.08)
    assert fuse({0: [0.8]}, [1, -1]) == pytest.approx(0.8)


def test_negatives_alone_find_nothing() -> None:
    assert fuse({0: [0.9]}, [-1]) == 0.0
