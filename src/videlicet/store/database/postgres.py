"""PostgreSQL, for any number of processes on any number of machines.

Reading transactions see one snapshot (REPEATABLE READ). Writing ones take turns by an advisory
lock, as they do in SQLite, so that the same code is right on both; they are short. A lock by name
(:meth:`PostgresDatabase.advisory_lock`) belongs to a connection: the server lets it go when the
process that held it is gone, however it ended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from videlicet.errors import Conflict, InvalidInput, StoreError
from videlicet.store.database.base import Database

#: Connections kept, and how many more there may be, of one process. Transactions that write take
#: turns, so a few connections do for them, and those that wait for theirs leave the rest to
#: readers. A thread that looks at an older state may need a second one for the newest: were it
#: of the same pool, many such threads could wait for each other.
_READERS, _WRITERS, _FRESH_READERS = (8, 20), (1, 3), (1, 3)
#: Milliseconds after which a connection that does nothing loses its turn to write: its process may
#: be frozen, or its machine gone.
_IDLE_TIMEOUT_MS = 20_000
#: Milliseconds that a transaction waits for its turn.
_LOCK_TIMEOUT_MS = 30_000
#: A peer whose machine has gone is noticed after about half a minute.
_KEEPALIVES = {
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "connect_timeout": 10,
    "tcp_user_timeout": 30_000,
}  # fmt: skip
OPTIONS = (
    f"-c lock_timeout={_LOCK_TIMEOUT_MS} -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 "
    "-c tcp_keepalives_count=3"
)
_DRIVER = "postgresql+psycopg"
#: Classes of errors (SQLSTATE) that say that the server cannot be reached, or lets nobody in.
_UNREACHABLE = ("08", "28", "3D", "53300", "57P")
#: A table or an index whose pages cannot be read.
_DAMAGE = ("XX001", "XX002")


def lock_key(name: str) -> int:
    """The number of a named lock."""
    digest = hashlib.sha256(f"videlicet {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


_WRITING = lock_key("writing")


class PostgresDatabase(Database):
    """A PostgreSQL database and the connections of this process to it.

    Raises:
        InvalidInput: ``invalid_argument`` for an address that is none.
    """

    shared = True

    def __init__(self, address: str) -> None:
        super().__init__()
        try:
            url = make_url(address)
        except ArgumentError as error:
            raise _invalid_url() from error
        if url.get_backend_name() != "postgresql":
            raise _invalid_url()
        # Never with the password.
        self.name = f"the database {url.database} on {url.host or 'this machine'}"
        self.url = url.set(drivername=_DRIVER)
        self.engine = self.new_engine(*_READERS)
        self._newest = self.new_engine(*_FRESH_READERS)
        self._writers = self.new_engine(
            *_WRITERS, f"-c idle_in_transaction_session_timeout={_IDLE_TIMEOUT_MS}"
        )
        # Who holds a lock needs connections beside it: from one pool, many could wait for ever.
        self._locks = create_engine(
            self.url, poolclass=NullPool, connect_args={"options": OPTIONS, **_KEEPALIVES}
        )

        @event.listens_for(self._writers, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITING})")

    def new_engine(self, kept: int, more: int, options: str = "") -> Engine:
        """Connections of their own, for what keeps its tables beside ours."""
        return create_engine(
            self.url,
            pool_size=kept,
            max_overflow=more,
            pool_pre_ping=True,
            connect_args={"options": f"{OPTIONS} {options}", **_KEEPALIVES},
        )

    def close(self) -> None:
        for engine in (self.engine, self._newest, self._writers):
            engine.dispose()

    def checkpoint(self, timeout: float = 5.0) -> bool:
        """Nothing to do: when pages of what was deleted are used again, and how long the log is
        kept, is the server's affair (docs/operations.md)."""
        return True

    def notify(self, channel: str) -> None:
        """Notify whoever listens on a channel."""
        with self._translated_errors(), self.engine.connect() as connection:
            bare = connection.execution_options(isolation_level="AUTOCOMMIT")
            bare.exec_driver_sql(f"NOTIFY {channel}")

    @contextmanager
    def advisory_lock(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold a lock by name, among all processes on this database, while the block runs. False
        where it is held elsewhere and ``wait`` is off."""
        key = lock_key(name)
        with self._translated_errors(), self._locks.connect() as connection:
            bare = connection.execution_options(isolation_level="AUTOCOMMIT")
            if wait:
                # Waits as long as it takes; transactions have a timeout of their own.
                bare.exec_driver_sql("SET lock_timeout = 0")
                bare.exec_driver_sql(f"SELECT pg_advisory_lock({key})")
            elif not bare.exec_driver_sql(f"SELECT pg_try_advisory_lock({key})").scalar():
                yield False
                return
            yield True  # the lock ends with the connection

    def _reader(self) -> Connection:
        engine = self.engine if self.current_snapshot() is None else self._newest
        return engine.connect().execution_options(isolation_level="REPEATABLE READ")

    def _writer(self) -> Connection:
        return self._writers.connect().execution_options(isolation_level="READ COMMITTED")

    @contextmanager
    def _migration_transaction(self) -> Iterator[Connection]:
        # Two programs that start at once find one of them done.
        with self._writer() as connection, connection.begin():
            yield connection

    def _translate_error(self, error: Exception) -> Exception:
        state: str | None = getattr(error, "sqlstate", None)
        if state is None and isinstance(error, psycopg.DataError):
            # Raised before anything is sent: this database keeps no NUL characters in texts.
            return InvalidInput("invalid_argument", "Texts hold no NUL characters.")
        if state is None and type(error).__module__.partition(".")[0] != "psycopg":
            return error
        if state is None or state.startswith(_UNREACHABLE):
            return StoreError(
                "store_unreachable", f"Cannot connect to {self.name}.", subject=self.name
            )
        if state in ("53100", "54000"):
            return StoreError("disk_full", f"No space left for {self.name}.", subject=self.name)
        if state in ("55P03", "40001", "40P01"):
            return Conflict(
                "database_locked", f"Other processes keep {self.name} busy.", subject=self.name
            )
        if state == "25006":
            # As while another server of a cluster takes over.
            return StoreError(
                "store_unreachable", f"{self.name} takes no changes at present.", subject=self.name
            )
        if state == "42501":
            return StoreError(
                "store_not_writable", f"{self.name} cannot be written.", subject=self.name
            )
        return StoreError(
            "database_corrupt" if state in _DAMAGE else "database_error",
            f"{self.name}: {error}.",
            subject=self.name,
        )


def _invalid_url() -> InvalidInput:
    return InvalidInput(
        "invalid_argument",
        "The setting database_url is a URL such as postgresql://user@host/name.",
        subject="database_url",
    )
