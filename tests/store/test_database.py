"""Connections: readers wait for nobody, writers for each other, and lists have any length."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.store.samples import MANAGE, SEARCH, SPACE, add, check_whole, vectors

from videlicet.errors import Conflict, StoreError
from videlicet.store import Store
from videlicet.store.database.sqlite import SqliteDatabase
from videlicet.store.database.write_turns import WriteTurns
from videlicet.types import Index, Kind, Modality, derived_id

READERS = 24
MANY = 100_000


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A database that keeps a single connection open."""
    one = SqliteDatabase(tmp_path / "a.sqlite", tmp_path, pool_size=1)
    with one.write_transaction() as connection:
        connection.execute(text("CREATE TABLE numbers (n INTEGER)"))
    yield one
    one.close()


def test_more_threads_read_at_once_than_connections_are_kept(database: SqliteDatabase) -> None:
    inside = threading.Barrier(READERS + 1, timeout=60)

    def read(_: int) -> list[int]:
        counts = []
        with database.snapshot():
            for _ in range(2):
                with database.read_transaction() as connection:
                    counts.append(
                        connection.execute(text("SELECT count(*) FROM numbers")).scalar_one()
                    )
                inside.wait()  # all have begun; and then: a row was written
            with database.read_transaction(fresh=True) as connection:
                counts.append(connection.execute(text("SELECT count(*) FROM numbers")).scalar_one())
        return counts

    with ThreadPoolExecutor(READERS) as pool:
        found = pool.map(read, range(READERS))
        inside.wait()
        with database.write_transaction() as connection:
            connection.execute(text("INSERT INTO numbers VALUES (1)"))
        inside.wait()
        assert list(found) == [[0, 0, 1]] * READERS


def test_a_writer_that_others_keep_waiting_is_reported_that_they_are_busy(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database._writers.pool, "_timeout", 0.1)

    def write() -> None:
        with database.write_transaction():
            pass

    with database.write_transaction(), ThreadPoolExecutor(1) as pool:
        with pytest.raises(Conflict) as busy:
            pool.submit(write).result()
        assert busy.value.code == "database_locked"
    write()


#: Writes one short transaction after the other and counts them, until it is told to end.
BUSY = """
import sys, time
from pathlib import Path
from sqlalchemy import text
from videlicet.store.database.sqlite import SqliteDatabase

database = SqliteDatabase(Path(sys.argv[1]), Path(sys.argv[1]).parent)
print("begins", flush=True)
while True:
    with database.write_transaction() as connection:
        connection.execute(text("INSERT INTO numbers VALUES (0)"))
        time.sleep(0.05)
"""


