"""Two machines on one database and one object store: each with a data directory of its own."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from tests.cluster.services import Services
from tests.store.samples import (
    EXPORT,
    INGEST,
    MANAGE,
    SEARCH,
    SPACE,
    add,
    asset,
    check_whole,
    everything,
    observations,
    settings,
    task,
    texts,
    vectors,
)

from videlicet.errors import InvalidInput, NotFound, StoreError
from videlicet.rights import Grant, Purpose
from videlicet.settings import Settings
from videlicet.store import Level, Store, open_store
from videlicet.store.catalog.schema import metadata
from videlicet.store.doctor import doctor
from videlicet.types import Index, Modality, Status

pytestmark = pytest.mark.embedded("it makes shared stores itself")

WORD = "lighthouse"


@pytest.fixture
def places(
    services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[Settings, Settings]:
    """The settings of two machines."""
    for name, value in services.fresh().items():
        monkeypatch.setenv(name, value)
    return settings(tmp_path / "here"), settings(tmp_path / "there")


@pytest.fixture
def stores(places: tuple[Settings, Settings]) -> Iterator[tuple[Store, Store]]:
    """Both open for writing at once."""
    here, there = places
    with (
        open_store(here, write=True, create=True) as first,
        open_store(there, write=True) as second,
    ):
        yield first, second


@pytest.fixture
def index(stores: tuple[Store, Store]) -> Index:
    return stores[0].catalog.create_index(stores[0].scope(INGEST), "main", {})


def test_what_one_machine_adds_the_other_finds(stores: tuple[Store, Store], index: Index) -> None:
    here, there = stores
    made = [add(here, index, f"{n}.mp4", word=WORD) for n in range(3)]
    for one in made:
        check_whole(there, index, one, word=WORD)
    found = there.texts.bm25(there.scope(SEARCH, index.id), Modality.SPEECH, WORD, 50)
    assert {match.asset_id for match in found} == {one.id for one in made}


def test_a_machine_follows_changes_and_forgets_what_is_gone(
    stores: tuple[Store, Store], index: Index
) -> None:
    here, there = stores
    kept, gone = (add(here, index, name, word=WORD) for name in ("kept.mp4", "gone.mp4"))
    there.blobs.put(there.scope(INGEST), f"assets/{gone.id}/original", b"zqxjkcanary")
    assert (
        there.blobs.path(there.scope(SEARCH), f"assets/{gone.id}/original").read_bytes()
        == b"zqxjkcanary"
    )
    check_whole(there, index, gone, word=WORD)
    here.texts.put(here.scope(INGEST, index.id), kept.id, texts(observations(kept, 10, "harbour")))
    assert not any(
        match.asset_id == kept.id
        for match in there.texts.phrase(there.scope(SEARCH, index.id), Modality.SPEECH, WORD, 50)
    )
    assert there.texts.phrase(there.scope(SEARCH, index.id), Modality.SPEECH, "harbour", 5)

    assert here.remove_video(here.scope(MANAGE, index.id), gone.id)
    # Unreachable at once, on every machine; the other one's copies go when it tidies.
    assert not there.texts.phrase(there.scope(SEARCH, index.id), Modality.SPEECH, WORD, 50)
    query = vectors(gone, 1)[0].vector
    (matches,) = there.vectors.search(
        there.scope(SEARCH, index.id), Modality.SPEECH, SPACE, query, 100
    )
    assert {match.asset_id for match in matches} == {kept.id}
    with pytest.raises(NotFound):
        there.blobs.path(there.scope(SEARCH), f"assets/{gone.id}/original")
    there.evict_stale_copies()
    assert there.scan(everything(there), [b"zqxjkcanary", gone.id.encode()]) == []
    assert here.scan(everything(here), [b"zqxjkcanary", gone.id.encode()]) == []


def _in_a_thread(work: Callable[[], object]) -> None:
    """Have another thread do something, and wait for it: views belong to threads."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def test_a_search_that_began_before_an_erasure_does_not_bring_the_text_back(
    stores: tuple[Store, Store], index: Index
) -> None:
    here, there = stores
    kept = add(here, index, "kept.mp4", word="harbour")
    gone = add(here, index, "gone.mp4", word="zqxjkcanary")
    check_whole(there, index, gone, word="zqxjkcanary")

    def search(word: str) -> set[str]:
        found = there.texts.bm25(there.scope(SEARCH, index.id), Modality.SPEECH, word, 50)
        return {match.asset_id for match in found}

    with there.snapshot():
        assert there.catalog.members(there.scope(SEARCH, index.id)) == [kept.id, gone.id]
        here.remove_video(here.scope(MANAGE, index.id), gone.id)
        _in_a_thread(lambda: search("harbour"))
        assert search("zqxjkcanary") == set()
        assert there.catalog.members(there.scope(SEARCH, index.id)) == [kept.id, gone.id], (
            "one state"
        )
    there.evict_stale_copies()
    assert there.scan(everything(there), [b"zqxjkcanary"]) == []
    assert search("harbour") == {kept.id}


