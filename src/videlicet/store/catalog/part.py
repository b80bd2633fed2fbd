"""What every part of the store stands on: the database, and whether it may be changed."""

from __future__ import annotations

from contextlib import AbstractContextManager

from sqlalchemy import Connection

from videlicet.errors import StoreError
from videlicet.rights import OPEN, Policy
from videlicet.store.database import Database


class Part:
    """A part of one open store."""

    def __init__(self, database: Database, *, writable: bool, policy: Policy = OPEN) -> None:
        self._database = database
        self._writable = writable
        self._policy = policy

    def _reading(self) -> AbstractContextManager[Connection]:
        return self._database.reading()

    def _writing(self) -> AbstractContextManager[Connection]:
        self.require_writer()
        return self._database.writing()

    def require_writer(self) -> None:
        """Raise ``store_not_writable`` on a store that was opened for reading."""
        if not self._writable:
            raise StoreError(
                "store_not_writable",
                "The library was opened for reading only.",
                subject=self._database.name,
                remedy="Open it with write=True.",
            )
