"""Turns among the processes that write to one SQLite file.

SQLite waits for another writer by looking again every now and then. Where another process writes
one transaction after the other, each look may come too late, until the waiting ends in an error.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

#: Seconds between two looks, at the first and at most.
_FIRST, _LONGEST = 0.001, 0.02


class WriteTurns:
    """Who wants to write gets in line, and is in line until it has the turn. Who has just written
    must get in line again, behind whoever waits there.

    It only makes waiting fair: SQLite's own lock keeps writers apart. So where a turn cannot be had
    (the process that has it is suspended), the writer goes on without one.
    """

    def __init__(self, database: Path, timeout: float = 30.0) -> None:
        self._paths = [database.with_suffix(".line"), database.with_suffix(".turn")]
        self._timeout = timeout
        self._files: list[int] = []

    def take(self) -> None:
        """Wait for the turn."""
        deadline = time.monotonic() + self._timeout
        try:
            if not self._files:
                self._files = [
                    os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                    for path in self._paths
                ]
            line, turn = self._files
            if _lock(line, deadline):
                _lock(turn, deadline)
                fcntl.flock(line, fcntl.LOCK_UN)
        except OSError:
            return  # a folder that cannot be written, or has no locks; SQLite says what is wrong

    def give_up(self) -> None:
        """Leave the turn to the next in line."""
        if self._files:
            fcntl.flock(self._files[1], fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the files; locks end with them."""
        for file in self._files:
            os.close(file)
        self._files = []


def _lock(file: int, deadline: float) -> bool:
    pause = _FIRST
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST)
        else:
            return True
