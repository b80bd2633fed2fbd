"""One writer, many readers, and processes that die."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.store.samples import (
    INGEST,
    MANAGE,
    SEARCH,
    SPACE,
    add,
    asset,
    check_whole,
    enter,
    settings,
    vectors,
)

from videlicet.errors import Conflict, StoreError
from videlicet.settings import Settings
from videlicet.store import Level, Store, open_store
from videlicet.store.doctor import doctor
from videlicet.types import Index, Modality

WRITING = Path(__file__).with_name("writer_process.py")

pytestmark = pytest.mark.embedded("one writer, and disks that fill up")


def _writer(place: Settings, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WRITING), str(place.home), str(count)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _sound(place: Settings) -> None:
    """Assert that nothing is lost or unusable; unfinished assets may be pending."""
    findings = [f for f in doctor(place) if "original" not in f.message]
    assert [f for f in findings if f.level is Level.ERROR] == []
    for finding in findings:
        assert any(
            word in finding.message
            for word in ("never finished", "erased", "indexing", "Approximate", "no index")
        ), finding


def test_a_second_writer_is_reported_who_writes(place: Settings, store: Store) -> None:
    with pytest.raises(Conflict) as refused:
        open_store(place, write=True)
    assert refused.value.code == "database_locked"
    assert str(os.getpid()) in refused.value.message
    assert refused.value.details == {"pid": os.getpid()}
    store.close()
    open_store(place, write=True).close()
    store.close()


def test_the_right_to_write_ends_with_the_process(place: Settings) -> None:
    process = _writer(place, 10_000)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    with pytest.raises(Conflict, match=str(process.pid)):
        open_store(place, write=True)
    process.kill()
    process.wait()
    process.stdout.close()
    open_store(place, write=True).close()


def test_readers_see_whole_assets_while_another_process_writes(place: Settings) -> None:
    process = _writer(place, 25)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    sizes = set()
    with open_store(place) as reader:
        index = reader.catalog.index(reader.scope(SEARCH), "main")
        while process.poll() is None:
            ready = reader.catalog.find_assets(reader.scope(SEARCH, index.id))
            sizes.add(len(ready))
            for n in range(25):
                if asset(f"{n}.mp4").id in ready:
                    check_whole(reader, index, asset(f"{n}.mp4"), count=8)
            found = reader.vectors.search(
                reader.scope(SEARCH, index.id),
                Modality.SPEECH,
                SPACE,
                vectors(asset("0.mp4"))[0].vector,
                99,
            )
            assert len({m.id for m in found[0]}) == len(found[0])
        process.stdout.close()
        assert process.returncode == 0
        assert len(reader.catalog.find_assets(reader.scope(SEARCH, index.id))) == 25
    assert len(sizes) > 1, "assets were seen to arrive"
    _sound(place)


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_a_sound_library(place: Settings) -> None:
    dice = random.Random(99)
    for _ in range(7):
        process = _writer(place, 30)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(dice.uniform(0.0, 0.8))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        _sound(place)
        with open_store(place) as reader:
            index = reader.catalog.index(reader.scope(SEARCH), "main")
            for id in reader.catalog.find_assets(reader.scope(SEARCH, index.id)):
                (made,) = [a for n in range(30) if (a := asset(f"{n}.mp4")).id == id]
                check_whole(reader, index, made, count=8)
    process = _writer(place, 30)
    process.communicate()
    assert process.returncode == 0
    _sound(place)
    with open_store(place) as reader:
        for n in range(30):
            check_whole(reader, index, asset(f"{n}.mp4"), count=8)
        found = reader.vectors.search(
            reader.scope(SEARCH, index.id),
            Modality.SPEECH,
            SPACE,
            vectors(asset("0.mp4"))[0].vector,
            999,
        )
        assert len(found[0]) <= 30 * 8
    with open_store(place, write=True) as store:
        (space,) = store.vectors.statistics(store.scope(MANAGE, index.id))
        assert (space["rows"], space["assets"]) == (240, 30)
        assert store.texts.statistics(store.scope(MANAGE, index.id)) == {"speech": 240, "text": 240}


def test_a_copy_is_a_backup(place: Settings, tmp_path: Path) -> None:
    with open_store(settings(place.home, ann_threshold_rows=60), write=True, create=True) as store:
        index = store.catalog.create_index(store.scope(INGEST), "main", {})
        for n in range(12):
            add(store, index, f"{n}.mp4", count=8)
        store.blobs.put(store.scope(INGEST), f"assets/{asset('0.mp4').id}/thumb.jpg", b"jpeg")
        store.vectors.optimize(store.scope(MANAGE, index.id), force=True)
    copied = settings(tmp_path / "copy", ann_threshold_rows=60)
    shutil.copytree(place.home, copied.home)
    query = vectors(asset("5.mp4"), 8)[2].vector

    def answers(at: Settings) -> object:
        with open_store(at) as store:
            return (
                store.catalog.assets(store.scope(SEARCH)),
                store.vectors.search(
                    store.scope(SEARCH, index.id), Modality.SPEECH, SPACE, query, 20
                ),
                store.texts.bm25(
                    store.scope(SEARCH, index.id), Modality.SPEECH, "harbour number 3", 20
                ),
                store.blobs.get(store.scope(SEARCH), f"assets/{asset('0.mp4').id}/thumb.jpg"),
            )

    assert answers(copied) == answers(place)
    _sound(copied)
    with open_store(copied, write=True) as store:
        check_whole(store, index, add(store, index, "new.mp4"))
        store.remove_video(store.scope(MANAGE, index.id), asset("0.mp4").id)
    with open_store(place) as store:
        check_whole(store, index, asset("0.mp4"), count=8)


def test_a_copy_made_while_readers_are_open_is_a_backup_too(
    place: Settings, tmp_path: Path
) -> None:
    with open_store(place, write=True, create=True) as store:
        index = store.catalog.create_index(store.scope(INGEST), "main", {})
        made = add(store, index, "video.mp4")
        with open_store(place) as reader:
            check_whole(reader, index, made)
            store.close()
            shutil.copytree(place.home, tmp_path / "copy")
    with open_store(settings(tmp_path / "copy")) as copy:
        check_whole(copy, index, made)


def _limited(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_full_disk_loses_nothing(place: Settings, store: Store) -> None:
    """No file may grow: what a full disk or a quota does, without one."""
    index = store.catalog.create_index(store.scope(INGEST), "main", {})
    made = add(store, index, "video.mp4")
    store.blobs.put(store.scope(INGEST), f"assets/{made.id}/thumb.jpg", b"old")
    enter(store, index, asset("big.mp4"))
    big = vectors(asset("big.mp4"), 2000)
    size = max(path.stat().st_size for path in place.home.rglob("*") if path.is_file())
    try:
        _limited(size + 4096)
        for write in (
            lambda: store.vectors.put(
                store.scope(INGEST, index.id), Modality.SPEECH, SPACE, asset("big.mp4").id, big * 3
            ),
            lambda: store.vectors.put(
                store.scope(INGEST, index.id), Modality.SPEECH, SPACE, made.id, big
            ),
            lambda: store.blobs.put(
                store.scope(INGEST), f"assets/{made.id}/thumb.jpg", bytes(size + 100_000)
            ),
        ):
            with pytest.raises(StoreError) as refused:
                write()
            assert refused.value.code == "disk_full"
            assert refused.value.retryable
    finally:
        _limited(resource.RLIM_INFINITY)
    check_whole(store, index, made)
    assert store.blobs.get(store.scope(SEARCH), f"assets/{made.id}/thumb.jpg") == b"old"
    assert store.blobs.list(store.scope(SEARCH)) == [f"assets/{made.id}/thumb.jpg"]
    store.vectors.put(
        store.scope(INGEST, index.id), Modality.SPEECH, SPACE, asset("big.mp4").id, big
    )
    store.close()
    _sound(place)


def test_a_disk_without_room_refuses_a_blob_before_it_is_copied(
    store: Store, index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full = os.statvfs(tmp_path)
    values = list(full)
    values[4] = 0
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(values))
    (tmp_path / "video").write_bytes(b"video")
    for data in (b"x", tmp_path / "video"):
        with pytest.raises(StoreError) as refused:
            store.blobs.put(store.scope(INGEST), "assets/a/b", data)
        assert refused.value.code == "disk_full"
    assert store.blobs.list(store.scope(SEARCH)) == []


def test_a_child_process_may_share_the_right_to_write(place: Settings) -> None:
    with open_store(place, write=True, create=True) as store:
        index = store.catalog.create_index(store.scope(INGEST), "main", {})
        assert store.lock_fd is not None
        child = open_store(place, write=True, lock_fd=os.dup(store.lock_fd))
        made = add(child, index, "video.mp4")
        check_whole(store, index, made)
        store.close()
        with pytest.raises(Conflict):
            open_store(place, write=True)
        child.close()
        open_store(place, write=True).close()
