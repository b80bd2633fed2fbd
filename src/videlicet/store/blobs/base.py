"""What every part of the store may expect of where its blobs are kept.

Keys are paths of plain names. What belongs to an asset lives under ``assets/<asset id>/`` (gone
with the asset) or ``indexes/<index id>/<asset id>/`` (gone with its place in that index).
"""

from __future__ import annotations

import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from videlicet.errors import InvalidInput, NotFound, StoreError

if TYPE_CHECKING:
    from videlicet.store.home import Home

KEY = re.compile(r"[\w-][\w.-]{0,127}(/[\w-][\w.-]{0,127}){0,7}", re.ASCII)


class BlobBackend(ABC):
    """Reads and writes without asking who may: for the parts of the store alone. A blob is there
    whole or not at all."""

    #: Whether they are away from this machine.
    remote: bool

    def __init__(self, home: Home, *, writable: bool) -> None:
        self._home = home
        self._writable = writable

    def write(self, key: str, data: bytes | Path) -> None:
        """Store bytes, or the bytes of a file, under ``key``.

        Raises:
            StoreError: ``disk_full`` or ``store_unreachable``; what was under the key stays.
        """
        self.require_change(key)
        self._put(key, data)

    def move_in(self, key: str, file: Path) -> None:
        """Make a file in the data directory a blob; the file is gone afterwards."""
        self.require_change(key)
        self._move_in(key, file)

    def read(self, key: str) -> bytes:
        """The bytes under ``key``.

        Raises:
            NotFound: ``blob_not_found``.
        """
        return self._get(require_key(key))

    def get_many(self, keys: Sequence[str]) -> Sequence[bytes]:
        """The bytes under each key.

        Raises:
            NotFound: ``blob_not_found``.
        """
        return [self._get(require_key(key)) for key in keys]

    def list_keys(self, prefix: str) -> Sequence[str]:
        """Keys under a folder (``prefix`` ends in ``/``), or all of them, in order."""
        return sorted(self._keys(prefix))

    def read_into(self, key: str, file: Path) -> None:
        """Copy the bytes under ``key`` into a new file.

        Raises:
            NotFound: ``blob_not_found``.
        """
        shutil.copyfile(self._path(require_key(key)), file)

    def path(self, key: str) -> Path:
        """A file that holds the bytes under ``key``; it must not be changed, and is to be opened
        soon.

        Raises:
            NotFound: ``blob_not_found``.
        """
        return self._path(require_key(key))

    def exists(self, key: str) -> bool:
        return self._exists(require_key(key))

    @abstractmethod
    def erase(self, keys: Sequence[str]) -> None:
        """Take blobs away; unknown keys are fine, and a key ending in ``/`` means all under it."""

    def find_stray_files(self) -> Sequence[Path]:
        """Files that are no blobs: what a put that was killed leaves behind."""
        return []

    @abstractmethod
    def evict_stale_copies(self) -> None:
        """Forget this machine's copies of what is gone."""

    @abstractmethod
    def _put(self, key: str, data: bytes | Path) -> None: ...

    @abstractmethod
    def _move_in(self, key: str, file: Path) -> None: ...

    @abstractmethod
    def _get(self, key: str) -> bytes: ...

    @abstractmethod
    def _path(self, key: str) -> Path: ...

    @abstractmethod
    def _exists(self, key: str) -> bool: ...

    @abstractmethod
    def _keys(self, prefix: str) -> Iterator[str]: ...

    def require_change(self, key: str) -> None:
        """Raise unless ``key`` is one, of a store that was opened for writing."""
        require_key(key)
        if not self._writable:
            raise StoreError(
                "store_not_writable",
                "The library was opened for reading only.",
                subject=str(self._home.root),
                remedy="Open it with write=True.",
            )


def require_key(key: str) -> str:
    """A key that is one."""
    if not KEY.fullmatch(key):
        raise InvalidInput("invalid_argument", f"{key!r} is not a blob key.", subject=key)
    return key


def blob_not_found(key: str) -> NotFound:
    """The error for a key that nothing is under."""
    return NotFound("blob_not_found", f"There is no blob {key!r}.", subject=key)
