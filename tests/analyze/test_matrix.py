"""Questions × videos: nothing is asked twice, and nothing finished is lost."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analyze.exports.factories import answer, asset, make_evidence, make_item
from tests.analyze.slow_matrix import ASSETS, QUESTIONS, SlowBackend, fill, gathered

from videlicet.analyze.matrix import Cell, MatrixStore, evidence_hash, open_matrix_store, run_matrix
from videlicet.errors import AnalysisError, Conflict, InvalidInput, StoreError
from videlicet.types import Answer, Finish, Modality, Sentence, Span, Usage

ROOT = Path(__file__).parents[2]


def asked(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def run(store: Path, backend: Any, questions: Any = QUESTIONS[:2], assets: Any = ASSETS[:2]) -> Any:
    with open_matrix_store(store) as kept:
        return run_matrix(gathered, backend, questions, assets, kept)


def test_every_question_is_asked_of_every_video_once(tmp_path: Path) -> None:
    backend = SlowBackend(tmp_path / "log", 0)
    calls: list[tuple[str, bool]] = []
    with open_matrix_store(tmp_path / "m.jsonl") as kept:
        matrix = run_matrix(
            gathered, backend, ["One?", " Two\udcff ", "One?"], ASSETS[:3], kept,  # type: ignore[arg-type]
            lambda cell, fresh: calls.append((cell.question, fresh)),
        )  # fmt: skip
    assert matrix.questions == ("One?", "Two?")
    assert matrix.asset_ids == tuple(ASSETS[:3])
    assert matrix.names[ASSETS[2]] == "0002.mp4"
    assert [(c.question, c.asset_id) for c in matrix.cells] == [
        (q, a) for q in ("One?", "Two?") for a in ASSETS[:3]
    ]
    assert [cell.asset_id for cell in matrix.row("Two?")] == ASSETS[:3]
    assert matrix.row("Two?")[1].answer.text == f"Two? said in {ASSETS[1]}"
    assert len(asked(tmp_path / "log")) == 6
    assert calls == [("One?", True), ("Two?", True)] * 3
    assert matrix.to_json()["assets"][0] == {"id": ASSETS[0], "name": "0000.mp4"}
    assert json.loads(json.dumps(matrix.to_json()))["cells"][0]["answer"]["found"] is True


def test_what_is_finished_is_not_asked_again(tmp_path: Path) -> None:
    backend = SlowBackend(tmp_path / "log", 0)
    first = run(tmp_path / "m.jsonl", backend)
    again = run(tmp_path / "m.jsonl", backend)
    assert again == first
    assert again.cells[0].answer.citations[0].cards == ("whisper-tiny.en",)
    assert again.cells[0].answer.citations[0].confidence == 1 / 3
    assert len(asked(tmp_path / "log")) == 4
    run(tmp_path / "m.jsonl", backend, QUESTIONS[:3], ASSETS[:3])
    assert len(asked(tmp_path / "log")) == 9


def test_another_analyst_or_other_evidence_is_asked_again(tmp_path: Path) -> None:
    backend = SlowBackend(tmp_path / "log", 0)
    run(tmp_path / "m.jsonl", backend)
    other = SlowBackend(tmp_path / "log", 0)
    other.id = "other"
    run(tmp_path / "m.jsonl", other)
    assert len(asked(tmp_path / "log")) == 8
    with open_matrix_store(tmp_path / "m.jsonl") as kept:
        run_matrix(
            lambda id: make_evidence(make_item("news", asset_id=id), of=asset(id)),
            backend, QUESTIONS[:1], ASSETS[:1], kept,  # type: ignore[arg-type]
        )  # fmt: skip
    assert len(asked(tmp_path / "log")) == 9


def test_the_evidence_is_all_that_answers_rest_on() -> None:
    one = make_evidence(make_item())
    hashes = {
        evidence_hash(changed)
        for changed in (
            one,
            make_evidence(),
            make_evidence(make_item(), make_item("more")),
            make_evidence(make_item("another")),
            make_evidence(make_item(start=1)),
            make_evidence(make_item(modality=Modality.TEXT)),
            make_evidence(make_item(cards=("whisper-base",))),
            make_evidence(make_item(speaker="Ann")),
            replace(one, span=Span.of(0, 9)),
            replace(one, index=replace(one.index, cards={"text": "other"})),
        )
    }
    assert len(hashes) == 10
    assert evidence_hash(one) == evidence_hash(make_evidence(make_item()))


def test_an_analyst_that_fails_loses_nothing(tmp_path: Path) -> None:
    backend = SlowBackend(tmp_path / "log", 0)
    real = backend.ask

    def ask(all_evidence: Any, question: str, **more: Any) -> Answer:
        if all_evidence[0].asset.id == ASSETS[1] and question == QUESTIONS[1]:
            raise AnalysisError("language_model_busy", "Not now.")
        return real(all_evidence, question, **more)

    backend.ask = ask  # type: ignore[method-assign]
    with pytest.raises(AnalysisError):
        run(tmp_path / "m.jsonl", backend)
    backend.ask = real  # type: ignore[method-assign]
    run(tmp_path / "m.jsonl", backend)
    assert Counter(asked(tmp_path / "log")).most_common(1)[0][1] == 1


def test_a_process_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    """Ten questions × twenty videos, killed three times at any point (SIGKILL)."""
    store, log = tmp_path / "m.jsonl", tmp_path / "log"
    begun = 0
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.analyze.slow_matrix", str(store), str(log), "0.01"],
            cwd=ROOT,
        )
        try:
            deadline = time.monotonic() + 300
            while len(asked(log)) < begun + 25:
                assert process.poll() is None, "it ended by itself"
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            process.kill()
            process.wait()
        begun = len(asked(log))
        finished = store.read_bytes().count(b"\n")
        # Of what was begun in one life at most one cell is not finished.
        assert begun - 3 <= finished <= begun
    matrix = fill(store, log, 0)
    assert len(matrix.cells) == 200
    assert all(cell.answer.text.startswith(cell.question) for cell in matrix.cells)
    times = Counter(asked(log))
    assert len(times) == 200
    # Asked again were only cells that a kill interrupted.
    assert sum(times.values()) <= 203
    assert store.read_bytes().count(b"\n") == 200
    before = len(asked(log))
    assert fill(store, log, 0) == matrix
    assert len(asked(log)) == before


def test_a_line_cut_short_anywhere_is_asked_again(tmp_path: Path) -> None:
    store, log = tmp_path / "m.jsonl", tmp_path / "log"
    backend = SlowBackend(log, 0)
    whole = run(store, backend)
    data = store.read_bytes()
    last = data.rindex(b"\n", 0, len(data) - 1) + 1
    for length in (last, last + 1, last + 10, last + 40, len(data) - 1):
        store.write_bytes(data[:length])
        before = len(asked(log))
        assert run(store, backend) == whole
        assert len(asked(log)) == before + 1
        assert store.read_bytes() == data
    store.write_bytes(data[:last] + bytes(100))  # the file grew, its bytes never came
    assert run(store, backend) == whole
    assert store.read_bytes() == data


@pytest.mark.parametrize(
    "content",
    [
        b"a video, not a matrix",
        b"a video\n",
        b'{"version": 2, "key": "x"}\n',
        b"{}\n",
        b"[]\n\x00\xff",
    ],
)
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(content)
    with pytest.raises(StoreError) as caught, open_matrix_store(path):
        pass
    assert caught.value.code == "database_corrupt"
    assert path.read_bytes() == content


def test_two_at_a_time_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with open_matrix_store(path), pytest.raises(Conflict) as caught, open_matrix_store(path):
        pass
    assert caught.value.code == "database_locked"
    with open_matrix_store(tmp_path / "m.jsonl"):
        pass


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught, open_matrix_store(tmp_path / "no" / "m.jsonl"):
        pass
    assert caught.value.code == "store_not_writable"


def test_a_file_that_cannot_grow_keeps_what_it_has(tmp_path: Path) -> None:
    import resource
    import signal

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with open_matrix_store(tmp_path / "m.jsonl") as kept:
        kept.put(Cell("q", "a", "k", answer("short")))
        size = (tmp_path / "m.jsonl").stat().st_size
        old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
        try:
            with pytest.raises(StoreError):
                kept.put(Cell("q", "b", "l", answer("long " * 100)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, old)
        assert kept.get("l") is None
    assert (tmp_path / "m.jsonl").stat().st_size == size


class Full(io.FileIO):
    """A file on a disk that is full for a while, and where then nothing can be cut off either."""

    full = False

    def write(self, data: Any) -> int:
        if self.full:
            super().write(bytes(data)[:9])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data) or 0

    def truncate(self, size: int | None = None) -> int:
        if self.full:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().truncate(size)


@pytest.mark.parametrize("again", [True, False])
def test_a_file_that_cannot_even_shrink(tmp_path: Path, again: bool) -> None:
    path = tmp_path / "m.jsonl"
    with Full(path, "a+b") as file:
        kept = MatrixStore(path, file)
        kept.put(Cell("q", "a", "k", answer("first")))
        file.full = True
        with pytest.raises(StoreError) as caught:
            kept.put(Cell("q", "b", "l", answer("second")))
        assert caught.value.code in ("disk_full", "store_not_writable")
        file.full = False
        if again:
            kept.put(Cell("q", "c", "m", answer("third")))
    with open_matrix_store(path) as kept:
        assert [key for key in "klm" if kept.get(key)] == (["k", "m"] if again else ["k"])


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(StoreError) as caught, open_matrix_store(tmp_path / "m.jsonl"):
        pass
    assert caught.value.code == "store_not_writable"
    assert "locked" in caught.value.message


@pytest.mark.parametrize(("questions", "assets"), [([], ["a"]), (["Q", " "], ["a"]), (["Q"], [])])
def test_a_matrix_of_nothing_is_refused(
    tmp_path: Path, questions: list[str], assets: list[str]
) -> None:
    with pytest.raises(InvalidInput):
        run(tmp_path / "m.jsonl", SlowBackend(tmp_path / "log", 0), questions, assets)


_ANSWERS = st.builds(
    Answer,
    st.lists(
        st.builds(
            Sentence,
            st.text(),
            st.lists(
                st.builds(
                    make_item,
                    st.text(),
                    st.just(0),
                    st.fractions(0, 100),
                    modality=st.sampled_from([Modality.VISUAL, Modality.SPEECH, Modality.TEXT]),
                    speaker=st.none() | st.text(),
                    confidence=st.floats(0, 1),
                    span=st.fractions(0, 9).map(lambda at: Span(at, at + Fraction(1, 7))),
                ),
                max_size=2,
                unique_by=lambda one: one.id,
            ).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    st.booleans(),
    st.text(),
    st.none() | st.lists(st.integers() | st.text()),
    st.builds(Usage, st.integers(0), st.integers(0)),
    st.sampled_from(Finish),
    st.integers(0),
    st.booleans(),
)


@given(_ANSWERS, st.text(st.characters()))
def test_an_answer_is_kept_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, one: Answer, question: str
) -> None:
    # Of items with one id that differ in who said so, one is kept.
    ids = [piece_.id for sentence in one.sentences for piece_ in sentence.citations]
    if len(ids) != len(set(ids)):
        return
    path = tmp_path_factory.mktemp("m") / "m.jsonl"
    cell = Cell(question, "a", "k", one)
    with open_matrix_store(path) as kept:
        kept.put(cell)
    with open_matrix_store(path) as kept:
        assert kept.get("k") == cell
