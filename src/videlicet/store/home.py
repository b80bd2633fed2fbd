"""The data directory: its layout, its format version, its one writer, and its failures."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from videlicet.errors import Conflict, StoreError, VidelicetError

#: Version of the layout described here. Raise it only when older programs must keep out.
FORMAT = 1

_FORMAT_FILE = "videlicet.json"


class Home:
    """Paths inside one data directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.format_file = root / _FORMAT_FILE
        self.lock = root / "writer.lock"
        self.database = root / "library.sqlite"
        self.ann = root / "ann"
        self.blobs = root / "blobs"
        #: What a server keeps of videos, by asset; derived, and gone with the asset.
        self.cache = root / "cache"

    def require_readable(self) -> None:
        """Refuse a directory that is not a data directory, or a newer program's.

        Raises:
            StoreError: ``store_not_found``, ``store_not_writable``, ``schema_too_new`` or
                ``database_corrupt``.
        """
        try:
            text = self.format_file.read_text("utf-8")
        except NotADirectoryError as error:
            raise self._file_in_the_way() from error
        except FileNotFoundError:
            if self.database.exists():
                raise StoreError(
                    "database_corrupt",
                    f"{self.root} has lost its format mark {_FORMAT_FILE}.",
                    subject=str(self.root),
                    remedy="Restore the file from a copy, or run `videlicet doctor --fix`.",
                ) from None
            raise StoreError(
                "store_not_found", f"There is no library in {self.root}.", subject=str(self.root)
            ) from None
        except PermissionError as error:
            raise StoreError(
                "store_not_writable", f"{self.root} cannot be read.", subject=str(self.root)
            ) from error
        try:
            version = json.loads(text)["format"]
            if type(version) is not int:
                raise TypeError(f"format is {version!r}")
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                "database_corrupt",
                f"The format mark of {self.root} cannot be read: {error}.",
                subject=str(self.format_file),
            ) from error
        if version > FORMAT:
            raise StoreError(
                "schema_too_new",
                f"{self.root} was written by a newer Videlicet (format {version}; this program "
                f"knows up to {FORMAT}).",
                subject=str(self.root),
                details={"format": version, "known": FORMAT},
            )

    def create(self) -> None:
        """Make an empty data directory that only its owner can enter, or leave one that exists as
        it is."""
        with translated_errors(self.root):
            try:
                self.root.mkdir(0o700, parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError) as error:
                raise self._file_in_the_way() from error
            if not self.format_file.exists() and not self.database.exists():
                write_atomically(self.format_file, json.dumps({"format": FORMAT}).encode() + b"\n")

    def _file_in_the_way(self) -> StoreError:
        return StoreError(
            "store_not_writable",
            f"{self.root} cannot be a folder: there is a file of that name.",
            subject=str(self.root),
            remedy="Name another data directory with --home.",
        )

    def create_missing_folders(self) -> None:
        """Make folders that are missing: one holds only what can be derived, one may be empty."""
        with translated_errors(self.root):
            # Up to migration 0009 the ANN indexes were there; they are built anew.
            if (before := self.root / "sketches").is_dir():
                shutil.rmtree(before)
            for folder in (self.ann, self.blobs):
                folder.mkdir(exist_ok=True)


class WriterLock:
    """The right to write, held by one process at a time and let go by the kernel if it dies.

    ``inherited`` is the descriptor of a lock that the parent process took and shares with this
    one: the directory is let go when both have closed it.
    """

    def __init__(self, home: Home, inherited: int | None = None) -> None:
        self._shared = inherited is not None
        if inherited is not None:
            self._file = inherited
            return
        try:
            self._file = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError as error:
            raise StoreError(
                "store_not_writable", f"{home.root} cannot be written.", subject=str(home.root)
            ) from error
        except OSError as error:
            raise translate_error(error, home.root) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise Conflict(
                "database_locked",
                f"Process {holder} is writing to {home.root}.",
                subject=str(home.root),
                details={"pid": int(holder) if holder.isdigit() else None},
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def fileno(self) -> int:
        """The descriptor to hand to a child process that is to write on this one's behalf."""
        return self._file

    def release(self) -> None:
        if self._file >= 0:
            if not self._shared:
                os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a small file so that a reader or a crash sees the old bytes or the new, whole."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames inside ``folder`` survive a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def translated_errors(root: Path) -> Iterator[None]:
    """Turn failures of disk and database into our own errors; other errors pass untouched."""
    try:
        yield
    except VidelicetError:
        raise
    except (OSError, sqlite3.Error) as error:
        raise translate_error(error, root) from error


def translate_error(error: OSError | sqlite3.Error, root: Path) -> VidelicetError | OSError:
    """Our error for a failure of disk or database under ``root``."""
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return StoreError("disk_full", f"No space left for {root}.", subject=str(root))
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return StoreError(
                "store_not_writable", f"{root} cannot be written: {error}.", subject=str(root)
            )
        return error
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF
    # SQLite calls only ENOSPC "full"; a quota or a file size limit comes as a failed write.
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_WRITE:
        return StoreError("disk_full", f"No space left for {root}.", subject=str(root))
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Conflict(
            "database_locked",
            f"Another process keeps the library in {root} busy.",
            subject=str(root),
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return StoreError("store_not_writable", f"{root} cannot be written.", subject=str(root))
    damaged = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return StoreError(
        "database_corrupt" if damaged else "database_error",
        f"The library in {root}: {error}.",
        subject=str(root),
    )
