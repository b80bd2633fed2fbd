"""Retrieval metrics per query, their means, and how sure the means are.

Ranking metrics come from trec_eval (pytrec_eval). *recall@k* is the share of queries with a right
answer among the first k, as published text-to-video tables define it; trec_eval calls it success.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from videlicet.types import Span

#: Published name → trec_eval's name.
ASSET_METRICS = {
    "recall@1": "success_1",
    "recall@5": "success_5",
    "recall@10": "success_10",
    "mrr": "recip_rank",
    "ndcg@10": "ndcg_cut_10",
}
_WANTED = ("success.1,5,10", "recip_rank", "ndcg_cut.10")
DEPTHS = (1, 5)
THRESHOLDS = (0.3, 0.5, 0.7)

#: Metric name → one value per query, in the order of the queries.
Scores = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class RankedSpan:
    """A returned moment: document and span from the file's start."""

    document: str
    span: Span


def score_assets(relevant: Sequence[Collection[str]], ranked: Sequence[Sequence[str]]) -> Scores:
    """Rank metrics of each query's documents, best first, against its right ones.

    A document named twice counts where it comes first. A query with no results scores 0.
    """
    from pytrec_eval import RelevanceEvaluator

    truth = {str(i): dict.fromkeys(docs, 1) for i, docs in enumerate(relevant)}
    run = {
        # Nothing found is one wrong document: an entry is wanted for each query.
        str(i): {doc: -float(rank) for rank, doc in enumerate(dict.fromkeys(docs))} or {"": 0.0}
        for i, docs in enumerate(ranked)
    }
    rows = RelevanceEvaluator(truth, set(_WANTED)).evaluate(run)
    return {
        name: [float(rows[str(i)][theirs]) for i in range(len(ranked))]
        for name, theirs in ASSET_METRICS.items()
    }


def score_moments(
    relevant: Sequence[Sequence[RankedSpan]], ranked: Sequence[Sequence[RankedSpan]]
) -> Scores:
    """Temporal recall: is one of the first k moments in a right file, and does it overlap a
    right span of it by at least the threshold (intersection over union)? Also the mean overlap
    of the first moment, ``miou``."""
    scores: Scores = {}
    overlaps = [
        [
            max(
                (float(hit.span.iou(r.span)) for r in right if r.document == hit.document),
                default=0.0,
            )
            for hit in hits[: max(DEPTHS)]
        ]
        for right, hits in zip(relevant, ranked, strict=True)
    ]
    for depth in DEPTHS:
        for threshold in THRESHOLDS:
            scores[f"recall@{depth}_iou{threshold}"] = [
                float(any(iou >= threshold for iou in row[:depth])) for row in overlaps
            ]
    scores["miou"] = [row[0] if row else 0.0 for row in overlaps]
    return scores


def summarise(scores: Scores, resamples: int, seed: int) -> dict[str, Any]:
    """``n``, the mean of each metric, and under ``NAME_ci`` its 95 % percentile bootstrap interval
    over queries (Efron, 1979); the same seed gives the same interval."""
    import numpy as np

    n = len(next(iter(scores.values())))
    draws = np.random.default_rng(seed).integers(0, n, size=(resamples, n))
    summary: dict[str, Any] = {"n": n}
    for name, values in scores.items():
        row = np.asarray(values, dtype=np.float64)
        low, high = np.percentile(row[draws].mean(axis=1), [2.5, 97.5])
        summary[name] = round(float(row.mean()), 6)
        summary[f"{name}_ci"] = [round(float(low), 6), round(float(high), 6)]
    return summary


#: Kinds that are also reported together: what can only be seen, not read or heard.
SEEN_KINDS = ("object", "action", "scene")


def group(
    labels: Sequence[tuple[str, str]], scores: Scores, resamples: int, seed: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """``{modality: {kind or "all": summary}}`` for queries labelled (modality, kind)."""
    groups: dict[str, dict[str, list[int]]] = {}
    for position, (modality, kind) in enumerate(labels):
        kinds = groups.setdefault(modality, {})
        kinds.setdefault("all", []).append(position)
        kinds.setdefault(kind, []).append(position)
    for kinds in groups.values():
        together = [k for k in SEEN_KINDS if k in kinds]
        if len(together) > 1:
            kinds["+".join(SEEN_KINDS)] = sorted(p for k in together for p in kinds[k])
    return {
        modality: {
            kind: summarise(
                {name: [values[p] for p in positions] for name, values in scores.items()},
                resamples,
                seed,
            )
            for kind, positions in kinds.items()
        }
        for modality, kinds in groups.items()
    }
