"""SQLite in write-ahead mode: readers see the last committed state and never wait; a writer takes
the database at the start of its transaction, so that two never meet halfway. Freed pages are
overwritten with zeros (``secure_delete``)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, create_engine, event

from videlicet.errors import StoreError
from videlicet.store.database.base import Database
from videlicet.store.database.write_turns import WriteTurns
from videlicet.store.home import translate_error

_PRAGMAS = (
    # Before the first page is written: large pages suit rows of vectors and words.
    "PRAGMA page_size = 8192",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 30000",
    "PRAGMA cache_size = -8192",
    "PRAGMA temp_store = MEMORY",
)

#: Seconds that one thread waits while the others of its process write. Each has its turn, so it is
#: not long in line but where something hangs.
_WRITER_TIMEOUT = 60


class SqliteDatabase(Database):
    """A database file and the connections of this process to it."""

    shared = False

    def __init__(self, path: Path, root: Path, *, pool_size: int = 8) -> None:
        """``pool_size`` connections stay open while nobody reads."""
        super().__init__()
        self.path = path
        self.name = str(root)
        self._root = root
        # As many readers as there are threads that read: a search keeps its connection for its
        # whole length, and none needs to wait for another.
        self.engine = self._engine("DEFERRED", pool_size=pool_size, max_overflow=-1)
        # One writes at a time; the others of this process wait here, not at the file's lock.
        self._writers = self._engine(
            "IMMEDIATE", pool_size=1, max_overflow=0, pool_timeout=_WRITER_TIMEOUT
        )
        self._turns = WriteTurns(path)
        event.listen(self._writers, "checkout", lambda *_: self._turns.take())
        event.listen(self._writers, "checkin", lambda *_: self._turns.give_up())

    def _engine(self, mode: str, **pool: Any) -> Engine:
        engine = create_engine(
            f"sqlite:///{self.path}", connect_args={"timeout": 30}, pool_use_lifo=True, **pool
        )

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            # The driver must not open transactions by itself; ``begin`` below does.
            connection.isolation_level = None
            for pragma in _PRAGMAS:
                connection.execute(pragma)

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql(f"BEGIN {mode}")

        return engine

    def close(self) -> None:
        self.engine.dispose()
        self._writers.dispose()
        self._turns.close()

    @contextmanager
    def driver_connection(self) -> Iterator[sqlite3.Connection]:
        """The driver's own connection outside any transaction, for checkpoints and checks."""
        with self._translated_errors():
            connection = self.engine.raw_connection()
            try:
                yield cast(sqlite3.Connection, connection.driver_connection)
            finally:
                connection.close()

    def checkpoint(self, timeout: float = 5.0) -> bool:
        """Fold the write-ahead log into the file and empty it; false while a reader is in it."""
        deadline = time.monotonic() + timeout
        while True:
            with self.driver_connection() as connection:
                connection.execute("PRAGMA busy_timeout = 0")
                try:
                    row = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                finally:
                    connection.execute("PRAGMA busy_timeout = 30000")
            if row[0] == 0:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)

    def advisory_lock(self, name: str, *, wait: bool = True) -> AbstractContextManager[bool]:
        """Always at once: a data directory has one process that writes."""
        return nullcontext(True)

    def _reader(self) -> Connection:
        return self.engine.connect()

    def _writer(self) -> Connection:
        return self._writers.connect()

    def _translate_error(self, error: Exception) -> Exception:
        return translate_error(error, self._root) if isinstance(error, sqlite3.Error) else error

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            with super()._translated_errors():
                yield
        except sqlite3.Error as error:
            raise self._translate_error(error) from error

    @contextmanager
    def _migration_transaction(self) -> Iterator[Connection]:
        # A table that is rebuilt is dropped for a moment; the switch works outside a transaction
        # only. What refers to what is checked at the end.
        with self._writer() as connection:
            bare = cast(sqlite3.Connection, connection.connection.driver_connection)
            bare.execute("PRAGMA foreign_keys = OFF")
            try:
                with connection.begin():
                    yield connection
                    if bare.execute("PRAGMA foreign_key_check").fetchone() is not None:
                        raise StoreError(
                            "database_corrupt",
                            f"{self._root} holds rows that refer to nothing.",
                            subject=str(self._root),
                        )
            finally:
                bare.execute("PRAGMA foreign_keys = ON")
