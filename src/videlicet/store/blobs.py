"""Bytes by key: thumbnails, and originals where the user asked for a copy.

Keys are paths of plain names. What belongs to an asset lives under ``assets/<asset id>/`` (gone
with the asset) or ``indexes/<index id>/<asset id>/`` (gone with its place in that index).
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import InvalidInput, NotFound, StoreError
from videlicet.rights import Grant, authorize
from videlicet.store.home import Home, sync_folder, translated
from videlicet.store.records import MANAGING, READING, WRITING

if TYPE_CHECKING:
    from obstore.store import LocalStore

_KEY = re.compile(r"[\w-][\w.-]{0,127}(/[\w-][\w.-]{0,127}){0,7}", re.ASCII)


class Blobs:
    """Reads and writes of the blobs of one store."""

    def __init__(self, home: Home, *, writable: bool) -> None:
        self._home = home
        self._writable = writable
        self._opened: LocalStore | None = None

    @property
    def _store(self) -> LocalStore:
        if self._opened is None:
            from obstore.store import LocalStore

            self._opened = LocalStore(self._home.blobs, mkdir=True)
        return self._opened

    def put(self, grant: Grant, key: str, data: bytes | Path) -> None:
        """Store bytes, or the bytes of a file, under ``key``: whole or not at all.

        Raises:
            StoreError: ``disk_full``; what was under the key before stays.
        """
        from obstore.exceptions import BaseError

        authorize(grant, WRITING, "blobs")
        self._change(key)
        with translated(self._home.root):
            if isinstance(data, Path):
                # obstore reports a full disk as a plain error; ask before a large copy instead.
                _require_room(data.stat().st_size, self._home.root)
            else:
                _require_room(len(data), self._home.root)
            path = self._home.blobs / key
            try:
                self._store.put(key, data)
            except BaseError as error:
                for leftover in path.parent.glob(path.name + "#*"):
                    leftover.unlink()
                raise _cause(error) from error
            _sync(path)
            sync_folder(path.parent)

    def move_in(self, grant: Grant, key: str, file: Path) -> None:
        """Make a file of the data directory's own disk a blob without copying it."""
        authorize(grant, WRITING, "blobs")
        self._change(key)
        path = self._home.blobs / key
        with translated(self._home.root):
            path.parent.mkdir(parents=True, exist_ok=True)
            _sync(file)
            file.replace(path)
            sync_folder(path.parent)

    def get(self, grant: Grant, key: str) -> bytes:
        """The bytes under ``key``.

        Raises:
            NotFound: ``blob_not_found``.
        """
        return self.path(grant, key).read_bytes()

    def path(self, grant: Grant, key: str) -> Path:
        """A file that holds the bytes under ``key``; it must not be changed.

        Raises:
            NotFound: ``blob_not_found``.
        """
        authorize(grant, READING, "blobs")
        path = self._home.blobs / _checked(key)
        if not path.is_file():
            raise NotFound("blob_not_found", f"There is no blob {key!r}.", subject=key)
        return path

    def exists(self, grant: Grant, key: str) -> bool:
        authorize(grant, READING, "blobs")
        return (self._home.blobs / _checked(key)).is_file()

    def list(self, grant: Grant, prefix: str = "") -> Sequence[str]:
        """Keys under a folder (``prefix`` ends in ``/``), or all of them, in order."""
        authorize(grant, READING, "blobs")
        return self._keys(prefix)

    def delete(self, grant: Grant, *keys: str) -> None:
        """Take blobs away; unknown keys are fine, and a key ending in ``/`` means all under it."""
        authorize(grant, MANAGING, "blobs")
        for key in keys:
            self._change(key.removesuffix("/"))
        with translated(self._home.root):
            self.erase(keys)

    def erase(self, keys: Sequence[str]) -> None:
        """Delete without asking: the last step of an erasure that was granted before."""
        for key in keys:
            wanted = self._files(key) if key.endswith("/") else [self._home.blobs / key]
            for path in wanted:
                path.unlink(missing_ok=True)
                folder = path.parent
                while folder != self._home.blobs and folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
                    folder = folder.parent

    def leftovers(self) -> Sequence[Path]:
        """Files that are no blobs: what a put that was killed leaves behind."""
        return [path for path in self._files("") if not _KEY.fullmatch(self._name(path))]

    def _keys(self, prefix: str) -> Sequence[str]:
        names = (self._name(path) for path in self._files(prefix))
        return [name for name in names if _KEY.fullmatch(name)]

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._home.blobs))

    def _files(self, prefix: str) -> Sequence[Path]:
        start = self._home.blobs
        if prefix:
            start = start / _checked(prefix.removesuffix("/"))
        return sorted(p for p in start.rglob("*") if p.is_file() and not p.is_symlink())

    def _change(self, key: str) -> None:
        _checked(key)
        if not self._writable:
            raise StoreError(
                "store_not_writable",
                "The library was opened for reading only.",
                subject=str(self._home.root),
                remedy="Open it with write=True.",
            )


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise InvalidInput("invalid_argument", f"{key!r} is not a blob key.", subject=key)
    return key


def _cause(error: Exception) -> OSError:
    """The system's error inside obstore's, which is told only in words."""
    found = re.search(r"code: (\d+)", str(error))
    return OSError(int(found[1]) if found else errno.EIO, str(error).splitlines()[0])


def _require_room(size: int, root: Path) -> None:
    room = os.statvfs(root)
    if size > room.f_bavail * room.f_frsize:
        raise StoreError("disk_full", f"No space left for {root}.", subject=str(root))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
