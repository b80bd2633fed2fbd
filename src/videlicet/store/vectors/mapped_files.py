"""Arrays in files: mapped for reading, laid out before they are written, and overwritten."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from videlicet.store.home import write_atomically


def map_array(path: Path, dtype: DTypeLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """An array over the bytes of a file, read as needed and shared between processes."""
    wanted = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if path.stat().st_size != wanted:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes instead of {wanted}")
    # A plain array: slices of np.memmap cost ten times as much to make.
    return np.memmap(path, dtype, mode="r", shape=shape).view(np.ndarray)


@contextmanager
def new_mapped_array(
    path: Path, dtype: DTypeLike, shape: tuple[int, ...]
) -> Iterator[NDArray[Any]]:
    """A new file as an array to fill. Its space is taken first: a disk that fills up under a
    mapped file would kill the process instead of raising an error."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(handle, 0, size)
        array = np.memmap(path, dtype, mode="r+", shape=shape)
        yield array.view(np.ndarray)
        array.flush()
        os.fsync(handle)
    finally:
        os.close(handle)


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Replace a small file by an array's bytes."""
    write_atomically(path, np.ascontiguousarray(array).tobytes())


@contextmanager
def build_lock(folder: Path) -> Iterator[None]:
    """Hold the right to add or remove files in ``folder``, against threads and processes alike."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def zero_rows(path: Path, rows: NDArray[np.intp], width: int) -> None:
    """Overwrite rows of ``width`` bytes with zeros, on disk before this returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        # Neighbours in one write.
        breaks = np.flatnonzero(np.diff(rows) != 1) + 1
        for run in np.split(rows, breaks):
            os.pwrite(handle, bytes(width * run.size), int(run[0]) * width)
        os.fsync(handle)
    finally:
        os.close(handle)
