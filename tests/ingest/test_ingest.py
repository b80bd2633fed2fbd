"""The whole pipeline through its public functions, in a real worker process."""

from __future__ import annotations

import functools
import http.server
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests import samples
from tests.ingest.rig import CARDS, GRANT, INDEXING, Rig, make_videos, wait_for
from tests.samples import RED, Scene, Tone

from videlicet.errors import Conflict
from videlicet.ingest import Progress, ingest
from videlicet.ingest.tasks import submit
from videlicet.jobs.client import WorkerProcess
from videlicet.media.sources import find_sources
from videlicet.rights import EVERY_TENANT
from videlicet.store import open_store
from videlicet.types import (
    Label,
    Levels,
    Measure,
    Modality,
    ScreenText,
    Shot,
    Span,
    Status,
    Utterance,
    VideoStatus,
    video_id_of,
)


def test_a_video_becomes_searchable(undisturbed: Rig, three_videos: list[Path]) -> None:
    with open_store(undisturbed.settings) as store:
        (index,) = store.catalog.indexes(store.scope(GRANT))
        assets = store.catalog.assets(store.scope(GRANT, index.id))
        assert [asset.name for asset in assets] != []
        asset = next(a for a in assets if a.name == "video01.mkv")
        assert asset.source == str(three_videos[1])
        there = store.catalog.video_of(store.scope(GRANT, index.id), asset.id)
        assert there is not None
        assert (there.status, there.notes) == (VideoStatus.READY, ())
        assert there.indexed_at is not None
        assert there.id == video_id_of(index.id, asset.id)
        facts = (asset.status, asset.owner, asset.method, asset.type, asset.media_type)
        assert facts == ("ready", "index", "path", "video", "video/x-matroska")
        task = next(t for t in store.catalog.tasks(store.scope(GRANT)) if t.asset_id == asset.id)
        assert (task.source, task.video_id) == (str(three_videos[1]), there.id)

        seen = store.catalog.observations(store.scope(GRANT, index.id), asset.id)
        span = asset.media.span
        kinds = {type(one.payload) for one in seen}
        assert kinds == {Shot, Label, ScreenText, Utterance, Levels}
        assert all(span.start <= one.span.start <= one.span.end for one in seen)
        shots = [one.span for one in seen if one.modality is Modality.SHOT]
        assert len(shots) == 2
        assert shots[0].end == shots[1].start
        assert (shots[0].start, shots[1].end) == (span.start, max(s.end for s in shots))
        for one in seen:
            if isinstance(one.payload, Shot):
                assert one.span.start <= one.payload.keyframe <= one.span.end
        (text,) = (one for one in seen if isinstance(one.payload, ScreenText))
        assert text.span.overlap(shots[1]) > 1
        said = [one for one in seen if isinstance(one.payload, Utterance)]
        for one in said:
            assert isinstance(one.payload, Utterance)
            assert one.payload.words
            for word in one.payload.words:
                assert one.span.hull(word.span) == one.span
        measured = {one.payload.measure: one for one in seen if isinstance(one.payload, Levels)}
        assert set(measured) == set(Measure)
        for one in measured.values():
            assert isinstance(one.payload, Levels)
            assert float(one.span.duration) == pytest.approx(float(span.duration), abs=0.2)
            assert len(one.payload.values) == -(-one.span.duration // one.payload.step)

        spaces = {
            (row["modality"], row["space"])
            for row in store.vectors.statistics(store.scope(INDEXING, index.id))
        }
        assert spaces == {
            ("visual", "double-vision"),
            ("visual", "double-text"),
            ("speech", "double-text"),
            ("text", "double-text"),
            ("sound", "double-sound"),
        }
        ids = {one.id for one in seen}
        for modality in (Modality.SPEECH, Modality.TEXT):
            for batch in store.vectors.scan(
                store.scope(INDEXING, index.id), modality, "double-text"
            ):
                if batch.asset_id == asset.id:
                    assert set(batch.ids) <= ids
        assert store.texts.bm25(
            store.scope(INDEXING, index.id), Modality.SPEECH, said[0].payload.text, 5
        )
    assert undisturbed.staged == []


def test_segments_fill_each_shot(undisturbed: Rig) -> None:
    with open_store(undisturbed.settings) as store:
        (index,) = store.catalog.indexes(store.scope(GRANT))
        for batch in store.vectors.scan(
            store.scope(INDEXING, index.id), Modality.VISUAL, "double-vision"
        ):
            shots = [
                one.span
                for one in store.catalog.observations(
                    store.scope(GRANT, index.id), batch.asset_id, Modality.SHOT
                )
            ]
            spans = sorted(batch.spans)
            assert Span(spans[0].start, spans[-1].end) == Span(shots[0].start, shots[-1].end)
            assert all(any(shot.hull(span) == shot for shot in shots) for span in spans)


def test_adding_the_same_bytes_again_does_nothing(
    undisturbed: Rig, three_videos: list[Path], tmp_path: Path
) -> None:
    before = undisturbed.contents()
    copy = tmp_path / "another name.mp4"
    copy.write_bytes(three_videos[0].read_bytes())
    news = undisturbed.add(three_videos[0], copy)
    assert [(n.status, n.already) for n in news.values()] == [(Status.READY, True)] * 2
    assert undisturbed.contents() == before
    assert undisturbed.staged == []


def test_two_copies_at_once_are_taken_in_once(rig: Rig, tmp_path: Path) -> None:
    (recording,) = make_videos(tmp_path, 1)
    twin = tmp_path / "twin.mp4"
    twin.write_bytes(recording.read_bytes())
    news = rig.add(recording, twin)
    assert sorted(one.already for one in news.values()) == [False, True]
    assert len(rig.contents()["assets"]) == 1


def test_one_bad_file_never_stops_a_folder(rig: Rig, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    make_videos(folder, 1)
    (folder / "a empty.mp4").write_bytes(b"")
    samples.text_as_mp4(folder / "b text.mp4")
    samples.truncated(folder / "c cut.mp4", header_first=False)
    samples.sound(folder / "sound.wav", Tone(440, 5))
    samples.video(folder / "z silent.mkv", [Scene(RED, 3)])
    news = rig.add(folder, tmp_path / "nowhere.mp4")
    codes = {name: one.error and one.error["code"] for name, one in news.items()}
    assert codes == {
        "video00.mkv": None,
        "a empty.mp4": "media_empty",
        "b text.mp4": "media_not_recognised",
        "c cut.mp4": "media_truncated",
        "sound.wav": None,
        "z silent.mkv": None,
        "nowhere.mp4": "path_not_found",
    }
    assert {n.status for n in news.values() if n.error is None} == {Status.READY}
    assert all(n.error["remedy"] for n in news.values() if n.error)
    with open_store(rig.settings) as store:
        tasks = {Path(t.source).name: t for t in store.catalog.tasks(store.scope(GRANT))}
        failed = tasks["b text.mp4"]
        assert failed.status is Status.FAILED
        assert failed.error is not None
        assert failed.error["code"] == "media_not_recognised"
        assert {a.name for a in store.catalog.assets(store.scope(GRANT))} == {
            "video00.mkv", "sound.wav", "z silent.mkv",
        }  # fmt: skip
    assert rig.staged == []


def test_what_cannot_be_read_is_noted(rig: Rig, tmp_path: Path) -> None:
    recording = samples.corrupt_packets(tmp_path / "hurt.mkv")
    several = samples.two_languages(tmp_path / "two.mkv")
    news = rig.add(recording, several)
    assert news["hurt.mkv"].status is Status.READY
    assert news["hurt.mkv"].notes
    assert news["two.mkv"].notes == ("1 more sound track(s) were left out",)
    notes = {json.loads(row[2])[0] for row in rig.contents()["videos"]}
    assert news["two.mkv"].notes[0] in notes


def test_progress_tells_stages_rate_and_time(rig: Rig, tmp_path: Path) -> None:
    (recording,) = make_videos(tmp_path, 1, seconds=20)
    with rig.writing() as (store, index):
        news = list(
            ingest(store.scope(GRANT), store, rig.settings, index, find_sources([recording]))
        )
    assert news[0].status is Status.QUEUED
    stages = list(dict.fromkeys(n.stage for n in news))
    assert stages == [None, "identify", "observe", "store"]
    done = [n.done_s for n in news if n.stage == "observe"]
    assert done == sorted(done)
    assert any(n.rate and n.left_s is not None for n in news)
    last = news[-1]
    assert last.status is Status.READY
    assert last.total_s == pytest.approx(20, abs=0.2)
    assert last.done_s == last.total_s
    assert {"vision", "speech", "sound", "text", "decode pictures", "decode sound"} <= set(last.cpu)
    assert last.memory > 0
    assert [Progress.from_json(json.loads(json.dumps(n.to_json()))) for n in news] == news


def test_file_names_of_any_bytes(rig: Rig, tmp_path: Path) -> None:
    (recording,) = make_videos(tmp_path, 1, seconds=2)
    odd = os.fsencode(tmp_path) + b"/bad \xff \xf0\x9f\x8e\xac.mp4"
    os.rename(recording, odd)
    news = rig.add(tmp_path)
    (one,) = news.values()
    assert one.status is Status.READY
    assert one.source.endswith("bad \\xff 🎬.mp4")
    with open_store(rig.settings) as store:
        (asset,) = store.catalog.assets(store.scope(GRANT))
        assert os.path.exists(asset.source)
        assert asset.name == "bad \\xff 🎬.mp4"


@pytest.mark.embedded("the workflow database is a file")
def test_the_workflow_database_is_json_and_erased_in_the_end(rig: Rig, tmp_path: Path) -> None:
    (recording,) = make_videos(tmp_path, 1)
    with rig.writing() as (store, index):
        news = ingest(store.scope(GRANT), store, rig.settings, index, find_sources([recording]))
        wait_for(news, stage="store")
        with closing(sqlite3.connect(rig.settings.home / "jobs.sqlite")) as workflows:
            kinds = {k for (k,) in workflows.execute("SELECT serialization FROM workflow_status")}
            steps = workflows.execute(
                "SELECT output, serialization FROM operation_outputs"
            ).fetchall()
        assert kinds == {"portable_json"}
        assert len(steps) >= 3
        for output, kind in steps:
            assert kind == "portable_json"
            assert set(json.loads(output)) <= {"value", "error"}
        list(news)
    with closing(sqlite3.connect(rig.settings.home / "jobs.sqlite")) as workflows:
        for table in ("workflow_status", "operation_outputs", "workflow_input", "workflow_output"):
            assert workflows.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert b"video00" not in (rig.settings.home / "jobs.sqlite").read_bytes()


@pytest.mark.embedded("one process writes")
def test_a_second_writer_is_refused_while_a_worker_writes(rig: Rig, tmp_path: Path) -> None:
    (recording,) = make_videos(tmp_path, 1)
    with rig.writing() as (store, index):
        news = ingest(store.scope(GRANT), store, rig.settings, index, find_sources([recording]))
        next(news)
        next(news)
        with pytest.raises(Conflict) as caught, open_store(rig.settings, write=True):
            pass
        assert caught.value.code == "database_locked"
        assert caught.value.details["pid"] == os.getpid()
        with open_store(rig.settings) as reader:
            assert reader.catalog.indexes(reader.scope(GRANT))
        assert list(news)[-1].status is Status.READY
    with open_store(rig.settings, write=True):
        pass


@pytest.mark.embedded("who may write has the lock")
def test_a_store_open_for_reading_cannot_take_anything_in(
    rig: Rig, three_videos: list[Path]
) -> None:
    with rig.writing() as (_, index):
        pass
    with open_store(rig.settings) as store, pytest.raises(Conflict):
        list(ingest(store.scope(GRANT), store, rig.settings, index, find_sources(three_videos)))


def test_removing_an_asset_leaves_nothing_of_it(rig: Rig, tmp_path: Path) -> None:
    (recording,) = make_videos(tmp_path / "one", 1)
    rig.add(recording)
    with rig.writing() as (store, index):
        (asset,) = store.catalog.assets(store.scope(GRANT))
        store.remove_video(store.scope(GRANT, index.id), asset.id)
        needles = [asset.id.encode(), str(asset.sha256).encode(), b"video00"]
        assert store.scan(store.scope(GRANT.within(EVERY_TENANT)), needles) == []
    assert rig.contents() == {name: [] for name in rig.contents()}


def test_cards_of_the_index_decide(rig: Rig, tmp_path: Path) -> None:
    (recording,) = make_videos(tmp_path, 1)
    with rig.writing() as (store, _):
        only = {role: CARDS[role] for role in ("text", "sound")}
        index = store.catalog.create_index(store.scope(GRANT), "sounds", only)
        list(ingest(store.scope(GRANT), store, rig.settings, index, find_sources([recording])))
        (asset,) = store.catalog.assets(store.scope(GRANT, index.id))
        seen = store.catalog.observations(store.scope(GRANT, index.id), asset.id)
        # What needs no model is there all the same.
        assert {type(one.payload) for one in seen} == {Shot, Levels}
        spaces = {row["space"] for row in store.vectors.statistics(store.scope(INDEXING, index.id))}
        assert spaces == {"double-sound"}


def test_a_running_worker_takes_more_work(rig: Rig, three_videos: list[Path]) -> None:
    with (
        rig.writing() as (store, index),
        WorkerProcess(store.scope(GRANT), store, rig.settings) as worker,
    ):
        for recording in three_videos[:2]:
            (task,) = submit(store.scope(GRANT), store, index, find_sources([recording]))
            worker.notify()
            done = wait_for(
                map(Progress.from_json, worker.events()), task_id=task.id, status=Status.READY
            )
            assert done.asset_id
        worker.stop()
        assert len(store.catalog.assets(store.scope(GRANT))) == 2


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which a server on this machine shows it."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_address_is_fetched_once_and_kept(tmp_path: Path, served: tuple[Path, str]) -> None:
    folder, address = served
    rig = Rig.at(tmp_path / "home", fetch_allowlist="127.0.0.0/8")
    (recording,) = make_videos(folder, 1, seconds=2)
    recording.rename(folder / "a video.mkv")
    news = rig.add(f"{address}/a%20video.mkv?token=1", f"{address}/none.mp4")
    codes = {one.source: one.error and one.error["code"] for one in news.values()}
    assert codes == {f"{address}/a%20video.mkv?token=1": None, f"{address}/none.mp4": "url_failed"}
    assert rig.staged == []
    with rig.writing() as (store, index):
        (asset,) = store.catalog.assets(store.scope(GRANT))
        assert asset.name == "a video.mkv"
        assert (asset.method, asset.source) == ("url", f"{address}/a%20video.mkv?token=1")
        assert asset.blob is not None
        kept = store.blobs.path(store.scope(GRANT), asset.blob)
        assert kept.read_bytes() == (folder / "a video.mkv").read_bytes()
        store.remove_video(store.scope(GRANT, index.id), asset.id)
        assert not kept.exists()


def test_private_addresses_are_refused(rig: Rig, served: tuple[Path, str]) -> None:
    (one,) = rig.add(f"{served[1]}/a.mp4").values()
    assert one.error is not None
    assert one.error["code"] == "url_not_allowed"
