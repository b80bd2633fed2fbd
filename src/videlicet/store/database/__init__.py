"""The SQL database behind a store: a SQLite file by default, PostgreSQL where many machines share
it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.store.database.base import HEAD, Database

if TYPE_CHECKING:
    from videlicet.settings import Settings
    from videlicet.store.home import Home

__all__ = ["HEAD", "Database", "open_database"]


def open_database(settings: Settings, home: Home) -> Database:
    """The database that the settings name, not yet connected to."""
    if settings.database_url:
        from videlicet.store.database.postgres import PostgresDatabase

        return PostgresDatabase(settings.database_url)
    from videlicet.store.database.sqlite import SqliteDatabase

    return SqliteDatabase(home.database, home.root)
