"""One SQL database: its connections, transactions and migrations.

SQLite in write-ahead mode: readers see the last committed state and never wait; a writer takes the
database at the start of its transaction, so that two never meet halfway. Freed pages are
overwritten with zeros (``secure_delete``). Only this file and ``texts.py`` know that it is SQLite.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from videlicet.errors import StoreError
from videlicet.store.home import translate

#: The newest migration; a test holds it equal to Alembic's own head.
HEAD = "0002"

_PRAGMAS = (
    # Before the first page is written: large pages suit rows of vectors and words.
    "PRAGMA page_size = 8192",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 30000",
    "PRAGMA cache_size = -32768",
    "PRAGMA temp_store = MEMORY",
)


class Database:
    """A database file and the connections of this process to it."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        self._root = root
        self.engine: Engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

        @event.listens_for(self.engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            # The driver must not open transactions by itself; ``begin`` below does.
            connection.isolation_level = None
            for pragma in _PRAGMAS:
                connection.execute(pragma)

        @event.listens_for(self.engine, "begin")
        def begin(connection: Connection) -> None:
            mode = "IMMEDIATE" if connection.get_execution_options().get("writing") else "DEFERRED"
            connection.exec_driver_sql(f"BEGIN {mode}")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the last committed state."""
        with self._translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it happens, or none."""
        with (
            self._translated(),
            self.engine.connect().execution_options(writing=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def bare(self) -> Iterator[sqlite3.Connection]:
        """The driver's own connection outside any transaction, for checkpoints and checks."""
        with self._translated():
            connection = self.engine.raw_connection()
            try:
                yield cast(sqlite3.Connection, connection.driver_connection)
            finally:
                connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if not isinstance(error.orig, sqlite3.Error):
                raise
            raise translate(error.orig, self._root) from error
        except sqlite3.Error as error:
            raise translate(error, self._root) from error

    def migrate(self) -> None:
        """Bring the tables up to date; a no-op (and no Alembic import) when they are.

        Raises:
            StoreError: ``store_newer`` where the tables are from a newer program.
        """
        found = self.revision()
        if found == HEAD:
            return
        if found is not None and found > HEAD:
            raise StoreError(
                "store_newer",
                f"{self._root} holds tables of a newer Videlicet (revision {found}; this program "
                f"knows up to {HEAD}).",
                subject=str(self._root),
                details={"revision": found, "known": HEAD},
            )
        from alembic.command import upgrade
        from alembic.config import Config

        config = Config()
        config.set_main_option(
            "script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%")
        )
        with self._translated(), self.engine.connect() as connection:
            # A table that is rebuilt is dropped for a moment; the switch works outside a
            # transaction only. What refers to what is checked at the end.
            bare = cast(sqlite3.Connection, connection.connection.driver_connection)
            bare.execute("PRAGMA foreign_keys = OFF")
            try:
                with connection.execution_options(writing=True).begin():
                    config.attributes["connection"] = connection
                    upgrade(config, "head")
                    if bare.execute("PRAGMA foreign_key_check").fetchone() is not None:
                        raise StoreError(
                            "store_damaged",
                            f"{self._root} holds rows that refer to nothing.",
                            subject=str(self._root),
                        )
            finally:
                bare.execute("PRAGMA foreign_keys = ON")

    def revision(self) -> str | None:
        """The migration the tables stand at, ``None`` in an empty database."""
        with self.reading() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
            return None if row is None else str(row[0])

    def checkpoint(self, patience: float = 5.0) -> bool:
        """Fold the write-ahead log into the file and empty it; false while a reader is in it."""
        deadline = time.monotonic() + patience
        while True:
            with self.bare() as connection:
                connection.execute("PRAGMA busy_timeout = 0")
                row = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                connection.execute("PRAGMA busy_timeout = 30000")
            if row[0] == 0:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)

    def close(self) -> None:
        self.engine.dispose()
