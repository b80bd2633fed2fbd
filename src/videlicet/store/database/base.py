"""What every part of the store may expect of its database, whichever it is."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from videlicet.errors import Conflict, StoreError

#: The newest migration; a test holds it equal to Alembic's own head.
HEAD = "0009"

#: Alembic's own table.
_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


@dataclass(slots=True)
class Snapshot:
    """One state of the database that a thread looks at. ``followed`` names the indexes whose text
    was updated for it (see ``store/texts/mirror.py``)."""

    connection: Connection
    synced_indexes: set[str] = field(default_factory=set)


class Database(ABC):
    """The connections of this process to one database."""

    engine: Engine
    #: What messages call it.
    name: str
    #: Whether processes on other machines read and write it too.
    shared: bool

    def __init__(self) -> None:
        self._snapshots = threading.local()

    @contextmanager
    def read_transaction(self, *, fresh: bool = False) -> Iterator[Connection]:
        """One consistent view of the last committed state; inside :meth:`snapshot` the one that was
        taken there, unless it is to be ``fresh``."""
        view = self.current_snapshot()
        if view is not None and not fresh:
            yield view.connection
            return
        with self._translated_errors(), self._reader() as connection, connection.begin():
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Have every :meth:`read_transaction` of this thread within the block see the same state,
        over one connection: for what looks many times."""
        if self.current_snapshot() is not None:
            yield
            return
        with self.read_transaction() as connection:
            self._snapshots.current = Snapshot(connection)
            try:
                yield
            finally:
                self._snapshots.current = None

    def current_snapshot(self) -> Snapshot | None:
        """The view that this thread is in."""
        view: Snapshot | None = getattr(self._snapshots, "current", None)
        return view

    @contextmanager
    def write_transaction(self) -> Iterator[Connection]:
        """One transaction: all of it happens, or none. One at a time writes, so that what is
        looked up first still holds when it is acted upon."""
        with self._translated_errors():
            try:
                writer = self._writer()
            except PoolTimeout as error:
                raise Conflict(
                    "database_locked", f"Others keep {self.name} busy.", subject=self.name
                ) from error
            with writer as connection, connection.begin():
                yield connection

    @abstractmethod
    def checkpoint(self, timeout: float = 5.0) -> bool:
        """See that what was deleted is gone from the database's own files, as far as that is in
        this program's hands; false while another process is in the way."""

    @abstractmethod
    def advisory_lock(self, name: str, *, wait: bool = True) -> AbstractContextManager[bool]:
        """Hold a lock by name, among all processes that write, while the block runs. False where
        it is held elsewhere and ``wait`` is off."""

    @abstractmethod
    def _reader(self) -> Connection: ...

    @abstractmethod
    def _writer(self) -> Connection: ...

    @abstractmethod
    def _translate_error(self, error: Exception) -> Exception: ...

    @abstractmethod
    def _migration_transaction(self) -> AbstractContextManager[Connection]:
        """A connection in a transaction in which tables may be made anew."""

    def translate_driver_error(self, error: DBAPIError) -> Exception:
        """Our error for one that the driver raised."""
        return self._translate_error(error.orig if isinstance(error.orig, Exception) else error)

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self.translate_driver_error(error) from error
        except PoolTimeout as error:
            raise StoreError(
                "store_unreachable",
                f"All connections to {self.name} are in use.",
                subject=self.name,
            ) from error

    def migrate(self, tables: MetaData) -> None:
        """Bring the tables up to date; a no-op (and no Alembic import) when they are. ``tables``
        are what migrations lead to: a new data directory gets them at once.

        Raises:
            StoreError: ``schema_too_new`` where the tables are from a newer program.
        """
        found = self.revision()
        if found == HEAD:
            return
        self.require_known_revision(found)
        if found is None and not self.shared:
            with self._translated_errors(), self._migration_transaction() as connection:
                if not inspect(connection).has_table(_VERSION.name):
                    tables.create_all(connection)
                    _VERSION.create(connection)
                    connection.execute(_VERSION.insert().values(version_num=HEAD))
            return
        from alembic.command import upgrade
        from alembic.config import Config

        config = Config()
        folder = Path(__file__).parent.with_name("migrations")
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        with self._translated_errors(), self._migration_transaction() as connection:
            config.attributes["connection"] = connection
            upgrade(config, "head")

    def ping(self) -> None:
        """Read one row.

        Raises:
            StoreError: the database does not answer.
        """
        with self.read_transaction() as connection:
            connection.execute(select(_VERSION)).first()

    def require_known_revision(self, revision: str | None) -> None:
        """Refuse the tables of a newer program."""
        if revision is not None and revision > HEAD:
            raise StoreError(
                "schema_too_new",
                f"{self.name} holds tables of a newer Videlicet (revision {revision}; this program "
                f"knows up to {HEAD}).",
                subject=self.name,
                details={"revision": revision, "known": HEAD},
            )

    def revision(self) -> str | None:
        """The migration the tables stand at, ``None`` in an empty database."""
        with self.read_transaction() as connection:
            if not inspect(connection).has_table(_VERSION.name):
                return None
            found = connection.execute(select(_VERSION.c.version_num)).scalar()
            return None if found is None else str(found)

    @abstractmethod
    def close(self) -> None:
        """Close the connections that nobody uses; the others are closed as they are let go."""
