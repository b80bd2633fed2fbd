"""How good is the search? Datasets, retrieval metrics, baselines and reports.

It uses only the public interface of :class:`videlicet.Library`.
"""

from videlicet.evaluation.dataset import Dataset, EvaluationQuery, Relevance, Scope
from videlicet.evaluation.public import read
from videlicet.evaluation.report import QueryOutcome, Report, Row
from videlicet.evaluation.run import Collection, Searchable, evaluate, measure

__all__ = [
    "Collection",
    "Dataset",
    "EvaluationQuery",
    "QueryOutcome",
    "Relevance",
    "Report",
    "Row",
    "Scope",
    "Searchable",
    "evaluate",
    "measure",
    "read",
]
