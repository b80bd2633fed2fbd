"""Check a data directory and say how to fix it."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import func, select

from videlicet.errors import Conflict, StoreError
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.settings import Settings
from videlicet.store.catalog.owners import RESOURCE_FOLDERS
from videlicet.store.catalog.schema import (
    assets,
    erasures,
    memberships_table,
    observations,
    resources,
    text_chunks,
    text_rows,
    text_spaces,
    vector_chunks,
    vector_spaces,
    videos,
)
from videlicet.store.database.sqlite import SqliteDatabase
from videlicet.store.home import FORMAT, Home, write_atomically
from videlicet.store.records import RUN_FIX, Finding, Level
from videlicet.store.store import Store, open_store
from videlicet.store.vectors.maintenance import ANN
from videlicet.store.vectors.vector_store import CheckedVectorStore
from videlicet.store.vectors.vectors import Vectors
from videlicet.types import VideoStatus

_RESTORE = "Restore the data directory from a copy, or add the videos again to a new one."
_AGAIN = "Run the command that added it again; finished work is kept."


def doctor(settings: Settings, *, fix: bool = False) -> list[Finding]:
    """What is wrong with the data directory ``settings.home``; nothing found means it is sound.

    With ``fix`` whatever can be fixed without losing anything is fixed, which needs the right
    to write. Weights are not looked at.
    """
    if settings.database_url:
        return _examine_store(settings, fix, [])
    home = Home(settings.home)
    if not home.database.exists():
        return [
            Finding(
                Level.INFO, str(home.root), "There is no library here yet.",
                "Add a video, or name another data directory with --home.",
            )
        ]  # fmt: skip
    found: list[Finding] = []
    if not home.format_file.exists():
        found.append(
            Finding(
                Level.ERROR,
                home.format_file.name,
                "The format mark is missing.",
                RUN_FIX,
                fixed=fix,
            )
        )
        if not fix:
            return found
        write_atomically(home.format_file, json.dumps({"format": FORMAT}).encode() + b"\n")
    try:
        damage = _find_corruption(home)
    except StoreError as error:
        return [*found, _finding_of_error(error, settings)]
    return [*found, *damage] if damage else _examine_store(settings, fix, found)


def _examine_store(settings: Settings, fix: bool, found: list[Finding]) -> list[Finding]:
    try:
        with open_store(settings, write=fix) as store:
            return [*found, *_Examination(store, fix).findings()]
    except (StoreError, Conflict) as error:
        return [*found, _finding_of_error(error, settings)]


def _finding_of_error(error: StoreError | Conflict, settings: Settings) -> Finding:
    level = Level.ERROR if isinstance(error, StoreError) else Level.WARNING
    return Finding(level, error.subject or str(settings.home), error.message, error.remedy)


def _find_corruption(home: Home) -> list[Finding]:
    """Whether the database file itself is whole."""
    database = SqliteDatabase(home.database, home.root)
    try:
        with database.driver_connection() as connection:
            lines = [row[0] for row in connection.execute("PRAGMA integrity_check(20)")]
            lines = [] if lines == ["ok"] else lines
            lines += [
                f"table {row[0]}, row {row[1]} points to a missing row of {row[2]}"
                for row in connection.execute("PRAGMA foreign_key_check").fetchmany(20)
            ]
    finally:
        database.close()
    return [Finding(Level.ERROR, home.database.name, line, _RESTORE) for line in lines]


class _Examination:
    """One look at an open store."""

    def __init__(self, store: Store, fix: bool) -> None:
        self._store = store
        self._fix = fix
        self._database = store.database
        self._scope = store.scope(Grant("doctor", Purpose.MANAGE, EVERY_TENANT))

    def findings(self) -> list[Finding]:
        return [
            *self._check_modes(),
            *self._check_erasures(),
            *self._check_word_lists(),
            *self._check_blobs(),
            *self._check_assets(),
            *self._check_vectors(),
        ]

    def _check_modes(self) -> Iterator[Finding]:
        """Whether every user of this machine can read what is stored."""
        home = self._store.home
        mode = home.root.stat().st_mode
        if not mode & stat.S_IXOTH or not home.database.exists():
            return
        if not home.database.stat().st_mode & stat.S_IROTH:
            return
        if self._fix:
            # Who cannot enter the directory reads nothing in it.
            home.root.chmod(stat.S_IMODE(mode) & ~stat.S_IRWXO)
        yield Finding(
            Level.WARNING, str(home.root), "Every user of this machine can read what is stored.",
            f"{RUN_FIX[:-1]}, or `chmod o= {home.root}`.", fixed=self._fix,
        )  # fmt: skip

    def _check_erasures(self) -> Iterator[Finding]:
        with self._database.read_transaction() as connection:
            pending = connection.execute(select(func.count()).select_from(erasures)).scalar()
        if pending:
            # Opening for writing has already tried.
            yield Finding(
                Level.WARNING, "erasures",
                f"{pending} erased assets may still have bytes on disk, "
                "because the program was stopped or another one was reading.",
                "Close other programs that use the library, then run `videlicet doctor --fix`.",
            )  # fmt: skip

    def _check_word_lists(self) -> Iterator[Finding]:
        if not isinstance(self._database, SqliteDatabase):
            return  # each machine's word lists are derived, and made again where they are gone
        with self._database.read_transaction() as connection:
            keys = list(connection.execute(select(text_spaces.c.key)).scalars())
        for key in keys:
            for table in (f"text_words_{key}", f"text_grams_{key}"):
                if _is_consistent(self._database, table):
                    continue
                if self._fix:
                    with self._database.write_transaction() as connection:
                        connection.exec_driver_sql(
                            f"INSERT INTO {table} ({table}) VALUES ('rebuild')"
                        )
                yield Finding(
                    Level.ERROR, table, "The word list disagrees with the text.", RUN_FIX,
                    fixed=self._fix,
                )  # fmt: skip

    def _check_blobs(self) -> Iterator[Finding]:
        with self._database.read_transaction() as connection:
            rows = connection.execute(select(assets)).all()
            known = {row.id for row in rows}
            pairs = {
                f"{row.index_id}/{name}"
                for row in connection.execute(
                    select(
                        memberships_table.c.index_id, memberships_table.c.asset_id, videos.c.id
                    ).outerjoin(videos, videos.c.slot == memberships_table.c.key)
                )
                # Of a video that was made before assets had tables, blobs are under its name.
                for name in (row.asset_id, row.id)
            }
            owners = {
                f"{row.kind}/{row.id}"
                for row in connection.execute(
                    select(resources.c.kind, resources.c.id).where(
                        resources.c.kind.in_([kind.value for kind in RESOURCE_FOLDERS.values()])
                    )
                )
            }
            owners |= set(
                connection.execute(
                    select(vector_chunks.c.blob).where(vector_chunks.c.blob.is_not(None))
                ).scalars()
            )
            owners |= {
                f"{ANN}/{row.ann_index['generation']}"
                for row in connection.execute(select(vector_spaces)).all()
                if row.ann_index
            }
        keys = set(self._store.blobs.list(self._scope))
        for row in rows:
            if row.blob is not None and row.blob not in keys:
                yield Finding(
                    Level.ERROR, row.name, "Its stored original is gone.", "Add the file again."
                )
            elif row.blob is None and row.method == "path" and not Path(row.source).is_file():
                yield Finding(
                    Level.WARNING, row.name,
                    f"Its original is no longer at {row.source!r}: it is found, but not shown.",
                    "Put the file back, or add it again from where it is now.",
                )  # fmt: skip
        used = {row.blob for row in rows}
        stray = sorted(key for key in keys - used if not _has_owner(key, known, pairs, owners))
        stray_files = self._store._backend.find_stray_files()
        if stray or stray_files:
            if self._fix:
                self._store.blobs.delete(self._scope, *stray)
                for path in stray_files:
                    path.unlink()
            yield Finding(
                Level.WARNING, "blobs",
                f"{len(stray) + len(stray_files)} files belong to no asset.", RUN_FIX,
                fixed=self._fix,
            )  # fmt: skip

    def _check_assets(self) -> Iterator[Finding]:
        with self._database.read_transaction() as connection:
            unfinished = connection.execute(
                select(
                    memberships_table.c.key,
                    memberships_table.c.index_id,
                    memberships_table.c.asset_id,
                    videos.c.status,
                    assets.c.name,
                )
                .outerjoin(videos, videos.c.slot == memberships_table.c.key)
                .outerjoin(assets, assets.c.id == memberships_table.c.asset_id)
                .order_by(memberships_table.c.key)
            ).all()
            filled = {
                name: set(connection.execute(select(table.c.slot).distinct()).scalars())
                for name, table in (
                    ("observations", observations),
                    ("text", text_chunks if self._database.shared else text_rows),
                    ("vectors", vector_chunks),
                )
                if table is not vector_chunks or isinstance(self._store.vectors, Vectors)
            }
            needs_text = set(
                connection.execute(
                    select(observations.c.slot)
                    .where(observations.c.modality.in_(("speech", "text")))
                    .distinct()
                ).scalars()
            )
        for row in unfinished:
            subject = row.name or row.asset_id
            if row.status is None:
                if self._fix:
                    scope = self._store.scope(self._scope, row.index_id)
                    self._store.remove_video(scope, row.asset_id)
                yield Finding(
                    Level.WARNING, subject, "Parts of it were stored, but it was never finished.",
                    f"{_AGAIN} Or run `videlicet doctor --fix` to take the parts away.",
                    fixed=self._fix,
                )  # fmt: skip
            elif row.status == VideoStatus.READY.value:
                missing = [
                    name
                    for name, keys in filled.items()
                    if row.key not in keys and (name != "text" or row.key in needs_text)
                ]
                if missing:
                    yield Finding(
                        Level.ERROR, subject, f"It is ready, but without {' and '.join(missing)}.",
                        "Remove it and add it again.",
                    )  # fmt: skip
            elif row.status != VideoStatus.FAILED.value:
                yield Finding(
                    Level.INFO,
                    subject,
                    f"It is {row.status}; it is found once it is ready.",
                    _AGAIN,
                )

    def _check_vectors(self) -> Iterator[Finding]:
        vectors = self._store.vectors
        if isinstance(vectors, CheckedVectorStore):
            yield from vectors.check(self._fix)


def _is_consistent(database: SqliteDatabase, table: str) -> bool:
    """FTS5's own check against the text. It is a write by form, so a copy in a transaction that is
    taken back does where nothing may be changed."""
    with database.driver_connection() as connection:
        # It waits for whoever writes. A transaction that began by reading the table would be
        # refused as soon as another one wrote in between.
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")
        except sqlite3.DatabaseError as error:
            if (error.sqlite_errorcode & 0xFF) != sqlite3.SQLITE_CORRUPT:
                raise
            return False
        finally:
            connection.execute("ROLLBACK")
    return True


def _has_owner(key: str, known: set[str], pairs: set[str], owners: set[str]) -> bool:
    parts = key.split("/")
    match parts:
        case ["assets" | "files", asset_id, _, *_]:
            return asset_id in known
        case ["indexes", _, _, "vectors", *_]:
            return key in owners
        case [folder, generation, _] if folder == ANN:
            return f"{ANN}/{generation}" in owners
        case ["indexes", index_id, asset_id, _, *_]:
            return f"{index_id}/{asset_id}" in pairs
        case [folder, id, _, *_] if folder in RESOURCE_FOLDERS:
            return f"{RESOURCE_FOLDERS[folder]}/{id}" in owners
    return False
