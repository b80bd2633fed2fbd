"""What the doctor finds, reports and fixes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.store.samples import (
    INGEST,
    MANAGE,
    SEARCH,
    add,
    asset,
    check_whole,
    enter,
    entry,
    observations,
)

from videlicet.settings import Settings
from videlicet.store import Finding, Level, Store, open_store
from videlicet.store.doctor import doctor
from videlicet.types import Index, Kind, Resource, VideoStatus

pytestmark = pytest.mark.embedded("it harms files, and tables by SQLite's own means")


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "video.mp4"
    path.write_bytes(b"video")
    return path


@pytest.fixture
def sound(place: Settings, original: Path) -> tuple[Settings, Index]:
    """A library of eight whole assets with an index over their vectors."""
    place = place.model_copy(update={"ann_threshold_rows": 60})
    with open_store(place, write=True, create=True) as store:
        index = store.catalog.create_index(store.scope(INGEST), "main", {})
        for n in range(8):
            made = add(store, index, f"{n}.mp4", count=10)
            store.catalog.put_asset(store.scope(INGEST), replace(made, source=str(original)))
        store.vectors.optimize(store.scope(MANAGE, index.id), force=True)
    return place, index


def _problems(place: Settings, *, fix: bool = False) -> list[Finding]:
    return [f for f in doctor(place, fix=fix) if f.level is not Level.INFO]


def _harm(place: Settings, *statements: str) -> None:
    connection = sqlite3.connect(place.home / "library.sqlite")
    connection.execute("PRAGMA foreign_keys = OFF")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_sound_library_has_no_findings_but_its_recall(sound: tuple[Settings, Index]) -> None:
    place, _ = sound
    (finding,) = doctor(place)
    assert finding.level is Level.INFO
    assert "recall@10" in finding.message
    assert finding.subject == "main speech/letters"
    assert doctor(place, fix=True) == [finding]


def test_no_library_is_no_problem(place: Settings) -> None:
    (finding,) = doctor(place)
    assert finding.level is Level.INFO
    assert not place.home.exists()


def _lose_word(place: Settings) -> None:
    _harm(
        place,
        "INSERT INTO text_words_1 (text_words_1, rowid, text) "
        "SELECT 'delete', row, text FROM text_rows WHERE space = 1 LIMIT 1",
    )


def _lose_index(place: Settings) -> None:
    (folder,) = (place.home / "ann").iterdir()
    (folder / "vectors.f32").unlink()


def _cut_index(place: Settings) -> None:
    (folder,) = (place.home / "ann").iterdir()
    with (folder / "vectors.f32").open("r+b") as file:
        file.truncate(100)


def _stray_index(place: Settings) -> None:
    (place.home / "ann" / "0123.partial").mkdir()


def _stray_blob(place: Settings) -> None:
    (place.home / "blobs" / "assets" / ("0" * 24)).mkdir(parents=True)
    (place.home / "blobs" / "assets" / ("0" * 24) / "thumb.jpg").write_bytes(b"x")
    (place.home / "blobs" / "thumb.jpg#1").write_bytes(b"x")


def _lose_mark(place: Settings) -> None:
    (place.home / "videlicet.json").unlink()


def _half_add(place: Settings) -> None:
    with open_store(place, write=True) as store:
        index = store.catalog.index(store.scope(SEARCH), "main")
        half = enter(store, index, asset("half.mp4"))
        store.catalog.put_observations(store.scope(INGEST, index.id), half.id, observations(half))
    # As programs of old could leave it.
    _harm(
        place,
        "DELETE FROM videos WHERE slot = 9",
        f"DELETE FROM assets WHERE id = '{half.id}'",
    )


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_lose_word, "disagrees"),
        (_lose_index, "not whole"),
        (_cut_index, "not whole"),
        (_stray_index, "belong to no index"),
        (_stray_blob, "2 files belong to no asset"),
        (_lose_mark, "mark is missing"),
        (_half_add, "never finished"),
    ],
)
def test_what_can_be_fixed_is_fixed(
    sound: tuple[Settings, Index], harm: Callable[[Settings], None], words: str
) -> None:
    place, index = sound
    harm(place)
    (finding,) = _problems(place)
    assert words in finding.message
    assert "--fix" in finding.remedy
    assert not finding.fixed
    (again,) = _problems(place)
    assert again == finding, "looking changes nothing"
    (fixed,) = _problems(place, fix=True)
    assert fixed == replace(finding, fixed=True)
    assert _problems(place) == []
    with open_store(place) as store:
        for n in range(8):
            check_whole(store, index, asset(f"{n}.mp4"), count=10)


@pytest.mark.parametrize("part", ["observations", "vector_chunks", "text_rows"])
def test_a_ready_asset_that_lacks_a_part_is_found(sound: tuple[Settings, Index], part: str) -> None:
    place, _ = sound
    if part == "text_rows":
        with open_store(place, write=True) as store:
            index = store.catalog.index(store.scope(SEARCH), "main")
            store.texts.put(store.scope(INGEST, index.id), asset("3.mp4").id, [])
    else:
        _harm(place, f"DELETE FROM {part} WHERE slot = 4")
    (finding,) = _problems(place)
    assert finding.level is Level.ERROR
    assert finding.subject == "3.mp4"
    assert {"observations": "observations", "vector_chunks": "vectors", "text_rows": "text"}[
        part
    ] in finding.message
    assert _problems(place, fix=True) == [finding], "it cannot be fixed, so it stays"


def test_originals_that_are_gone_are_named(sound: tuple[Settings, Index], original: Path) -> None:
    place, _ = sound
    with open_store(place, write=True) as store:
        kept = asset("7.mp4")
        store.catalog.put_asset(
            store.scope(INGEST), replace(kept, blob=f"assets/{kept.id}/original")
        )
        web = asset("6.mp4")
        store.catalog.put_asset(
            store.scope(INGEST), replace(web, method="url", source="https://example.org/video.mp4")
        )
    original.unlink()
    found = _problems(place)
    assert {f.subject for f in found} == {f"{n}.mp4" for n in (*range(6), 7)}
    levels = {f.subject: f.level for f in found}
    assert levels["7.mp4"] is Level.ERROR
    assert levels["0.mp4"] is Level.WARNING


def test_unfinished_assets_are_mentioned(sound: tuple[Settings, Index], original: Path) -> None:
    place, index = sound
    with open_store(place, write=True) as store:
        waiting = asset("waiting.mp4", source=str(original))
        store.catalog.put_asset(store.scope(INGEST), waiting)
        store.catalog.add_video(store.scope(INGEST), entry(index, waiting, VideoStatus.QUEUED))
    (finding,) = [f for f in doctor(place) if f.subject == "waiting.mp4"]
    assert finding.level is Level.INFO
    assert "queued" in finding.message


def test_an_index_of_poor_recall_is_a_warning(sound: tuple[Settings, Index]) -> None:
    place, _ = sound
    _harm(
        place,
        "UPDATE vector_spaces SET ann_index = json_set(ann_index, '$.recall_at_10', 0.5)",
    )
    (finding,) = _problems(place)
    assert "0.500" in finding.message
    assert finding.level is Level.WARNING


def test_a_damaged_database_is_said_to_be(sound: tuple[Settings, Index]) -> None:
    place, _ = sound
    path = place.home / "library.sqlite"
    data = bytearray(path.read_bytes())
    for page in range(5, len(data) // 8192 - 1, 3):
        data[page * 8192 : page * 8192 + 200] = b"\xff" * 200
    path.write_bytes(data)
    found = doctor(place)
    assert found
    assert all(f.level is Level.ERROR for f in found)
    assert any("copy" in f.remedy for f in found)


def test_rows_that_point_nowhere_are_damage(sound: tuple[Settings, Index]) -> None:
    place, _ = sound
    _harm(place, "DELETE FROM slots WHERE key = 3")
    found = doctor(place)
    assert all(f.level is Level.ERROR for f in found)
    assert any("slots" in f.message for f in found)


def test_a_newer_library_and_a_busy_one_are_findings(place: Settings, store: Store) -> None:
    (busy,) = doctor(place, fix=True)
    assert busy.level is Level.WARNING
    assert "writing" in busy.message
    store.close()
    (place.home / "videlicet.json").write_text('{"format": 99}')
    (newer,) = doctor(place)
    assert newer.level is Level.ERROR
    assert "newer" in newer.message


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("analyses", Kind.ANALYSIS), ("queries", Kind.SAVED_SEARCH),
        ("searches", Kind.SEARCH),
    ],
)  # fmt: skip
def test_what_belongs_to_a_resource_is_left(
    sound: tuple[Settings, Index], folder: str, kind: Kind
) -> None:
    place, _ = sound
    now = datetime.now(UTC)
    one = Resource("a" * 24, kind, "local", now, now, status="processing")
    with open_store(place, write=True) as store:
        store.catalog.put_resource(store.scope(INGEST), one)
        for id in (one.id, "b" * 24):
            store.blobs.put(store.scope(INGEST), f"{folder}/{id}/0", b"x")
    (found,) = [finding for finding in _problems(place, fix=True) if finding.subject == "blobs"]
    assert found.message == "1 files belong to no asset."
    with open_store(place) as store:
        assert store.blobs.exists(store.scope(MANAGE), f"{folder}/{one.id}/0")
        assert not store.blobs.exists(store.scope(MANAGE), f"{folder}/{'b' * 24}/0")


def test_a_library_that_another_process_writes_to_all_the_time_is_sound(
    sound: tuple[Settings, Index],
) -> None:
    place, _ = sound
    expected = _problems(place)
    stop = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(place.home / "library.sqlite", timeout=30)) as connection:
            while not stop.is_set():
                connection.execute("UPDATE assets SET name = name")
                connection.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(20):
            assert _problems(place) == expected
    finally:
        stop.set()
        writer.join()


def test_what_every_user_can_read_is_closed(sound: tuple[Settings, Index]) -> None:
    place, _ = sound
    place.home.chmod(0o755)
    (place.home / "library.sqlite").chmod(0o644)
    (one,) = _problems(place)
    assert (one.level, one.fixed) == (Level.WARNING, False)
    assert "read" in one.message
    (one,) = _problems(place, fix=True)
    assert one.fixed
    assert _problems(place) == []
    assert not place.home.stat().st_mode & 0o007
