"""Blobs in a folder of the data directory."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import StoreError
from videlicet.store.blobs.base import KEY, BlobBackend, blob_not_found, require_key
from videlicet.store.home import Home, sync_folder, translated_errors

if TYPE_CHECKING:
    from obstore.store import LocalStore


class FolderBlobs(BlobBackend):
    """Every blob is a file whose path is its key."""

    remote = False

    def __init__(self, home: Home, *, writable: bool) -> None:
        super().__init__(home, writable=writable)
        self._opened: LocalStore | None = None

    @property
    def _store(self) -> LocalStore:
        if self._opened is None:
            from obstore.store import LocalStore

            self._opened = LocalStore(self._home.blobs, mkdir=True)
        return self._opened

    def _put(self, key: str, data: bytes | Path) -> None:
        from obstore.exceptions import BaseError

        with translated_errors(self._home.root):
            # obstore reports a full disk as a plain error; ask before a large copy instead.
            size = data.stat().st_size if isinstance(data, Path) else len(data)
            _require_room(size, self._home.root)
            path = self._home.blobs / key
            try:
                self._store.put(key, data)
            except BaseError as error:
                for leftover in path.parent.glob(path.name + "#*"):
                    leftover.unlink()
                raise _cause(error) from error
            _sync(path)
            sync_folder(path.parent)

    def _move_in(self, key: str, file: Path) -> None:
        path = self._home.blobs / key
        with translated_errors(self._home.root):
            path.parent.mkdir(parents=True, exist_ok=True)
            _sync(file)
            file.replace(path)
            sync_folder(path.parent)

    def _get(self, key: str) -> bytes:
        return self._path(key).read_bytes()

    def _path(self, key: str) -> Path:
        path = self._home.blobs / key
        if not path.is_file():
            raise blob_not_found(key)
        return path

    def _exists(self, key: str) -> bool:
        return (self._home.blobs / key).is_file()

    def erase(self, keys: Sequence[str]) -> None:
        with translated_errors(self._home.root):
            for key in keys:
                wanted = self._files(key) if key.endswith("/") else [self._home.blobs / key]
                for path in wanted:
                    path.unlink(missing_ok=True)
                    folder = path.parent
                    while (
                        folder != self._home.blobs and folder.is_dir() and not any(folder.iterdir())
                    ):
                        folder.rmdir()
                        folder = folder.parent

    def evict_stale_copies(self) -> None:
        pass

    def find_stray_files(self) -> Sequence[Path]:
        return [path for path in self._files("") if not KEY.fullmatch(self._name(path))]

    def _keys(self, prefix: str) -> Iterator[str]:
        return (self._name(path) for path in self._files(prefix))

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self._home.blobs))

    def _files(self, prefix: str) -> Sequence[Path]:
        start = self._home.blobs
        if prefix:
            start = start / require_key(prefix.removesuffix("/"))
        return sorted(p for p in start.rglob("*") if p.is_file() and not p.is_symlink())


def _cause(error: Exception) -> OSError:
    """The system's error inside obstore's, which it reports only in words."""
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