def test_a_first_search_inside_an_older_view_keeps_what_is_new(
    stores: tuple[Store, Store], index: Index, places: tuple[Settings, Settings]
) -> None:
    here, there = stores

    def mirrored() -> list[tuple[int, int]]:
        with closing(sqlite3.connect(there.home.root / "texts.sqlite")) as mirror:
            return mirror.execute("SELECT space, count(*) FROM text_rows GROUP BY 1").fetchall()

    old = add(here, index, "old.mp4", word=WORD)
    with open_store(places[1]) as another:  # a second process of the same machine
        with another.snapshot():
            assert another.catalog.members(another.scope(SEARCH, index.id)) == [old.id]
            new = add(here, index, "new.mp4", word=WORD)

            def search(store: Store) -> set[str]:
                found = store.texts.bm25(store.scope(SEARCH, index.id), Modality.SPEECH, WORD, 50)
                return {match.asset_id for match in found}

            _in_a_thread(lambda: search(there))
            newest = mirrored()
            search(another)
            assert mirrored() == newest
        assert search(another) == search(there) == {old.id, new.id}


def test_erased_text_leaves_the_log_of_the_mirror_when_its_last_reader_ends(
    stores: tuple[Store, Store], index: Index
) -> None:
    here, there = stores
    add(here, index, "kept.mp4", word=WORD)
    gone = add(here, index, "gone.mp4", word="zqxjkcanary")
    check_whole(there, index, gone, word="zqxjkcanary")
    mirror = sqlite3.connect(there.home.root / "texts.sqlite")
    with closing(mirror):
        mirror.execute("BEGIN")
        assert mirror.execute("SELECT count(*) FROM text_rows").fetchone() != (0,)
        here.remove_video(here.scope(MANAGE, index.id), gone.id)
        there.texts.bm25(there.scope(SEARCH, index.id), Modality.SPEECH, WORD, 50)
        assert not there.texts.evict_stale_copies(), "a reader is in the way"
        assert there.scan(everything(there), [b"zqxjkcanary"])
    assert there.texts.evict_stale_copies()
    assert there.scan(everything(there), [b"zqxjkcanary"]) == []


def test_writers_on_two_machines_lose_nothing(stores: tuple[Store, Store], index: Index) -> None:
    names: list[list[str]] = [[f"{side}{n}.mp4" for n in range(6)] for side in "ab"]
    failures: list[BaseException] = []

    def write(store: Store, mine: list[str]) -> None:
        try:
            for name in mine:
                add(store, index, name, word=WORD)
        except BaseException as error:
            failures.append(error)

    threads = [
        threading.Thread(target=write, args=pair) for pair in zip(stores, names, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for store in stores:
        for name in [*names[0], *names[1]]:
            check_whole(store, index, asset(name), word=WORD)


def test_a_status_changes_hands_once(stores: tuple[Store, Store], index: Index) -> None:
    here, there = stores
    one = task(index, "video.mp4")
    here.catalog.put_task(here.scope(INGEST), one)
    taken = [
        store.catalog.update_task(
            store.scope(INGEST), one.id, when=[Status.QUEUED], status=Status.RUNNING
        )
        for store in (here, there)
    ]
    assert [t.status for t in taken] == [Status.RUNNING] * 2
    assert taken[0].updated_at == taken[1].updated_at, "the second changed nothing"


def test_an_index_over_many_rows_reaches_other_machines_and_forgets(
    places: tuple[Settings, Settings],
) -> None:
    here, there = (place.model_copy(update={"ann_threshold_rows": 100}) for place in places)
    with (
        open_store(here, write=True, create=True) as first,
        open_store(there, write=True) as second,
    ):
        index = first.catalog.create_index(first.scope(INGEST), "main", {})
        made = [add(first, index, f"{n}.mp4", count=30) for n in range(8)]
        first.vectors.optimize(first.scope(MANAGE, index.id), force=True)
        assert not second.vectors.is_exact(second.scope(SEARCH, index.id), Modality.SPEECH, SPACE)
        for one in made:
            check_whole(second, index, one, count=30)
        # A search among all assets needs the index itself.
        query = vectors(made[0], 1)[0].vector
        second.vectors.search(second.scope(SEARCH, index.id), Modality.SPEECH, SPACE, query, 5)
        assert list(second.home.ann.iterdir())
        first.remove_video(first.scope(MANAGE, index.id), made[0].id)
        assert second.vectors.is_exact(second.scope(SEARCH, index.id), Modality.SPEECH, SPACE), (
            "taken back"
        )
        for one in made[1:]:
            check_whole(second, index, one, count=30)
        second.evict_stale_copies()
        assert not list(second.home.ann.iterdir())
        second.build_due_indexes()
        assert not first.vectors.is_exact(first.scope(SEARCH, index.id), Modality.SPEECH, SPACE)
        for one in made[1:]:
            check_whole(first, index, one, count=30)
        (batch, *_) = list(
            first.vectors.scan(first.scope(EXPORT, index.id), Modality.SPEECH, SPACE)
        )
        assert batch.asset_id != made[0].id


def test_locks_by_name_end_with_whoever_holds_them(stores: tuple[Store, Store]) -> None:
    here, there = stores
    with here.database.advisory_lock("a") as mine:
        assert mine
        with there.database.advisory_lock("a", wait=False) as theirs:
            assert not theirs
        with there.database.advisory_lock("b", wait=False) as other:
            assert other
    with there.database.advisory_lock("a", wait=False) as theirs:
        assert theirs


def test_the_migrations_make_the_tables_that_are_used(stores: tuple[Store, Store]) -> None:
    engine = stores[0].database.engine
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []
        collations = connection.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns "
                "WHERE table_schema = current_schema() AND table_name <> 'alembic_version' "
                "AND data_type IN ('text', 'character varying') "
                "AND collation_name IS DISTINCT FROM 'C'"
            )
        ).all()
    assert collations == [], "text is compared by code point, as in SQLite"


