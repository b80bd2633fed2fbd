"""How good are search and analysis? Datasets, questions, metrics, baselines and reports.

It uses only the public interface of :class:`videlicet.Library`.
"""

from videlicet.evaluation.analysis import (
    AnalysisReport,
    AnswerOutcome,
    AnswerTarget,
    evaluate_analysis,
)
from videlicet.evaluation.dataset import CandidatePool, Dataset, EvaluationQuery, Relevance
from videlicet.evaluation.public import read
from videlicet.evaluation.questions import QuestionSet, is_question_file, read_questions
from videlicet.evaluation.report import MetricRow, QueryOutcome, Report
from videlicet.evaluation.run import Collection, IndexTarget, evaluate, measure

__all__ = [
    "AnalysisReport",
    "AnswerOutcome",
    "AnswerTarget",
    "CandidatePool",
    "Collection",
    "Dataset",
    "EvaluationQuery",
    "IndexTarget",
    "MetricRow",
    "QueryOutcome",
    "QuestionSet",
    "Relevance",
    "Report",
    "evaluate",
    "evaluate_analysis",
    "is_question_file",
    "measure",
    "read",
    "read_questions",
]
