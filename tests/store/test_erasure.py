"""What is removed is gone from every byte; what is not, is not touched."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from tests.store.samples import (
    DIMENSIONS,
    EXPORT,
    INGEST,
    MANAGE,
    SEARCH,
    SPACE,
    add,
    asset,
    check_whole,
    enter,
    entry,
    everything,
    media,
    observations,
    task,
    texts,
    vectors,
)

from videlicet.errors import NotFound, StoreError
from videlicet.settings import Settings
from videlicet.store import Store, VectorRow, byte_scan, open_store
from videlicet.store.byte_scan import scan_files
from videlicet.store.catalog import erasure
from videlicet.store.doctor import doctor
from videlicet.types import Asset, Index, Kind, Modality, Resource, VideoStatus

CANARY = "zqxjkcanary"


def _needles(of: Asset, rows: list[VectorRow]) -> list[bytes]:
    """Text in every form it may be kept in, and any four consecutive values of the vectors."""
    words = [
        CANARY,
        CANARY.upper(),
        of.id,
        of.sha256,
        *(o.id for o in observations(of, 30, CANARY)),
    ]
    found = [word.encode() for word in words]
    found += [CANARY.encode("utf-16-le"), CANARY[:6].encode()]
    for row in rows:
        raw = row.vector
        unit = (raw / np.linalg.norm(raw)).astype(np.float32)
        for values in (raw.astype("<f4"), unit.astype("<f4"), unit.astype("<f2")):
            found += [values[n : n + 4].tobytes() for n in range(0, len(raw) - 3, 2)]
    return found


def _add_canary(store: Store, index: Index) -> tuple[Asset, list[VectorRow]]:
    made = asset(
        f"{CANARY}.mp4",
        metadata={"note": f"about {CANARY}", CANARY: 1},
        recording=media(tags={"comment": CANARY}),
        blob=None,
    )
    made = replace(made, blob=f"assets/{made.id}/original")
    seen = observations(made, 30, CANARY)
    rows = [replace(row, vector=row.vector * 3) for row in vectors(made, 30)]
    enter(store, index, made)
    store.catalog.put_observations(store.scope(INGEST, index.id), made.id, seen)
    for space in (SPACE, "other"):
        store.vectors.put(store.scope(INGEST, index.id), Modality.SPEECH, space, made.id, rows)
    store.texts.put(store.scope(INGEST, index.id), made.id, texts(seen))
    store.catalog.put_task(
        store.scope(INGEST),
        task(index, CANARY, source=f"/{CANARY}", asset_id=made.id, error={"m": CANARY}),
    )
    store.blobs.put(store.scope(INGEST), f"assets/{made.id}/original", CANARY.encode())
    store.blobs.put(store.scope(INGEST), f"indexes/{index.id}/{made.id}/thumb.jpg", CANARY.encode())
    return made, rows


@pytest.fixture
def small(place: Settings) -> Iterator[tuple[Store, Index]]:
    """A store where anything over 100 rows is indexed."""
    with open_store(
        place.model_copy(update={"ann_threshold_rows": 100}), write=True, create=True
    ) as store:
        yield store, store.catalog.create_index(store.scope(INGEST), "main", {})


def test_a_removed_asset_is_gone_from_every_byte(small: tuple[Store, Index]) -> None:
    store, index = small
    others = [add(store, index, f"{n}.mp4", count=20) for n in range(6)]
    made, rows = _add_canary(store, index)
    others += [add(store, index, f"{n}.mp4", count=20) for n in range(6, 12)]
    # Old states in the log, in freed pages and in superseded word lists must go too.
    _add_canary(store, index)
    store.vectors.optimize(store.scope(MANAGE, index.id), force=True)
    needles = _needles(made, rows)

    before = store.scan(everything(store), needles)
    seen = {s.needle for s in before}
    assert CANARY.encode() in seen
    assert made.id.encode() in seen
    assert any(len(needle) == 16 for needle in seen), "vectors are found while they are there"
    assert any("ann/" in s.file for s in before)
    assert any("blobs" in s.file for s in before)

    assert store.remove_video(store.scope(MANAGE, index.id), made.id)
    assert store.scan(everything(store), needles) == []
    for path in store.home.root.rglob("*"):
        assert made.id not in str(path)
    query = rows[0].vector
    for matches in store.vectors.search(
        store.scope(SEARCH, index.id), Modality.SPEECH, SPACE, query, 999
    ):
        assert all(m.asset_id != made.id for m in matches)
    for one in others:
        check_whole(store, index, one, count=20)
    with pytest.raises(NotFound):
        store.remove_video(store.scope(MANAGE, index.id), made.id)


@pytest.mark.embedded("rows are overwritten in place")
def test_an_asset_that_fills_a_group_leaves_no_centroid_behind(
    small: tuple[Store, Index],
) -> None:
    store, index = small
    for n in range(4):
        add(store, index, f"{n}.mp4", count=40)
    made = enter(store, index, asset("plain.mp4"))
    vector = np.full(DIMENSIONS, -1, np.float32) * np.linspace(1, 2, DIMENSIONS, dtype=np.float32)
    unit = vector / np.linalg.norm(vector)
    rows = [replace(row, vector=unit) for row in vectors(made, 60)]
    store.vectors.put(store.scope(INGEST, index.id), Modality.SPEECH, SPACE, made.id, rows)
    store.vectors.optimize(store.scope(MANAGE, index.id), force=True)

    def nearest() -> float:
        (folder,) = store.home.ann.iterdir()
        centroids = np.fromfile(folder / "centroids.f32", "<f4").reshape(-1, DIMENSIONS)
        return float((centroids @ unit).max())

    assert nearest() > 0.999
    store.vectors.delete_asset(store.scope(MANAGE, index.id), made.id)
    assert nearest() < 0.99
    needles = _needles(made, rows[:1])
    known = (made.id.encode(), made.sha256.encode())
    assert [s for s in store.scan(everything(store), needles) if s.needle not in known] == []


def test_an_asset_in_two_indexes_stays_in_the_other(store: Store, index: Index) -> None:
    other = store.catalog.create_index(store.scope(INGEST), "other", {})
    made = add(store, index, "video.mp4")
    add(store, other, "video.mp4")
    store.blobs.put(store.scope(INGEST), f"assets/{made.id}/thumb.jpg", b"x")
    assert store.remove_video(store.scope(MANAGE, index.id), made.id)
    check_whole(store, other, made)
    assert [key for key in store.blobs.list(store.scope(SEARCH)) if "/vectors/" not in key] == [
        f"assets/{made.id}/thumb.jpg"
    ]
    assert store.catalog.find_assets(store.scope(SEARCH, index.id)) == frozenset()
    assert store.remove_video(store.scope(MANAGE, other.id), made.id)
    assert store.blobs.list(everything(store)) == []
    with pytest.raises(NotFound):
        store.catalog.asset(store.scope(SEARCH), made.id)


def test_many_are_removed_together_or_none(store: Store, index: Index) -> None:
    made = [add(store, index, f"{n}.mp4") for n in range(5)]
    with pytest.raises(NotFound):
        store.remove_videos(store.scope(MANAGE, index.id), [made[0].id, asset("nobody").id])
    check_whole(store, index, made[0])
    assert store.remove_videos(store.scope(MANAGE, index.id), [made[0].id, made[1].id, made[0].id])
    assert store.catalog.find_assets(store.scope(SEARCH, index.id)) == {m.id for m in made[2:]}


def test_a_deleted_index_is_gone_with_all_its_assets(small: tuple[Store, Index]) -> None:
    store, index = small
    kept_index = store.catalog.create_index(store.scope(INGEST), "kept", {})
    kept = add(store, kept_index, "kept.mp4", word="lighthouse")
    made, rows = _add_canary(store, index)
    for n in range(6):
        add(store, index, f"{n}.mp4", count=20)
    store.vectors.optimize(store.scope(MANAGE, index.id), force=True)
    assert store.delete_index(store.scope(MANAGE, index.id))
    assert (
        store.scan(
            everything(store),
            [*_needles(made, rows), b"harbour", index.id.encode()],
        )
        == []
    )
    assert [i.name for i in store.catalog.indexes(store.scope(SEARCH))] == ["kept"]
    check_whole(store, kept_index, kept, "lighthouse")
    assert list(store.home.ann.iterdir()) == []
    again = store.catalog.create_index(store.scope(INGEST), "main", {})
    add(store, again, "0.mp4")


@pytest.mark.embedded("the log of SQLite")
def test_a_reader_of_an_old_state_delays_the_bytes_and_the_next_opening_finishes(
    place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from videlicet.store.database import Database

    checkpoint = Database.checkpoint
    monkeypatch.setattr(Database, "checkpoint", lambda self, timeout=0.0: checkpoint(self, 0.0))
    with open_store(place, write=True, create=True) as store:
        index = store.catalog.create_index(store.scope(INGEST), "main", {})
        made, rows = _add_canary(store, index)
        add(store, index, "other.mp4")
        with open_store(place) as reader:
            vectors = reader.vectors.scan(reader.scope(EXPORT, index.id), Modality.SPEECH, SPACE)
            assert next(vectors).asset_id == made.id
            assert not store.remove_video(store.scope(MANAGE, index.id), made.id)
            assert store.catalog.members(store.scope(SEARCH, index.id)) == [asset("other.mp4").id]
            assert store.scan(everything(store), _needles(made, rows)) != []
            (finding,) = [f for f in doctor(place) if f.subject == "erasures"]
            assert "1 erased" in finding.message
            vectors.close()  # type: ignore[attr-defined]
    with open_store(place, write=True) as store:
        assert store.scan(everything(store), _needles(made, rows)) == []
        assert [f for f in doctor(place) if f.subject == "erasures"] == []


@pytest.mark.embedded("the log of SQLite")
def test_an_erasure_that_was_broken_off_is_finished_at_the_next_opening(
    place: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(place, write=True, create=True)
    index = store.catalog.create_index(store.scope(INGEST), "main", {})
    made, rows = _add_canary(store, index)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "finish_erasures", lambda self: False)
        assert not store.remove_video(store.scope(MANAGE, index.id), made.id)
    assert store.scan(everything(store), [CANARY.encode()]) != []
    store.close()
    with open_store(place, write=True) as store:
        assert store.scan(everything(store), _needles(made, rows)) == []


@pytest.mark.embedded("the pages of SQLite")
def test_freed_pages_are_overwritten(place: Settings) -> None:
    with (
        open_store(place, write=True, create=True) as store,
        store.database.driver_connection() as connection,
    ):
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)
        assert isinstance(connection, sqlite3.Connection)


def test_a_scan_finds_needles_across_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr(byte_scan, "_BLOCK", 8)
    data = b"abcdefNEEDLE..needleNEEDLE-aaaa"
    (tmp_path / "f").write_bytes(data)
    os.symlink(tmp_path / "f", tmp_path / "link")
    found = scan_files(tmp_path, [b"NEEDLE", b"aa", b"absent"])
    assert [(s.needle, s.file, s.offset) for s in found] == [
        (b"NEEDLE", "f", 6), (b"NEEDLE", "f", 20), (b"aa", "f", 27), (b"aa", "f", 28),
        (b"aa", "f", 29),
    ]  # fmt: skip
    assert scan_files(tmp_path, []) == []
    with pytest.raises(ValueError, match="empty"):
        scan_files(tmp_path, [b""])


@pytest.mark.parametrize("elsewhere", [False, True])
def test_nothing_is_put_into_what_was_removed_meanwhile(
    small: tuple[Store, Index], elsewhere: bool
) -> None:
    """As by a worker that has not noticed yet, whether another index holds the asset or not."""
    store, index = small
    other = store.catalog.create_index(store.scope(INGEST), "other", {})
    made = add(store, index, f"{CANARY}.mp4", word=CANARY)
    if elsewhere:
        add(store, other, f"{CANARY}.mp4", word=CANARY)
    store.remove_video(store.scope(MANAGE, index.id), made.id)
    seen = observations(made, 3, CANARY)
    for put in (
        lambda: store.catalog.put_observations(store.scope(INGEST, index.id), made.id, seen),
        lambda: store.texts.put(store.scope(INGEST, index.id), made.id, texts(seen)),
        lambda: store.vectors.put(
            store.scope(INGEST, index.id), Modality.SPEECH, SPACE, made.id, vectors(made)
        ),
        lambda: store.vectors.put(
            store.scope(INGEST, index.id), Modality.SPEECH, SPACE, made.id, []
        ),
    ):
        with pytest.raises(NotFound) as refused:
            put()
        assert refused.value.code == "asset_not_found"
    with pytest.raises(NotFound):
        store.catalog.update_video(
            store.scope(INGEST), entry(index, made).id, status=VideoStatus.READY
        )
    assert store.catalog.members(store.scope(SEARCH, index.id)) == []
    if elsewhere:
        check_whole(store, other, made, word=CANARY)
    else:
        assert store.scan(everything(store), [CANARY.encode(), made.id.encode()]) == []
        assert store.blobs.list(everything(store)) == []


def test_an_asset_is_added_with_its_entry_or_not_at_all(store: Store, index: Index) -> None:
    made = asset("video.mp4")
    with pytest.raises(NotFound):
        store.catalog.put_asset(
            store.scope(INGEST), made, replace(entry(index, made), index_id="nowhere")
        )
    assert store.catalog.assets(store.scope(SEARCH)) == []


def test_the_blobs_of_a_resource_go_with_it_whatever_is_killed(place: Settings) -> None:
    now = datetime.now(UTC)
    with open_store(place, write=True, create=True) as store:
        one = Resource("s1", Kind.SEARCH, "local", now, now, "ready")
        store.catalog.put_resource(store.scope(INGEST), one)
        store.blobs.put(store.scope(INGEST), "searches/s1/0", b"video")
        store.catalog.delete_resource(
            store.scope(MANAGE), Kind.SEARCH, "s1", blobs=["searches/s1/"]
        )
    with open_store(place, write=True) as store:
        assert store.blobs.list(everything(store)) == []
        with pytest.raises(NotFound):
            store.catalog.delete_resource(
                store.scope(MANAGE), Kind.SEARCH, "s1", blobs=["searches/s1/"]
            )


def test_an_index_is_deleted_in_one_transaction(
    small: tuple[Store, Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, index = small
    made = [add(store, index, f"{n}.mp4") for n in range(3)]
    other = store.catalog.create_index(store.scope(INGEST), "other", {})
    both = add(store, other, "0.mp4")

    def full(*_: object) -> None:
        raise StoreError("disk_full", "full")

    with monkeypatch.context() as patch:
        patch.setattr(erasure, "delete_asset_rows", full)
        with pytest.raises(StoreError, match="full"):
            store.delete_index(store.scope(MANAGE, index.id))
    for one in made:
        check_whole(store, index, one)
    assert store.delete_index(store.scope(MANAGE, index.id))
    assert [one.id for one in store.catalog.assets(store.scope(SEARCH))] == [both.id]
    check_whole(store, other, both)


def test_what_was_in_the_way_of_an_erasure_delays_it_until_the_store_is_looked_after(
    small: tuple[Store, Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, index = small
    made = add(store, index, "a.mp4")
    store.blobs.put(store.scope(INGEST), f"assets/{made.id}/original", b"zqxjkcanary")

    def away(_: object) -> None:
        raise StoreError("store_unreachable", "away")

    with monkeypatch.context() as patch:
        patch.setattr(store._backend, "erase", away)
        with pytest.raises(StoreError, match="away"):
            store.remove_video(store.scope(MANAGE, index.id), made.id)
        assert store.scan(everything(store), [b"zqxjkcanary"])
    store.evict_stale_copies()
    assert store.scan(everything(store), [b"zqxjkcanary"]) == []
    assert store.finish_erasures()


def test_what_has_expired_goes_whoever_it_belongs_to(small: tuple[Store, Index]) -> None:
    store, _ = small
    now = datetime.now(UTC)
    idle = store.scope(MANAGE.within("idle"))
    for kind in (Kind.IDEMPOTENT_RESPONSE, Kind.SEARCH, Kind.EMBEDDING, Kind.UPLOAD):
        for late in (True, False):
            one = Resource(
                id=f"{kind}{late}", kind=kind, tenant="idle", created_at=now, updated_at=now,
                expires_at=now + timedelta(hours=-1 if late else 1),
            )  # fmt: skip
            store.catalog.put_resource(idle, one)
    store.blobs.put(store.scope(INGEST.within("idle")), "searches/searchTrue/0", b"zqxjkcanary")
    store.evict_stale_copies()
    left = {
        kind: [one.id for one in store.catalog.find_resources(idle, kind)[0]]
        for kind in (Kind.IDEMPOTENT_RESPONSE, Kind.SEARCH, Kind.EMBEDDING)
    }
    assert left == {kind: [f"{kind}False"] for kind in left}
    assert len(store.catalog.find_resources(idle, Kind.UPLOAD)[0]) == 2, "its own code ends it"
    assert store.scan(everything(store), [b"zqxjkcanary"]) == []
    assert store.sweep_expired() == 0