def test_the_doctor_looks_at_a_shared_store(
    stores: tuple[Store, Store], index: Index, places: tuple[Settings, Settings]
) -> None:
    here, _ = stores
    made = add(here, index, "video.mp4")
    assert [f for f in doctor(places[1]) if f.level is Level.ERROR] == []
    here._backend.write(f"indexes/{index.id}/{made.id}/vectors/{'0' * 24}", b"left behind")
    (found,) = [f for f in doctor(places[1]) if f.subject == "blobs"]
    assert "belong to no asset" in found.message
    assert any(f.fixed for f in doctor(places[1], fix=True))
    assert not [f for f in doctor(places[1]) if f.subject == "blobs"]
    check_whole(here, index, made)


def test_a_store_that_cannot_be_reached_is_said_to_be(
    places: tuple[Settings, Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(StoreError) as refused:
        open_store(places[0])
    assert refused.value.code == "store_not_found"
    monkeypatch.setenv("VIDELICET_DATABASE_URL", "postgresql://videlicet:hush@127.0.0.1:1/none")
    with pytest.raises(StoreError) as refused:
        open_store(settings(tmp_path / "third"), write=True, create=True)
    assert refused.value.code == "store_unreachable"
    assert "hush" not in str(refused.value)
    for database, objects in (
        ("mysql://x/y", "s3://b"), ("no address", "s3://b"), ("postgresql://x/y", ""), ("", "s3://b"),
    ):  # fmt: skip
        monkeypatch.setenv("VIDELICET_DATABASE_URL", database)
        monkeypatch.setenv("VIDELICET_OBJECT_STORE_URL", objects)
        with pytest.raises(InvalidInput):
            open_store(settings(tmp_path / "third"), write=True, create=True)


def test_local_copies_keep_to_their_size(
    places: tuple[Settings, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    from videlicet.store.blobs import objects

    monkeypatch.setattr(objects, "_RECENT", -1.0)
    with open_store(
        places[0].model_copy(update={"cache_max": 2500}), write=True, create=True
    ) as store:
        for name in "abcd":
            store.blobs.put(store.scope(INGEST), f"assets/{name}/original", name.encode() * 1000)
        every = everything(store)
        for name in "abcdb":
            assert store.blobs.path(every, f"assets/{name}/original").read_bytes()[:1] == (
                name.encode()
            )
        copies = [p for p in (store.home.root / "cache").rglob("*") if p.is_file()]
        assert sum(p.stat().st_size for p in copies) <= 2500


def test_texts_that_the_database_cannot_hold_are_bad_input(stores: tuple[Store, Store]) -> None:
    with pytest.raises(InvalidInput, match="NUL"):
        stores[0].catalog.index(stores[0].scope(Grant("tests", Purpose.MANAGE)), "a\0")
