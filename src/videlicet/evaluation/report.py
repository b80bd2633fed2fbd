"""The outcome of an evaluation, for programs and for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: ``{modality: {kind or "all": {"n": …, metric: …, metric_ci: [low, high]}}}``
Table = Mapping[str, Mapping[str, Mapping[str, Any]]]

#: What a person is shown; ``to_json`` holds all.
ASSET_COLUMNS = ("recall@1", "recall@5", "recall@10", "mrr", "ndcg@10")
MOMENT_COLUMNS = ("recall@1_iou0.3", "recall@1_iou0.5", "recall@1_iou0.7", "recall@5_iou0.5")


@dataclass(frozen=True, slots=True)
class QueryOutcome:
    """How one query went: the place of the first right document and the first moment's overlap.

    ``rank`` is ``None`` where no right document was returned, ``iou`` where the query says no when.
    """

    id: str
    modality: str
    kind: str
    rank: int | None
    iou: float | None


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One line of a table for people. ``values`` are (metric, mean, low, high)."""

    table: str
    modality: str
    kind: str
    n: int
    values: tuple[tuple[str, float, float, float], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of one dataset, with what they were measured by.

    ``unindexed`` names files that could not be indexed (their queries count as missed) and
    ``left_out`` counts annotated queries without a video on this machine. ``timing`` is seconds
    unless a name ends in ``_ms``.
    """

    dataset: str
    form: str
    by_asset: Table
    by_moment: Table
    baselines: Mapping[str, Mapping[str, Table]]
    models: tuple[str, ...]
    timing: Mapping[str, float]
    unindexed: tuple[str, ...]
    left_out: int
    outcomes: tuple[QueryOutcome, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset,
            "form": self.form,
            "by_asset": self.by_asset,
            "by_moment": self.by_moment,
            "baselines": self.baselines,
            "models": list(self.models),
            "timing": dict(self.timing),
            "unindexed": list(self.unindexed),
            "left_out": self.left_out,
        }

    def rows(self) -> list[MetricRow]:
        """Lines for people, grouped by table: the system's, then each baseline's."""
        found = _rows("by asset", self.by_asset, ASSET_COLUMNS)
        found += _rows("by moment", self.by_moment, MOMENT_COLUMNS)
        for name, tables in self.baselines.items():
            found += _rows(f"{name}, by asset", tables["by_asset"], ASSET_COLUMNS)
            found += _rows(f"{name}, by moment", tables["by_moment"], MOMENT_COLUMNS)
        return found


def _rows(name: str, table: Table, columns: tuple[str, ...]) -> list[MetricRow]:
    return [
        MetricRow(
            name,
            modality,
            kind,
            summary["n"],
            tuple((column, summary[column], *summary[f"{column}_ci"]) for column in columns),
        )
        for modality, kinds in table.items()
        for kind, summary in kinds.items()
    ]
