from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import ROOT

from videlicet.errors import InvalidInput
from videlicet.evaluation import is_question_file, read_questions
from videlicet.evaluation.questions import contains_answer
from videlicet.types import Span

DEVELOPMENT = ROOT / "bench" / "questions" / "development.json"
QUESTION: dict[str, Any] = {
    "id": "q1",
    "question": "When is it due?",
    "kind": "spoken",
    "files": ["a.mp4"],
    "gold": [{"file": "a.mp4", "start_s": 0, "end_s": 5}],
    "accepted": ["30 days"],
}
CONTENT: dict[str, Any] = {
    "files": {"a.mp4": None, "b.mp4": "0" * 64},
    "questions": [QUESTION, {"id": "q2", "question": "Who?", "kind": "spoken", "gold": []}],
    "chapters": [{"file": "b.mp4", "starts_s": [0, 8.5]}],
    "summaries": [{"file": "b.mp4", "facts": ["/ca[tr]/"]}],
}


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_everything_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.json", CONTENT)
    assert is_question_file(path)
    data = read_questions(path)
    assert data.name == "mine"
    first, second = data.questions
    assert (first.answerable, first.files, first.split) == (True, ("a.mp4",), "all")
    assert first.gold[0].span == Span.of(0, 5)
    assert (second.answerable, second.files, second.accepted) == (False, None, ())
    assert data.chapters[0].starts == (0, 8.5)
    assert data.summaries[0].facts == ("/ca[tr]/",)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"files": []}, "an object with 'files'"),
        ({"files": {"a.mp4": "abc", "b.mp4": None}}, "a SHA-256 or null"),
        ({"questions": []}, "no question"),
        ({"questions": "all"}, "a list of objects"),
        ({"questions": [QUESTION, QUESTION]}, "two questions with the id 'q1'"),
        ({"questions": [QUESTION | {"question": ""}]}, "lacks 'question'"),
        ({"questions": [QUESTION | {"gold": None}]}, "a list of objects"),
        ({"questions": [QUESTION | {"files": []}]}, "a list of files"),
        ({"questions": [QUESTION | {"files": ["c.mp4"]}]}, "names 'c.mp4'"),
        ({"questions": [QUESTION | {"files": ["b.mp4"]}]}, "is not asked of 'a.mp4'"),
        ({"questions": [QUESTION | {"gold": [{"file": "c.mp4"}]}]}, "names 'c.mp4'"),
        (
            {"questions": [QUESTION | {"gold": [{"file": "a.mp4", "start_s": 3}]}]},
            "impossible span",
        ),
        ({"questions": [QUESTION | {"accepted": []}]}, "'accepted' has to be"),
        ({"questions": [QUESTION | {"accepted": ["/(/"]}]}, "no regular expression"),
        ({"questions": [QUESTION | {"gold": []}]}, "but no gold"),
        ({"chapters": [{"file": "b.mp4", "starts_s": [3, 3]}]}, "seconds in order"),
        ({"chapters": [{"file": "b.mp4", "starts_s": []}]}, "seconds in order"),
        ({"chapters": [{"file": "c.mp4", "starts_s": [0]}]}, "names 'c.mp4'"),
        ({"summaries": [{"file": "b.mp4", "facts": [3]}]}, "'facts' has to be"),
    ],
)
def test_what_is_off_is_named(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidInput, match=r"mine\.json") as raised:
        read_questions(write(tmp_path / "mine.json", CONTENT | change))
    assert raised.value.code == "dataset_invalid"
    assert complaint in str(raised.value)


def test_other_files_hold_no_questions(tmp_path: Path) -> None:
    assert not is_question_file(tmp_path)
    assert not is_question_file(tmp_path / "none.json")
    assert not is_question_file(write(tmp_path / "list.json", []))
    with pytest.raises(InvalidInput) as raised:
        read_questions(tmp_path / "none.json")
    assert raised.value.code == "path_not_found"
    with pytest.raises(InvalidInput, match="'files'"):
        read_questions(write(tmp_path / "list.json", []))


def test_accepted_answers() -> None:
    assert contains_answer(["30 days"], "Due within 30\n days.")
    assert contains_answer(["bottle"], "Seen: water bottles.")
    assert contains_answer(["/(thirty|30) days/"], "THIRTY DAYS")
    assert not contains_answer(["cat"], "a scatter of cushions")
    assert not contains_answer(["2.50"], "2x50")
    assert not contains_answer([], "anything")


@given(st.text())
def test_every_text_says_itself(text: str) -> None:
    words = " ".join(text.split())
    if words and not (len(words) > 2 and words[0] == words[-1] == "/"):
        assert contains_answer([words], text)


def test_the_development_questions() -> None:
    data = read_questions(DEVELOPMENT)
    unanswerable = [one for one in data.questions if not one.answerable]
    assert len(data.questions) - len(unanswerable) >= 120
    assert len(unanswerable) >= 30
    assert {one.kind for one in data.questions} == {"spoken", "written", "seen", "when", "across"}
    for kind in ("spoken", "written", "seen", "when", "across"):
        halves = [one.split for one in data.questions if one.kind == kind]
        assert abs(halves.count("fit") - halves.count("check")) <= 2
    assert all((one.files is None) == (one.kind == "across") for one in data.questions)
    assert (len(data.chapters), len(data.summaries)) == (2, 12)


@pytest.mark.corpus
def test_the_development_questions_are_about_the_corpus(corpus: Path) -> None:
    rows = {row["file"]: row for row in json.loads((corpus / "manifest.json").read_text("utf-8"))}
    data = read_questions(DEVELOPMENT)
    assert {name: row["sha256"] for name, row in rows.items()} == dict(data.files)
    for one in data.questions:
        for right in one.gold:
            assert right.span is not None
            assert float(right.span.end) <= rows[right.file]["duration_s"] + 0.01
    for gold in data.chapters:
        segments = rows[gold.file]["segments"]
        assert [float(start) for start in gold.starts] == [part["start_s"] for part in segments]
