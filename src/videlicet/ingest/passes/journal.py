"""Finished units of one pass, in one append-only file that survives being killed at any instant.

A record is a JSON head and float32 arrays under a key, with a checksum. A record is whole or it is
not there: a torn tail is cut off when the file is opened again, so a pass redoes at most the units
that were in flight. Only keys and offsets are kept in memory.
"""

from __future__ import annotations

import json
import os
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from videlicet.ingest.plan import staging
from videlicet.store.home import translated_errors

if TYPE_CHECKING:
    from videlicet.ingest.plan import IndexingPlan
    from videlicet.settings import Settings

_HEAD = struct.Struct("<4sIII")  # magic, head bytes, body bytes, checksum of both
_MAGIC = b"VJ01"


@dataclass(frozen=True, slots=True)
class Entry:
    """One finished unit: JSON-ready ``head`` and its arrays, read-only."""

    head: Any
    arrays: Mapping[str, NDArray[np.float32]]


@contextmanager
def journal_of(plan: IndexingPlan, settings: Settings) -> Iterator[Journal]:
    """The journal of what is planned, in its staging.

    Raises:
        StoreError: ``disk_full`` or ``store_not_writable``, here and within the block.
    """
    path = staging(settings, plan.work_name) / f"{plan.key}.journal"
    with translated_errors(settings.home), Journal(path) as journal:
        yield journal


class Journal:
    """Opened by one process at a time; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()
        self._offsets: dict[str, int] = {}
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._end = self._scan()

    def __contains__(self, key: str) -> bool:
        with self._lock:
            return key in self._offsets

    def __len__(self) -> int:
        """How many units are finished."""
        with self._lock:
            return len(self._offsets)

    def get(self, key: str) -> Entry | None:
        with self._lock:
            offset = self._offsets.get(key)
        if offset is None:
            return None
        _, head, arrays = self._read(offset)
        return Entry(head["head"], arrays)

    def put(
        self, key: str, head: Any, arrays: Mapping[str, NDArray[np.float32]] | None = None
    ) -> None:
        """Append one record. A second record under a key replaces the first."""
        parts = {name: np.ascontiguousarray(a, dtype="<f4") for name, a in (arrays or {}).items()}
        text = json.dumps(
            {"key": key, "head": head, "shapes": {n: a.shape for n, a in parts.items()}},
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        body = b"".join(a.tobytes() for a in parts.values())
        check = zlib.crc32(body, zlib.crc32(text))
        record = _HEAD.pack(_MAGIC, len(text), len(body), check) + text + body
        with self._lock:
            written = 0
            while written < len(record):
                written += os.pwrite(self._file, record[written:], self._end + written)
            self._offsets[key] = self._end
            self._end += len(record)

    def sync(self) -> None:
        """Make what was put survive a power failure too."""
        os.fsync(self._file)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _scan(self) -> int:
        size = os.fstat(self._file).st_size
        offset = 0
        while offset < size:
            try:
                length, head, _ = self._read(offset)
            except ValueError:
                os.ftruncate(self._file, offset)
                break
            self._offsets[head["key"]] = offset
            offset += length
        return offset

    def _read(self, offset: int) -> tuple[int, Any, dict[str, NDArray[np.float32]]]:
        raw = os.pread(self._file, _HEAD.size, offset)
        if len(raw) < _HEAD.size:
            raise ValueError("torn record")
        magic, head_size, body_size, check = _HEAD.unpack(raw)
        if magic != _MAGIC:
            raise ValueError("not a record")
        data = os.pread(self._file, head_size + body_size, offset + _HEAD.size)
        if len(data) < head_size + body_size or zlib.crc32(data) != check:
            raise ValueError("torn record")
        head = json.loads(data[:head_size])
        arrays: dict[str, NDArray[np.float32]] = {}
        at = head_size
        for name, shape in head["shapes"].items():
            count = int(np.prod(shape, dtype=np.int64))
            arrays[name] = np.frombuffer(data, "<f4", count, at).reshape(shape)
            at += 4 * count
        return _HEAD.size + head_size + body_size, head, arrays
