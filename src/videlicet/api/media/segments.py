"""Video segments that were cut once are kept on disk, up to so many bytes: those that were not
asked for the longest go first, and those of an asset go with it."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from videlicet.api.errors import ApiError, not_found
from videlicet.errors import VidelicetError
from videlicet.settings import cores
from videlicet.store.home import translated_errors

#: Seconds to wait for others' segments to be cut.
_WAIT_S = 20.0
_LOCKS = 64


class SegmentCache:
    """One per server process; its methods may be called from any thread.

    ``exists`` tells whether there still is an asset: what was cut meanwhile is not kept.
    """

    def __init__(self, folder: Path, most: int, exists: Callable[[str], bool]) -> None:
        self._folder = folder
        self._max_bytes = most
        self._exists = exists
        self._lock = threading.Lock()
        self._sizes: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._total = 0
        #: Only one at a time cuts the same segment, and no more at once than there are cores.
        self._key_locks = [threading.Lock() for _ in range(_LOCKS)]
        self._slots = threading.BoundedSemaphore(cores())

    def load(self) -> None:
        """Take up what the process before has kept, but for what is half done or nobody's."""
        if not self._folder.is_dir():
            return
        found = []
        for folder in self._folder.iterdir():
            if not self._exists(folder.name):
                shutil.rmtree(folder)
                continue
            for path in folder.iterdir():
                if path.suffix == ".part":
                    path.unlink()
                else:
                    facts = path.stat()
                    found.append((facts.st_mtime, folder.name, path.name, facts.st_size))
        with self._lock:
            for _, asset_id, name, size in sorted(found):
                self._sizes[asset_id, name] = size
                self._total += size
            self._evict()

    def open(self, asset_id: str, name: str, make: Callable[[Path], None]) -> BinaryIO:
        """A segment, open for reading; ``make`` writes it to a path where it is not kept.

        Raises:
            ApiError: ``too_many_requests``, where too many are waiting to be cut.
        """
        key = (asset_id, name)
        with self._key_locks[hash(key) % _LOCKS]:
            kept = self._open_cached(key)
            if kept is not None:
                return kept
            if not self._slots.acquire(timeout=_WAIT_S):
                raise ApiError(
                    429, "too_many_requests", "Too many videos are being played at once.",
                    headers={"retry-after": "5"},
                )  # fmt: skip
            try:
                return self._create(key, make)
            finally:
                self._slots.release()

    def discard(self, asset_id: str) -> None:
        """Erase what is kept of an asset. Nothing more is kept once it is gone from the catalog."""
        with self._lock:
            for key in [key for key in self._sizes if key[0] == asset_id]:
                self._total -= self._sizes.pop(key)
            shutil.rmtree(self._folder / asset_id, ignore_errors=True)

    def _open_cached(self, key: tuple[str, str]) -> BinaryIO | None:
        with self._lock:
            if key not in self._sizes:
                return None
            path = self._path(key)
            try:
                file = path.open("rb")
            except FileNotFoundError:
                self._total -= self._sizes.pop(key)
                return None
            # The time of change is the order after a restart.
            path.touch()
            self._sizes.move_to_end(key)
            return file

    def _create(self, key: tuple[str, str], make: Callable[[Path], None]) -> BinaryIO:
        path = self._path(key)
        part = path.with_name(f"{secrets.token_hex(8)}.part")
        with self._lock, translated_errors(self._folder):
            # With the file at once: empty folders are taken away.
            path.parent.mkdir(parents=True, exist_ok=True)
            part.touch()
        try:
            make(part)
            file = part.open("rb")
            with self._lock:
                if self._max_bytes and self._exists(key[0]):
                    part.replace(path)
                    self._sizes[key] = path.stat().st_size
                    self._total += self._sizes[key]
                    self._evict()
            return file
        except VidelicetError:
            if not self._exists(key[0]):
                raise not_found("asset", key[0]) from None
            raise
        finally:
            with self._lock:
                part.unlink(missing_ok=True)
                self._remove_empty_folder(key[0])

    def _evict(self) -> None:
        while self._total > self._max_bytes:
            key, size = self._sizes.popitem(last=False)
            self._total -= size
            self._path(key).unlink(missing_ok=True)
            self._remove_empty_folder(key[0])

    def _remove_empty_folder(self, asset_id: str) -> None:
        folder = self._folder / asset_id
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

    def _path(self, key: tuple[str, str]) -> Path:
        return self._folder / key[0] / key[1]
