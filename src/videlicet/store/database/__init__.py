"""The SQL database behind a store: a SQLite file by default, PostgreSQL where many machines share
it."""

from videlicet.store.database.base import HEAD, Database, open_database

__all__ = ["HEAD", "Database", "open_database"]
