"""The small parts, each by itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.rig import GRANT, Rig

from videlicet.embedding.texts import embed_texts, normalize, truncate
from videlicet.errors import InvalidInput, TaskError
from videlicet.ingest.passes.assemble import Frames, pool_frames, shots
from videlicet.ingest.passes.audio_pass import chunk_length, damage_note
from videlicet.ingest.passes.journal import Journal
from videlicet.ingest.passes.observe import MAX_STARTS, observe
from videlicet.ingest.passes.task_group import TaskGroup, UnitPool
from videlicet.ingest.passes.video_pass import JournaledReader
from videlicet.ingest.plan import IndexingModels, IndexingPlan
from videlicet.ingest.progress import Progress, estimate_rate, printable_source
from videlicet.ingest.tasks import submit
from videlicet.jobs.ipc import settings_from_json, settings_to_json
from videlicet.media.records import Damage
from videlicet.media.sources import SourceItem, scheme_of
from videlicet.models.base import TextLine
from videlicet.models.fakes import HashedText, PitchSound, StripReader
from videlicet.settings import load
from videlicet.types import Box, MediaInfo, Span, Status, Task

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def plan(**changes: object) -> IndexingPlan:
    media = MediaInfo("matroska", Span.of(0, 4), None, (), None, {"title": "ü"})
    given = {
        "index_id": "i" * 24, "asset_id": "a" * 24, "sha256": "0" * 64, "name": "f",
        "stamp": (1, 2, 3), "media": media, "cards": {"text": "t", "vision": "v"},
        "sample_rate": 1.0, "segment_min": 2.0, "segment_max": 6.0,
    }  # fmt: skip
    return IndexingPlan(**{**given, **changes})  # type: ignore[arg-type]


def test_notes_tell_times_from_the_recordings_start() -> None:
    media = MediaInfo("mpegts", Span.of(3600, 3700), None, (), None)
    damage = Damage(Span.of(3601.5, 3604), "packets are missing")
    assert damage_note("sound", damage, media) == "sound 1.5–4.0 s: packets are missing"


# -- plan ---------------------------------------------------------------------------------------


def test_a_plan_survives_json() -> None:
    assert IndexingPlan.from_json(plan().to_json()) == plan()


def test_a_plan_is_named_by_all_that_its_results_depend_on() -> None:
    same = plan(index_id="other", name="another", stamp=(9,), cards={"vision": "v", "text": "t"})
    assert same.key == plan().key
    for change in (
        {"asset_id": "b" * 24}, {"cards": {"text": "t", "vision": "w"}}, {"sample_rate": 2.0},
        {"segment_max": 5.0},
    ):  # fmt: skip
        assert plan(**change).key != plan().key


# -- words --------------------------------------------------------------------------------------


class Short(HashedText):
    max_tokens = 6


def test_long_texts_are_cut_and_averaged() -> None:
    encoder = Short()
    long = "one two three four five six seven"
    assert truncate(encoder, long) == ["one two three", "four five six seven"]
    rows = embed_texts(encoder, ["one two", long])
    assert rows.shape == (2, 64)
    assert np.array_equal(rows[0], encoder.encode(["one two"])[0])
    parts = encoder.encode(truncate(encoder, long))
    assert np.allclose(rows[1], normalize(parts.sum(axis=0)), atol=1e-6)
    assert embed_texts(encoder, []).shape == (0, 64)


def test_one_endless_word_is_halved() -> None:
    class Letters(HashedText):
        max_tokens = 5

        def count_tokens(self, text: str) -> int:
            return len(text)

    assert truncate(Letters(), "abcdefghij") == ["abcde", "fghij"]


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=30), max_size=40))
def test_vectors_do_not_depend_on_neighbours(texts: list[list[str]]) -> None:
    encoder = Short()
    joined = [" ".join(words) for words in texts]
    rows = embed_texts(encoder, joined)
    for row, text in zip(rows, joined, strict=True):
        assert np.allclose(row, embed_texts(encoder, [text])[0], atol=1e-6)


# -- assembling ---------------------------------------------------------------------------------


@given(st.lists(st.fractions(0, 20), max_size=12))
def test_shots_fill_the_video(cuts: list[Fraction]) -> None:
    span = Span.of(2, 15)
    found = shots(span, cuts)
    assert found[0].start == span.start
    assert found[-1].end == span.end
    assert all(one.end == other.start for one, other in pairwise(found))
    assert len(found) == 1 + len({cut for cut in cuts if span.start < cut < span.end})


def test_frames_become_one_view() -> None:
    features = np.array([[1, 0], [0, 1]], np.float32)
    view = pool_frames(features, features, [[("cat", 0.8), ("dog", 0.2)], [("dog", 0.5)]])
    assert np.allclose(view.features, [2**-0.5, 2**-0.5])
    assert view.labels[0] == ("cat", pytest.approx(0.4))
    assert view.labels[1] == ("dog", pytest.approx(0.35))
    faint = pool_frames(features[:1], features[:1], [[("cat", 0.01)]])
    assert faint.labels == ()


def test_a_held_picture_stands_for_what_follows(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        for number, times in enumerate((["0", "1"], ["5"])):
            rows = np.eye(3, 4, number, dtype=np.float32)[: len(times)]
            head = {"times": times, "labels": [[["x", 1.0]]] * len(times)}
            journal.put(f"b{number}", head, {"features": rows, "semantics": rows})
        frames = Frames(journal, ["b0", "b1"])
    shot = Span.of(0, 6)
    assert frames.within(Span.of(0, 2), shot) == range(2)
    assert frames.within(Span.of(2, 4), shot) == range(1, 2)
    assert frames.within(Span.of(4, 6), shot) == range(2, 3)
    assert frames.within(Span.of(2, 4), Span.of(2, 4)) == range(0)
    assert frames.within(Span.of(-2, -1), Span.of(-2, 0)) == range(0)


def test_no_sound_window_straddles_two_calls() -> None:
    model = PitchSound()
    assert chunk_length(model) == 30 * 16_000
    model.window = 4.0  # type: ignore[misc]
    assert chunk_length(model) == 28 * 16_000
    model.window = 40.0  # type: ignore[misc]
    assert chunk_length(model) == 40 * 16_000


class Counting(StripReader):
    def __init__(self) -> None:
        self.calls = 0

    def find(self, frame: object) -> list[Box]:
        self.calls += 1
        return [Box(0.0, 0.5, 1.0, 0.25)]

    def read(self, frame: object) -> list[TextLine]:
        self.calls += 1
        return [TextLine("hello", Box(0.0, 0.5, 1.0, 0.25), 0.5)]


def test_a_frame_is_read_once_even_after_a_restart(tmp_path: Path) -> None:
    frame = np.zeros((8, 8, 3), np.uint8)
    answers = []
    reader = Counting()
    for _ in range(2):
        with Journal(tmp_path / "j") as journal:
            journalled = JournaledReader(reader, journal)
            journalled.time = Fraction(1, 3)
            answers.append((journalled.find(frame), journalled.read(frame)))
    assert answers[0] == answers[1]
    assert reader.calls == 2


def test_a_file_that_kills_its_worker_again_and_again_is_given_up(tmp_path: Path) -> None:
    pool = UnitPool(1)
    crew = TaskGroup(pool, 0, lambda: False)
    silent = plan()

    def once() -> None:
        with Journal(tmp_path / "j") as journal:
            observe(
                tmp_path / "f", silent, IndexingModels(HashedText()), crew, journal, load(tmp_path),
                lambda _: lambda _: None,
            )  # fmt: skip

    for _ in range(MAX_STARTS):
        once()
    with pytest.raises(TaskError) as caught:
        once()
    assert caught.value.code == "task_failed"
    with Journal(tmp_path / "j") as journal:
        journal.put("a unit more", 1)
    once()
    pool.close()


# -- news ---------------------------------------------------------------------------------------


def test_pace() -> None:
    assert estimate_rate(0.0, 1.0, 10.0) == (None, None)
    assert estimate_rate(5.0, 0.0, 10.0) == (None, None)
    assert estimate_rate(20.0, 2.0, None) == (10.0, None)
    assert estimate_rate(20.0, 2.0, 60.0) == (10.0, 4.0)
    assert estimate_rate(70.0, 7.0, 60.0) == (10.0, 0.0)


def test_news_of_a_task() -> None:
    task = Task("t" * 24, "i" * 24, "/a/\udcff.mp4", Status.FAILED, NOW, NOW, error={"code": "x"})
    news = Progress.of(task, notes=("n",))
    assert news.source == "/a/\\xff.mp4"
    assert news.error == {"code": "x"}
    assert Progress.from_json(news.to_json()) == news
    assert printable_source("ü 🎬") == "ü 🎬"


def test_settings_of_any_bytes_reach_the_worker(tmp_path: Path) -> None:
    settings = load(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"), threads=3, fetch_allowlist="a")
    assert settings_from_json(settings_to_json(settings)) == settings


def test_sources_become_tasks_once(rig: Rig, tmp_path: Path) -> None:
    bad = SourceItem("x", error=InvalidInput("path_not_found", "There is no x."))
    sources: Sequence[SourceItem] = [
        SourceItem("a", path=tmp_path / "a"),
        SourceItem("u", url="https://example.org/a.mp4"),
        bad,
    ]
    with rig.writing() as (store, index):
        first = submit(store.scope(GRANT), store, index, sources)
        again = submit(
            store.scope(GRANT), store, index, [*sources, SourceItem("a", path=tmp_path / "a")]
        )
        assert [task.source for task in first] == [
            str(tmp_path / "a"),
            "https://example.org/a.mp4",
        ]
        assert {task.id for task in again} == {task.id for task in first}
        assert len(store.catalog.tasks(store.scope(GRANT))) == 2


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("http://a/b", "http"), ("HTTPS://a/b", "https"), ("s3://a/b", "s3"), ("/http://a", None),
        ("/a/b.mp4", None), ("video:0", None),
    ],
)  # fmt: skip
def test_addresses_and_paths(source: str, wanted: str | None) -> None:
    assert scheme_of(source) == wanted
