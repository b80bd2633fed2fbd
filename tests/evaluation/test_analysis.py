from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analyze.qa.timed_text import make_evidence
from tests.conftest import ROOT

import videlicet
from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.evaluation import QuestionSet, evaluate_analysis, read_questions
from videlicet.evaluation.analysis import boundaries, faithful
from videlicet.evaluation.dataset import Relevance
from videlicet.evaluation.questions import GoldChapters, GoldQuestion, GoldSummary
from videlicet.types import (
    Answer,
    Asset,
    Chapter,
    Finish,
    Sentence,
    Span,
    Usage,
    Video,
    VideoStatus,
    instant,
)

TALK = make_evidence(
    "talk.mp4",
    said=[(0, 4, "Payment is due within 30 days."), (5, 9, "It was the best of times.")],
    written=[(0, 9, "INVOICE 20931")],
)
PETS = make_evidence("pets.mp4", seen=[(0, 6, "tabby cat"), (6, 12, "dog")])
DUE, INVOICE, TIMES = TALK.items
CAT, DOG = PETS.items
NOTHING = Answer((Sentence("Not found in this video."),), False, "parrot")


class Parrot:
    """An index that gives the answers it was given, of videos that are ready or not."""

    def __init__(self, *all_evidence: AssetEvidence, failed: Sequence[str] = ()) -> None:
        self.recordings = [one.asset for one in all_evidence]
        self.failed = failed
        self.asked: list[tuple[str, Sequence[str]]] = []

    def assets(self, index: str) -> list[Asset]:
        return self.recordings

    def videos(self, index: str) -> list[Video]:
        return [
            Video(
                f"in-{one.id}",
                index,
                one,
                VideoStatus.FAILED if one.name in self.failed else VideoStatus.READY,
                datetime(2026, 1, 1, tzinfo=UTC),
                datetime(2026, 1, 1, tzinfo=UTC),
            )
            for one in self.recordings
        ]

    def ask(self, question: str, *, assets: Sequence[str] = (), index: str) -> Answer:
        self.asked.append((question, assets))
        return ANSWERS[question]

    def chapters(self, asset_id: str, *, index: str) -> list[Chapter]:
        title = Sentence("A part")
        return [Chapter(Span.of(start, start + 1), title, ()) for start in (0, 6.5, 20)]

    def summarize(self, *asset_ids: str, index: str) -> Answer:
        return Answer((Sentence(DUE.text, (DUE,)), Sentence("And more.")), True, "parrot")


def says(text: str, *items: Any) -> Answer:
    return Answer((Sentence(text, items),), True, "parrot", usage=Usage(5, 2), finish=Finish.STOP)


def asked(id: str, kind: str, gold: Sequence[Relevance] = (), **more: Any) -> GoldQuestion:
    fields = {"split": "fit", "files": None, "accepted": ("30 days",) if gold else ()} | more
    return GoldQuestion(id=id, question=id, kind=kind, gold=tuple(gold), **fields)


IN_TALK = Relevance("talk.mp4", Span.of(0, 5))
WITH_CAT = Relevance("pets.mp4", Span.of(0, 6))
QUESTIONS = QuestionSet(
    "mine",
    {"talk.mp4": None, "pets.mp4": PETS.asset.sha256, "gone.mp4": None},
    (
        asked("due", "spoken", [IN_TALK], files=("talk.mp4",)),
        asked("cat", "seen", [WITH_CAT], split="check", accepted=("cat",)),
        asked("both", "across", [IN_TALK, WITH_CAT], accepted=("30 days",)),
        asked("missed", "spoken", [IN_TALK]),
        asked("nobody", "spoken"),
        asked("invented", "spoken", split="check"),
        asked("elsewhere", "spoken", files=("gone.mp4",)),
    ),
    (GoldChapters("pets.mp4", (instant(0), instant(6), instant(15))), GoldChapters("gone.mp4", ())),
    (GoldSummary("talk.mp4", ("30 days", "/best|worst/")),),
)
ANSWERS = {
    # One citation holds the answer at the right time, the other one only is at the right time.
    "due": says("Payment is due within 30 days.", DUE, INVOICE),
    "cat": says("Seen at 0:00–0:06: tabby cat.", CAT, DOG),
    "both": says("Payment is due within 30 days.", DUE),
    "missed": NOTHING,
    "nobody": NOTHING,
    "invented": Answer((Sentence("The queen did it.", (TIMES,)), Sentence("Yes.")), True, "parrot"),
}


