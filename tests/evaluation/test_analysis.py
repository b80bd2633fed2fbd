from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analyze.builtin.told import material
from tests.conftest import ROOT

import videlicet
from videlicet.analyze.analyst import Request, Tell, silent
from videlicet.analyze.evidence.gather import Material
from videlicet.evaluation import QuestionSet, analyse, measure_analyst, read_questions
from videlicet.evaluation.analysis import boundaries, faithful
from videlicet.evaluation.dataset import Relevance
from videlicet.evaluation.questions import Asked, GoldChapters, GoldSummary
from videlicet.types import (
    Answer,
    Asset,
    Chapter,
    Finish,
    Gist,
    Highlight,
    IndexedAsset,
    Sentence,
    Span,
    Status,
    Usage,
    instant,
)

TALK = material(
    "talk.mp4",
    said=[(0, 4, "Payment is due within 30 days."), (5, 9, "It was the best of times.")],
    written=[(0, 9, "INVOICE 20931")],
)
PETS = material("pets.mp4", seen=[(0, 6, "tabby cat"), (6, 12, "dog")])
DUE, INVOICE, TIMES = TALK.pieces
CAT, DOG = PETS.pieces
NOTHING = Answer((Sentence("Not found in this video."),), False, "parrot")


class Parrot:
    """Gives the answers it was given."""

    id = "parrot"

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, list[str]]] = []

    def ask(self, materials: Sequence[Material], question: str, *, tell: Tell = silent) -> Answer:
        self.asked.append((question, [one.asset.name for one in materials]))
        return self.answers[question]

    def chapters(self, material: Material, *, count: int | None = None) -> list[Chapter]:
        title = Sentence("A part")
        return [Chapter(Span.of(start, start + 1), title, ()) for start in (0, 6.5, 20)]

    def summarize(
        self,
        materials: Sequence[Material],
        *,
        sentences: int = 5,
        focus: str | None = None,
        tell: Tell = silent,
    ) -> Answer:
        return Answer((Sentence(DUE.text, (DUE,)), Sentence("And more.")), True, self.id)

    def gist(self, material: Material) -> Gist:
        raise AssertionError("not measured")

    def highlights(
        self, material: Material, *, count: int = 5, query: str | None = None
    ) -> list[Highlight]:
        raise AssertionError("not measured")

    def extract(
        self, materials: Sequence[Material], schema: Mapping[str, Any], prompt: str = ""
    ) -> Answer:
        raise AssertionError("not measured")

    def respond(
        self, materials: Sequence[Material], request: Request, *, tell: Tell = silent
    ) -> Answer:
        raise AssertionError("not measured")


def says(text: str, *pieces: Any) -> Answer:
    return Answer((Sentence(text, pieces),), True, "parrot", usage=Usage(5, 2), finish=Finish.STOP)


def asked(id: str, kind: str, gold: Sequence[Relevance] = (), **more: Any) -> Asked:
    fields = {"split": "fit", "files": None, "accepted": ("30 days",) if gold else ()} | more
    return Asked(id=id, question=id, kind=kind, gold=tuple(gold), **fields)


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
    parrot = Parrot(ANSWERS)
    ticks: list[None] = []
    report = measure_analyst(
        parrot, [TALK, PETS], QUESTIONS, resamples=100, on_question=lambda: ticks.append(None)
    )
    assert len(ticks) == 6
    assert parrot.asked[0] == ("due", ["talk.mp4"])
    assert parrot.asked[1] == ("cat", ["talk.mp4", "pets.mp4"])
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
    assert report.to_json()["analyst"] == "parrot"
    outcome = next(one for one in report.outcomes if one.id == "due")
    assert (outcome.citations, outcome.right, outcome.reached, outcome.exact) == (2, 1, 1, True)


class Shelf:
    """An index that holds what a test puts there, ready or not."""

    def __init__(self, materials: Sequence[Material], failed: Sequence[str] = ()) -> None:
        self.materials = {one.asset.id: one for one in materials}
        self.failed = failed
        self.parrot = Parrot(ANSWERS)

    def assets(self, index: str) -> list[Asset]:
        return [one.asset for one in self.materials.values()]

    def indexed(self, index: str) -> list[IndexedAsset]:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        return [
            IndexedAsset(
                f"in-{id}", index, id, Status.FAILED if id in self.failed else Status.READY, now
            )
            for id in self.materials
        ]

    def material(self, asset_id: str, *, index: str) -> Material:
        return self.materials[asset_id]

    def analyst(self, *, index: str) -> Parrot:
        return self.parrot


def test_an_index_is_asked_what_its_videos_tell() -> None:
    report = analyse(Shelf([TALK, PETS]), QUESTIONS, index="films", resamples=10)
    assert report.answers["all"]["all"]["answerable"] == 4
    # What is not ready cannot be asked.
    lacking = analyse(Shelf([TALK, PETS], [PETS.asset.id]), QUESTIONS, index="films", resamples=10)
    assert {one.id for one in lacking.outcomes} == {"due", "missed", "nobody", "invented"}
    assert lacking.left_out == 5
    assert lacking.chapters == {}
    nothing = analyse(Shelf([]), QUESTIONS, index="films", resamples=10)
    assert {one.id for one in nothing.outcomes} == {"nobody", "invented"}


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
        report = analyse(library, data, index="default", resamples=100)
    assert report.left_out == 0
    for split in ("all", "fit", "check"):
        figures = report.answers[split]["all"]
        assert figures["cited"] == 1.0
        assert figures["faithful"] == 1.0
        assert figures["citation_precision"] >= 0.85
        assert figures["not_found"] >= 0.8
        assert figures["false_not_found"] <= 0.3
    assert report.summaries["cited"] == 1.0
