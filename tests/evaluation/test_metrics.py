from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.evaluation.metrics import (
    RankedSpan,
    group,
    score_assets,
    score_moments,
    summarise,
)
from videlicet.types import Span


def test_rank_metrics_of_known_rankings() -> None:
    scores = score_assets(
        [{"a"}, {"a", "b"}, {"z"}, {"a"}],
        [["a", "b"], ["x", "b", "a"], ["a", "b"], []],
    )
    assert scores["recall@1"] == [1, 0, 0, 0]
    assert scores["recall@5"] == [1, 1, 0, 0]
    assert scores["mrr"] == [1, 0.5, 0, 0]
    ideal = 1 + 1 / math.log2(3)
    assert scores["ndcg@10"] == pytest.approx(
        [1, (1 / math.log2(3) + 1 / math.log2(4)) / ideal, 0, 0]
    )


def test_order_of_queries_is_kept_beyond_ten() -> None:
    right = [{f"d{i}"} for i in range(25)]
    ranked = [[f"d{i}"] if i % 3 == 0 else ["wrong", f"d{i}"] for i in range(25)]
    assert score_assets(right, ranked)["recall@1"] == [float(i % 3 == 0) for i in range(25)]


def test_a_document_named_twice_counts_once_where_it_comes_first() -> None:
    scores = score_assets([{"b"}], [["a", "a", "b", "a"]])
    assert scores["mrr"] == [0.5]


@given(st.lists(st.permutations(list("abcdef")), min_size=1, max_size=12), st.data())
def test_rank_metrics_agree_with_their_definition(
    ranked: list[list[str]], data: st.DataObject
) -> None:
    right = [data.draw(st.sets(st.sampled_from("abcdef"), min_size=1)) for _ in ranked]
    scores = score_assets(right, ranked)
    for i, (truth, row) in enumerate(zip(right, ranked, strict=True)):
        first = next(n for n, doc in enumerate(row) if doc in truth)
        assert scores["recall@1"][i] == float(first < 1)
        assert scores["recall@5"][i] == float(first < 5)
        assert scores["mrr"][i] == pytest.approx(1 / (first + 1))
        assert 0 <= scores["ndcg@10"][i] <= 1 + 1e-9


def test_temporal_recall_takes_the_best_right_span_of_the_same_file() -> None:
    right = [
        (
            RankedSpan("a", Span.of(0, 8)),
            RankedSpan("a", Span.of(20, 30)),
            RankedSpan("b", Span.of(0, 4)),
        )
    ]
    hits = [
        RankedSpan("b", Span.of(20, 30)),
        RankedSpan("a", Span.of(20, 26)),
        RankedSpan("a", Span.of(0, 8)),
    ]
    scores = score_moments(right, [hits])
    assert scores["recall@1_iou0.3"] == [0]
    assert scores["recall@5_iou0.7"] == [1]
    second = score_moments(right, [hits[1:2]])
    assert (second["recall@1_iou0.5"], second["recall@1_iou0.7"]) == ([1], [0])
    assert second["miou"] == [0.6]


def test_nothing_returned_scores_nothing() -> None:
    assert set(map(tuple, score_moments([(RankedSpan("a", Span.of(0, 1)),)], [[]]).values())) == {
        (0.0,)
    }


def test_depth_five_does_not_look_at_the_sixth() -> None:
    right = [(RankedSpan("a", Span.of(0, 8)),)]
    wrong = [RankedSpan("a", Span.of(50, 60))] * 5
    assert score_moments(right, [[*wrong, RankedSpan("a", Span.of(0, 8))]])["recall@5_iou0.3"] == [
        0
    ]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(0, 5))
def test_interval_is_seeded_and_holds_between_extremes(values: list[float], seed: int) -> None:
    one = summarise({"m": values}, 200, seed)
    assert one == summarise({"m": values}, 200, seed)
    low, high = one["m_ci"]
    assert min(values) - 1e-6 <= low <= high <= max(values) + 1e-6
    assert one["n"] == len(values)


def test_groups_by_kind_with_all_and_what_can_be_seen() -> None:
    labels = [("text", "object"), ("text", "scene"), ("text", "speech"), ("image", "object")]
    table = group(labels, {"m": [1, 0, 1, 0]}, 50, 0)
    assert list(table["text"]) == ["all", "object", "scene", "speech", "object+action+scene"]
    assert table["text"]["object+action+scene"]["n"] == 2
    assert table["text"]["object+action+scene"]["m"] == 0.5
    assert table["text"]["all"]["m"] == pytest.approx(2 / 3, abs=1e-6)
    assert list(table["image"]) == ["all", "object"]
