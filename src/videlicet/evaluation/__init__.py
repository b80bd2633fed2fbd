"""How good are search and analysis? Datasets, questions, metrics, baselines and reports.

It uses only the public interface of :class:`videlicet.Library`.
"""

from videlicet.evaluation.analysis import (
    Analysable,
    AnalysisReport,
    AnswerOutcome,
    analyse,
)
from videlicet.evaluation.dataset import Dataset, EvaluationQuery, Relevance, Scope
from videlicet.evaluation.public import read
from videlicet.evaluation.questions import QuestionSet, holds_questions, read_questions
from videlicet.evaluation.report import QueryOutcome, Report, Row
from videlicet.evaluation.run import Collection, Searchable, evaluate, measure

__all__ = [
    "Analysable",
    "AnalysisReport",
    "AnswerOutcome",
    "Collection",
    "Dataset",
    "EvaluationQuery",
    "QueryOutcome",
    "QuestionSet",
    "Relevance",
    "Report",
    "Row",
    "Scope",
    "Searchable",
    "analyse",
    "evaluate",
    "holds_questions",
    "measure",
    "read",
    "read_questions",
]
