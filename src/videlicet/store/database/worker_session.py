"""A connection to a shared database that is kept for as long as a process works.

What a process holds by name through its session is let go when the session ends, however that
comes about. So a process whose session is gone has to behave as if it were gone itself.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from videlicet.errors import StoreError
from videlicet.store.database.base import Database
from videlicet.store.database.postgres import OPTIONS, PostgresDatabase, lock_key

_CHANNEL = "videlicet_work"
#: Milliseconds after which a connection counts as lost that the server does not confirm: less than
#: the server needs to find out by itself, so that the holder of a lock knows first.
_UNCONFIRMED = 5_000


class WorkerSession:
    """Locks by name, and calls from other processes. Safe to use from several threads.

    ``heard`` is called, in the thread that makes :meth:`check_alive`, when :func:`call` was.

    Raises:
        StoreError: ``store_unreachable``, here and from every method.
    """

    def __init__(self, database: PostgresDatabase, heard: Callable[[], None]) -> None:
        self._name = database.name
        address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with self._translated():
            self._connection = psycopg.connect(
                address, autocommit=True, options=OPTIONS, connect_timeout=10,
                tcp_user_timeout=_UNCONFIRMED,
            )  # fmt: skip
            self._connection.add_notify_handler(lambda _: heard())
            self._connection.execute(f"LISTEN {_CHANNEL}")
        self._wake_reader, self._wake_writer = os.pipe()
        self._poll = select.poll()
        self._poll.register(self._connection.fileno(), select.POLLIN)
        self._poll.register(self._wake_reader, select.POLLIN)

    def wait(self, seconds: float) -> None:
        """Wait until the server has sent something (a call, or that the session has ended), at
        most so long. To be used by one thread, until :meth:`interrupt`."""
        self._poll.poll(seconds * 1000)

    def interrupt(self) -> None:
        """End :meth:`wait`, now and from now on."""
        os.write(self._wake_writer, b"x")

    def check_alive(self) -> None:
        """Have the server confirm that the session is alive; calls that have come are heard."""
        with self._translated():
            self._connection.execute("SELECT 1")

    def try_lock(self, name: str) -> bool:
        """Take a lock by name unless another session holds it."""
        return self._ask("pg_try_advisory_lock", name)

    def release(self, name: str) -> None:
        """Let a lock go."""
        self._ask("pg_advisory_unlock", name)

    def close(self) -> None:
        """End the session; everything it holds is let go."""
        self._connection.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def _ask(self, function: str, name: str) -> bool:
        with self._translated():
            row = self._connection.execute(f"SELECT {function}(%s)", [lock_key(name)]).fetchone()
        return bool(row and row[0])

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise StoreError(
                "store_unreachable", f"Cannot connect to {self._name}.", subject=self._name
            ) from error


def notify_workers(database: Database) -> None:
    """Tell all sessions on a shared database that there is something to do. On any other it does
    nothing."""
    if isinstance(database, PostgresDatabase):
        database.notify(_CHANNEL)