def test_writers_get_a_turn_while_another_process_writes_without_a_pause(
    database: SqliteDatabase,
) -> None:
    def rows_of(number: int) -> int:
        with database.read_transaction() as connection:
            sql = text("SELECT count(*) FROM numbers WHERE n = :n")
            return connection.execute(sql, {"n": number}).scalar_one()

    def write(_: int) -> None:
        with database.write_transaction() as connection:
            connection.execute(text("INSERT INTO numbers VALUES (1)"))

    arguments = [sys.executable, "-c", BUSY, str(database.path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            other.stdout.readline()
            write(0)
            before = rows_of(0)
            with ThreadPoolExecutor(READERS) as pool:
                list(pool.map(write, range(READERS)))
            between = rows_of(0) - before
        finally:
            other.kill()
    assert rows_of(1) == READERS + 1
    # The other one wrote in between, but not twice while somebody was in line.
    assert between <= 2 * READERS


def test_a_turn_that_is_not_given_up_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    first, second = (WriteTurns(tmp_path / "a.sqlite", timeout=0.05) for _ in range(2))
    first.take()
    second.take()
    first.close()
    second.give_up()
    second.close()


def test_a_checkpoint_that_fails_leaves_the_connection_as_it_was(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        """A connection on which checkpoints fail."""

        def __init__(self, real: sqlite3.Connection) -> None:
            self._real = real

        def execute(self, statement: str) -> sqlite3.Cursor:
            if "wal_checkpoint" in statement:
                raise sqlite3.OperationalError("disk I/O error")
            return self._real.execute(statement)

    with database.driver_connection() as connection:
        real = connection
        with pytest.MonkeyPatch.context() as patch:

            @contextmanager
            def driver_connection() -> Iterator[Broken]:
                with database._translated_errors():
                    yield Broken(real)

            patch.setattr(database, "driver_connection", driver_connection)
            with pytest.raises(StoreError):
                database.checkpoint()
        assert real.execute("PRAGMA busy_timeout").fetchone() == (30_000,)


def test_a_statement_that_is_wrong_is_no_damage(database: SqliteDatabase) -> None:
    with pytest.raises(StoreError) as wrong, database.read_transaction() as connection:
        connection.execute(text("SELECT missing FROM numbers"))
    assert wrong.value.code == "database_error"
    assert "missing" in wrong.value.message


def test_searches_at_once_all_answer(store: Store, index: Index) -> None:
    made = [add(store, index, f"{n}.mp4") for n in range(3)]
    inside = threading.Barrier(READERS, timeout=60)
    query = vectors(made[0], 1)[0].vector

    def search(_: int) -> int:
        with store.snapshot():
            store.catalog.members(store.scope(SEARCH, index.id))
            if not store.database.shared:  # connections to a server are bounded
                inside.wait()
            words = store.texts.bm25(store.scope(SEARCH, index.id), Modality.SPEECH, "harbour", 50)
            (rows,) = store.vectors.search(
                store.scope(SEARCH, index.id), Modality.SPEECH, SPACE, query, 50
            )
            return len({match.asset_id for match in words} & {match.asset_id for match in rows})

    with ThreadPoolExecutor(READERS) as pool:
        assert list(pool.map(search, range(READERS))) == [3] * READERS


def test_lists_of_ids_have_any_length(store: Store, index: Index) -> None:
    made = [add(store, index, f"{n}.mp4") for n in range(4)]
    wanted = {one.id for one in made[1:]}
    among = [derived_id(str(n)) for n in range(MANY)] + sorted(wanted)
    catalog = store.catalog
    assert {one.id for one in catalog.assets(store.scope(SEARCH, index.id), among=among)} == wanted
    assert [
        one.id for one in catalog.assets(store.scope(SEARCH), among=among, offset=1, limit=1)
    ] == (sorted(wanted)[1:2])
    assert catalog.find_assets(store.scope(SEARCH, index.id), among=among) == wanted
    assert set(catalog.names(store.scope(SEARCH), among)) == wanted
    assert catalog.find_resources(store.scope(MANAGE), Kind.ENTITY, ids=among) == ([], 0)
    query = vectors(made[0], 1)[0].vector
    (rows,) = store.vectors.search(
        store.scope(SEARCH, index.id), Modality.SPEECH, SPACE, query, 50, among
    )
    assert {match.asset_id for match in rows} == wanted
    for find in (store.texts.bm25, store.texts.phrase, store.texts.substring):
        found = find(store.scope(SEARCH, index.id), Modality.SPEECH, "harbour", 50, among)
        assert {match.asset_id for match in found} == wanted
    for name in ("\x00", "\ud800", "'", '"', "\\"):
        assert catalog.assets(store.scope(SEARCH), among=[name]) == []


def test_many_assets_are_erased_at_once(store: Store, index: Index) -> None:
    kept = add(store, index, "kept.mp4")
    with store.database.write_transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO erasures (index_id, asset_id, blobs, created_at) "
                "VALUES (:index, :asset, '[]', '2026-01-01T00:00:00')"
            ),
            [{"index": index.id, "asset": derived_id(str(n))} for n in range(40_000)],
        )
    assert store.finish_erasures()
    with store.database.read_transaction() as connection:
        assert connection.execute(text("SELECT count(*) FROM erasures")).scalar() == 0
    check_whole(store, index, kept)
