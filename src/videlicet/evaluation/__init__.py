"""How good are search and analysis? Datasets, questions, metrics, baselines and reports.

It uses only the public interface of :class:`videlicet.Library`.
"""

from videlicet.evaluation.analysis import (
    AnalysisReport,
    AnalysisTarget,
    AnswerOutcome,
    evaluate_analysis,
)
from videlicet.evaluation.dataset import Dataset, EvaluationQuery, Relevance, Scope
from videlicet.evaluation.public import read
from videlicet.evaluation.questions import QuestionSet, is_question_file, read_questions
from videlicet.evaluation.report import QueryOutcome, Report, Row
from videlicet.evaluation.run import Collection, IndexTarget, evaluate, measure

__all__ = [
    "AnalysisReport",
    "AnalysisTarget",
    "AnswerOutcome",
    "Collection",
    "Dataset",
    "EvaluationQuery",
    "IndexTarget",
    "QueryOutcome",
    "QuestionSet",
    "Relevance",
    "Report",
    "Row",
    "Scope",
    "evaluate",
    "evaluate_analysis",
    "is_question_file",
    "measure",
    "read",
    "read_questions",
]
