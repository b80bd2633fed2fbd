"""The data directory: its format, its refusals, and its tables' migrations."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, inspect
from tests.store.samples import INGEST, SEARCH, add, check_whole

from videlicet.errors import Conflict, StoreError, VidelicetError
from videlicet.settings import Settings
from videlicet.store import Store, open_store
from videlicet.store.catalog.schema import metadata
from videlicet.store.database import HEAD
from videlicet.store.database.sqlite import SqliteDatabase
from videlicet.store.home import FORMAT, Home, translate_error, translated_errors, write_atomically

pytestmark = pytest.mark.embedded("a data directory's layout, lock and damage")


def _refusal(place: Settings, **how: bool) -> StoreError:
    with pytest.raises(StoreError) as refused:
        open_store(place, **how)
    return refused.value


@pytest.mark.parametrize("how", [{}, {"write": True}])
def test_a_missing_library_is_named(place: Settings, how: dict[str, bool]) -> None:
    assert _refusal(place, **how).code == "store_not_found"
    assert not place.home.exists()
    place.home.mkdir()
    assert _refusal(place, **how).code == "store_not_found"
    assert list(place.home.iterdir()) == []


def test_creating_twice_changes_nothing(place: Settings) -> None:
    with open_store(place, write=True, create=True) as store:
        index = store.catalog.create_index(store.scope(INGEST), "main", {})
    with open_store(place, write=True, create=True) as store:
        assert store.catalog.indexes(store.scope(SEARCH)) == [index]


def test_a_newer_format_is_refused_and_left_untouched(place: Settings, store: Store) -> None:
    store.close()
    mark = place.home / "videlicet.json"
    mark.write_text(json.dumps({"format": FORMAT + 1}))
    before = {p: p.read_bytes() for p in place.home.rglob("*") if p.is_file()}
    for how in ({}, {"write": True}, {"write": True, "create": True}):
        refused = _refusal(place, **how)
        assert refused.code == "schema_too_new"
        assert refused.details == {"format": FORMAT + 1, "known": FORMAT}
    assert {p: p.read_bytes() for p in place.home.rglob("*") if p.is_file()} == before


def test_newer_tables_are_refused(place: Settings, store: Store) -> None:
    store.close()
    connection = sqlite3.connect(place.home / "library.sqlite")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    assert _refusal(place).code == "schema_too_new"
    assert _refusal(place, write=True).code == "schema_too_new"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": "1"}', '{"format": true}'])
def test_a_mark_that_cannot_be_read_is_damage(place: Settings, store: Store, text: str) -> None:
    store.close()
    (place.home / "videlicet.json").write_text(text)
    assert _refusal(place).code == "database_corrupt"


def test_a_lost_mark_is_damage(place: Settings, store: Store) -> None:
    store.close()
    (place.home / "videlicet.json").unlink()
    assert _refusal(place, write=True, create=True).code == "database_corrupt"


def test_a_database_that_is_none_is_damage(place: Settings, store: Store) -> None:
    store.close()
    (place.home / "library.sqlite").write_bytes(b"not a database, but long enough" * 400)
    assert _refusal(place).code == "database_corrupt"
    assert _refusal(place, write=True).code == "database_corrupt"
    open_lock = _refusal(place, write=True)
    assert open_lock.code == "database_corrupt", "a failed opening lets go of the right to write"


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path, place: Settings) -> None:
    place.home.write_text("a file")
    assert _refusal(place).code == "store_not_writable"
    assert _refusal(place, write=True, create=True).code == "store_not_writable"


def test_tables_that_migrations_make_are_those_in_use(
    tmp_path: Path, place: Settings, store: Store
) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.command import upgrade
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    import videlicet.store.migrations as package

    folder = str(Path(package.__file__).parent)
    assert ScriptDirectory(folder).get_heads() == [HEAD]
    config = Config()
    config.set_main_option("script_location", folder)
    old = create_engine(f"sqlite:///{tmp_path / 'old.sqlite'}")
    with old.begin() as connection:
        config.attributes["connection"] = connection
        upgrade(config, "head")
    described = []
    for engine in (old, store.database.engine):
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": False})
            assert compare_metadata(context, metadata) == []
            assert context.get_current_revision() == HEAD
            described.append(_describe_tables(connection))
        engine.dispose()
    assert described[0] == described[1]


def _describe_tables(connection: Connection) -> dict[str, object]:
    """Columns, keys and indexes of each table, without the order of columns and the values that
    columns had to have in rows that were there before."""
    found = inspect(connection)
    named = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    statements = dict(named.all())  # type: ignore[arg-type]
    return {
        table: (
            {c["name"]: (str(c["type"]), c["nullable"]) for c in found.get_columns(table)},
            found.get_pk_constraint(table)["constrained_columns"],
            sorted(map(str, found.get_foreign_keys(table))),
            sorted(map(str, found.get_indexes(table))),
            sorted(str(u["column_names"]) for u in found.get_unique_constraints(table)),
            "AUTOINCREMENT" in statements[table],
        )
        for table in found.get_table_names()
    }


def test_an_up_to_date_library_opens_without_the_migration_machinery(
    place: Settings, store: Store
) -> None:
    store.close()
    code = (
        "import sys; from pathlib import Path; from videlicet.settings import Settings;"
        "from videlicet.store import open_store;"
        f"open_store(Settings(home=Path({str(place.home)!r}), weights=Path('w'))).close();"
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_importing_the_store_loads_no_database() -> None:
    code = (
        "import sys, videlicet.store as s; s.__all__;"
        "sys.exit(bool({'sqlalchemy', 'numpy', 'obstore'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_name_is_an_attribute_error() -> None:
    import videlicet.store as package

    with pytest.raises(AttributeError, match="nothing"):
        package.nothing  # noqa: B018
    assert all(getattr(package, name) for name in package.__all__)


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    index = store.catalog.create_index(store.scope(INGEST), "main", {})
    made = add(store, index, "video.mp4")

    def broken_off() -> None:
        with store.database.write_transaction() as connection:
            store.texts.delete_slot(connection, 1)
            store.vectors.delete_slot(connection, 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    check_whole(store, index, made)


def _sqlite(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("failed")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "full"), "disk_full"),
        (OSError(errno.EDQUOT, "quota"), "disk_full"),
        (OSError(errno.EROFS, "read only"), "store_not_writable"),
        (PermissionError(errno.EACCES, "no"), "store_not_writable"),
        (_sqlite(sqlite3.SQLITE_FULL), "disk_full"),
        (_sqlite(sqlite3.SQLITE_IOERR_WRITE), "disk_full"),
        (_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), "database_locked"),
        (_sqlite(sqlite3.SQLITE_READONLY), "store_not_writable"),
        (_sqlite(sqlite3.SQLITE_CORRUPT), "database_corrupt"),
        (_sqlite(sqlite3.SQLITE_NOTADB), "database_corrupt"),
        (_sqlite(sqlite3.SQLITE_CORRUPT_INDEX), "database_corrupt"),
        (_sqlite(sqlite3.SQLITE_INTERRUPT), "database_error"),
        (_sqlite(sqlite3.SQLITE_ERROR), "database_error"),
        (_sqlite(sqlite3.SQLITE_IOERR_READ), "database_error"),
        (sqlite3.DatabaseError("no code"), "database_error"),
    ],
)
def test_failures_of_disk_and_database_have_our_codes(
    tmp_path: Path, error: OSError | sqlite3.Error, code: str
) -> None:
    found = translate_error(error, tmp_path)
    assert isinstance(found, VidelicetError)
    assert found.code == code
    with pytest.raises(type(found)), translated_errors(tmp_path):
        raise error


def test_other_failures_pass_untouched(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), translated_errors(tmp_path):
        tmp_path.write_text("x")
    with pytest.raises(StoreError, match="ours"), translated_errors(tmp_path):
        raise StoreError("disk_full", "ours")


def test_a_replaced_file_is_old_or_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="full"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_that_may_not_be_written_is_named(
    place: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()
    real = os.open

    def refuse(path: object, flags: int, *rest: int) -> int:
        if str(path).endswith("writer.lock"):
            raise PermissionError(errno.EACCES, "no")
        return real(path, flags, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    assert _refusal(place, write=True).code == "store_not_writable"

    def full(path: object, flags: int, *rest: int) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "open", full)
    assert _refusal(place, write=True).code == "disk_full"


def test_a_database_kept_busy_is_said_to_be(place: Settings, store: Store) -> None:
    other = SqliteDatabase(Home(place.home).database, place.home)
    with other.driver_connection() as connection:
        connection.execute("PRAGMA busy_timeout = 0")
        with (
            store.database.write_transaction(),
            pytest.raises(Conflict),
            other._translated_errors(),
        ):
            connection.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_new_data_directory_is_for_its_owner(tmp_path: Path, place: Settings) -> None:
    before = os.umask(0o022)
    try:
        with open_store(place, write=True, create=True):
            assert stat.S_IMODE(place.home.stat().st_mode) == 0o700
    finally:
        os.umask(before)
