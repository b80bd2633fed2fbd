"""Blobs in an object store (S3 and what speaks like it), with local copies of what is read.

A copy is kept under the key and the version of the object, so that an object that was replaced or
deleted is never read from a copy: every use asks the store which version holds.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.errors import InvalidInput, StoreError
from videlicet.store.blobs.base import BlobBackend, blob_not_found, require_key
from videlicet.store.home import Home, translated_errors

if TYPE_CHECKING:
    from obstore.store import ObjectStore

#: Copies used within so many seconds stay, whatever their size: somebody may be about to open them.
_RECENT = 3600.0
#: Names of what is still being copied begin with this.
_PARTIAL = ".partial-"
_PIECE = 4 * 1024**2
#: Objects fetched at once where many are wanted.
_AT_ONCE = 16


class ObjectBlobs(BlobBackend):
    """Every blob is an object.

    Raises:
        InvalidInput: ``invalid_argument`` for an address that is none.
    """

    remote = True

    def __init__(self, home: Home, address: str, cache_max: int, *, writable: bool) -> None:
        from obstore.exceptions import BaseError
        from obstore.store import from_url

        super().__init__(home, writable=writable)
        self._copies = home.root / "cache" / "blobs"
        self._cache_max = cache_max
        try:
            # Credentials and endpoint come from the usual variables (AWS_… for S3).
            self._store: ObjectStore = from_url(address)
        except (BaseError, ValueError) as error:
            raise InvalidInput(
                "invalid_argument",
                "The setting object_store_url is a URL such as s3://bucket/folder.",
                subject="object_store_url",
            ) from error

    def _put(self, key: str, data: bytes | Path) -> None:
        # A file that is not there is the caller's error, not an absent object.
        opened = data.open("rb") if isinstance(data, Path) else nullcontext(data)
        with opened as source, self._translated(key):
            self._store.put(key, source)

    def _move_in(self, key: str, file: Path) -> None:
        self._put(key, file)
        file.unlink()

    def _get(self, key: str) -> bytes:
        with self._translated(key):
            return bytes(self._store.get(key).bytes())

    def get_many(self, keys: Sequence[str]) -> Sequence[bytes]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self._get, map(require_key, keys)))

    def _path(self, key: str) -> Path:
        meta = self._head(key)
        copy = self._copies / key / _version(meta)
        if copy.is_file():
            os.utime(copy)
            return copy
        with translated_errors(self._home.root):
            copy.parent.mkdir(parents=True, exist_ok=True)
            self._make_room(int(meta["size"]))
            handle, name = tempfile.mkstemp(prefix=_PARTIAL, dir=copy.parent)
            partial = Path(name)
            try:
                os.close(handle)
                self.read_into(key, partial)
                partial.replace(copy)
            finally:
                partial.unlink(missing_ok=True)
        return copy

    def read_into(self, key: str, file: Path) -> None:
        with file.open("wb") as out, self._translated(key):
            for chunk in self._store.get(require_key(key)).stream(min_chunk_size=_PIECE):
                out.write(chunk)

    def _exists(self, key: str) -> bool:
        from obstore.exceptions import NotFoundError

        with self._translated(key):
            try:
                self._store.head(key)
            except (NotFoundError, FileNotFoundError):
                return False
        return True

    def erase(self, keys: Sequence[str]) -> None:
        for key in keys:
            gone = list(self._keys(key)) if key.endswith("/") else [require_key(key)]
            with self._translated(key):
                if gone:
                    self._store.delete(gone)
            shutil.rmtree(self._copies / key, ignore_errors=True)

    def evict_stale_copies(self) -> None:
        for folder in {copy.parent for copy in self._files()}:
            key = str(folder.relative_to(self._copies))
            if not self._exists(key):
                shutil.rmtree(folder, ignore_errors=True)

    def _keys(self, prefix: str) -> Iterator[str]:
        with self._translated(prefix):
            for page in self._store.list(prefix.removesuffix("/") or None):
                yield from (str(row["path"]) for row in page)

    def _head(self, key: str) -> Any:
        with self._translated(key):
            return self._store.head(key)

    def _files(self) -> list[Path]:
        return [p for p in self._copies.rglob("*") if p.is_file()]

    def _make_room(self, size: int) -> None:
        """Take the copies away that were not used for longest, until one of ``size`` fits."""
        cached = []
        for path in self._files():
            try:
                found = path.stat()
            except FileNotFoundError:
                continue  # another process made room too
            cached.append((found.st_mtime, found.st_size, path))
        total = size + sum(row[1] for row in cached)
        for used, length, path in sorted(cached):
            if total <= self._cache_max or time.time() - used < _RECENT:
                return
            path.unlink(missing_ok=True)
            total -= length

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        from obstore.exceptions import BaseError, NotFoundError

        try:
            yield
        except (NotFoundError, FileNotFoundError) as error:
            raise blob_not_found(key) from error
        except BaseError as error:
            raise StoreError(
                "store_unreachable",
                f"The object store did not answer as it should: {_first_line(error)}",
                subject="object_store_url",
            ) from error


def _version(meta: Any) -> str:
    named = meta.get("e_tag") or f"{meta['last_modified'].isoformat()} {meta['size']}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