def test_figures_are_right() -> None:
    parrot = Parrot(TALK, PETS)
    ticks: list[None] = []
    report = evaluate_analysis(
        parrot, QUESTIONS, index="videos", resamples=100, on_question=lambda: ticks.append(None)
    )
    assert len(ticks) == 6
    assert parrot.asked[0] == ("due", ["id-talk.mp4"])
    assert parrot.asked[1] == ("cat", [])
    every = report.answers["all"]["all"]
    assert (every["answerable"], every["unanswerable"]) == (4, 2)
    # Right: 30 days twice, and the cat; wrong: the invoice, the dog and the queen's.
    right = 3
    assert every["citation_precision"] == pytest.approx(right / 6, abs=1e-6)
    assert every["citation_recall"] == pytest.approx((1 + 1 + 0.5 + 0) / 4)
    assert every["exact"] == 0.75
    assert every["false_not_found"] == 0.25
    assert every["not_found"] == 0.5
    assert every["cited"] == pytest.approx(4 / 5)
    assert every["faithful"] == pytest.approx(3 / 5)
    low, high = every["exact_ci"]
    assert 0 <= low <= 0.75 <= high <= 1
    assert report.answers["check"]["spoken"]["exact"] is None
    assert report.answers["fit"]["across"]["citation_recall"] == 0.5
    # "elsewhere" and the chapters of a file that is not there.
    assert report.left_out == 2
    assert report.tokens == {"total": 21, "questions": 6}
    assert set(report.timing) == {"answer_p50_ms", "answer_p95_ms"}
    assert report.chapters == {"videos": 1, "precision": 0.5, "recall": 0.5, "f1": 0.5}
    summaries = dict(report.summaries)
    assert summaries.pop("mean_ms") >= 0
    assert summaries == {"videos": 1, "coverage": 0.5, "cited": 0.5, "faithful": 0.5}
    assert report.to_json()["analysis_backend"] == "parrot"
    outcome = next(one for one in report.outcomes if one.id == "due")
    assert (outcome.citations, outcome.correct_citations, outcome.gold_cited, outcome.exact) == (
        2,
        1,
        1,
        True,
    )


def test_what_the_index_lacks_is_left_out() -> None:
    lacking = evaluate_analysis(
        Parrot(TALK, PETS, failed=["pets.mp4"]), QUESTIONS, index="videos", resamples=10
    )
    assert {one.id for one in lacking.outcomes} == {"due", "missed", "nobody", "invented"}
    assert lacking.left_out == 5
    assert lacking.chapters == {}
    nothing = evaluate_analysis(Parrot(), QUESTIONS, index="videos", resamples=10)
    assert {one.id for one in nothing.outcomes} == {"nobody", "invented"}
    assert nothing.summaries == {}


def test_faithful_sentences_use_the_words_of_their_evidence() -> None:
    assert faithful(Sentence("Payment is due in 30 days.", (DUE,)))
    assert faithful(Sentence("In talk.mp4: said at 0:00–0:04: “Payment”", (DUE,)), ["talk.mp4"])
    assert faithful(Sentence("Seen at 0:00–0:06: tabby cat.", (CAT,)))
    assert not faithful(Sentence("Seen at 0:00–0:06: tabby cat.", (DUE,)))
    assert not faithful(Sentence("The president resigned over payment.", (DUE,)))
    assert not faithful(Sentence(DUE.text))


def test_chapters_start_where_they_should() -> None:
    gold = [instant(s) for s in (0, 8, 15, 23)]
    assert boundaries(gold, gold) == (3, 3, 3)
    assert boundaries([instant(s) for s in (0, 9.9, 17.1, 24)], gold) == (2, 3, 3)
    # One right start answers for one found only.
    assert boundaries([instant(s) for s in (0, 7, 8, 9)], gold) == (1, 3, 3)
    assert boundaries([instant(0)], gold) == (0, 0, 3)
    assert boundaries([], []) == (0, 0, 0)


_starts = st.lists(st.integers(0, 60).map(instant), max_size=12)


@given(_starts, _starts)
def test_agreement_is_mutual(ours: list[Any], theirs: list[Any]) -> None:
    agree, found, gold = boundaries(ours, theirs)
    assert 0 <= agree <= min(found, gold)
    assert boundaries(theirs, ours) == (agree, gold, found)
    assert boundaries(ours, ours)[0] == found


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.corpus
def test_the_built_in_analyst_on_the_development_questions(tmp_path: Path, corpus: Path) -> None:
    data = read_questions(ROOT / "bench" / "questions" / "development.json")
    with videlicet.open(tmp_path / "library") as library:
        library.add(corpus / "videos")
        report = evaluate_analysis(library, data, index="default", resamples=100)
    assert report.left_out == 0
    for split in ("all", "fit", "check"):
        metrics = report.answers[split]["all"]
        assert metrics["cited"] == 1.0
        assert metrics["faithful"] == 1.0
        assert metrics["citation_precision"] >= 0.85
        assert metrics["not_found"] >= 0.8
        assert metrics["false_not_found"] <= 0.3
    assert report.summaries["cited"] == 1.0
