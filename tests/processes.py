"""Processes that tests start: each ends with the test that started it, however that goes.

Every process of a test run carries a mark in its environment, which its own processes inherit: so
they are found even after what started them has died.
"""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import httpx
import psutil

#: Seconds to wait for a process to be ready, or to end. No measure of speed: on a machine that is
#: busy with other things a process of a second's work can take minutes.
PATIENCE = 300.0
_MARK = "VIDELICET_TEST_RUN"


def mark_this_run() -> None:
    """Have whatever this process starts from now on be found by :func:`left_running`."""
    os.environ[_MARK] = uuid.uuid4().hex


def left_running(mark: str | None = None) -> list[psutil.Process]:
    """Processes that carry the mark, of this test run by default, without this one itself."""
    mark = mark or os.environ[_MARK]
    found = []
    for one in psutil.process_iter():
        try:
            marks = one.environ().get(_MARK, "").split()
            ours = one.pid == os.getpid() or _is_resource_tracker(one)
            if mark in marks and not ours and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
        except psutil.Error:
            continue
    return found


def _is_resource_tracker(one: psutil.Process) -> bool:
    """Whether a process is the resource tracker of `multiprocessing` in this process, which Python
    starts once and ends with this process."""
    tracks = any("multiprocessing.resource_tracker" in word for word in one.cmdline())
    return tracks and one.ppid() == os.getpid()


def end(processes: Sequence[psutil.Process]) -> None:
    """Kill processes and wait until they are gone."""
    for one in processes:
        with _gone():
            one.kill()
    psutil.wait_procs(list(processes), timeout=PATIENCE)


@contextmanager
def marked() -> Iterator[dict[str, str]]:
    """What in its environment makes a process, and all that it starts, end with the block."""
    mark = uuid.uuid4().hex
    try:
        yield {_MARK: f"{os.environ.get(_MARK, '')} {mark}".strip()}
    finally:
        end(left_running(mark))


@contextmanager
def started(
    command: Sequence[str],
    *,
    env: dict[str, str] | None = None,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    **options: Any,
) -> Iterator[subprocess.Popen[Any]]:
    """A process while the block runs; at its end it and all that it started are gone."""
    with marked() as mark:
        whole = {**(os.environ if env is None else env), **mark}
        process = subprocess.Popen(command, env=whole, stdout=stdout, stderr=stderr, **options)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[Any], what: Callable[[], str]
) -> None:
    """Wait until a process is ready.

    Raises:
        AssertionError: it ended instead, or is not ready after :data:`PATIENCE`; with ``what``.
    """
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert process.poll() is None, f"ended with {process.returncode}: {what()}"
        assert time.monotonic() < deadline, f"not ready after {PATIENCE:.0f} s: {what()}"
        time.sleep(0.05)


def answers(address: str) -> bool:
    """Whether a server answers at an address, whatever it says."""
    try:
        httpx.get(address, timeout=PATIENCE)
    except httpx.TransportError:
        return False
    return True


@contextmanager
def _gone() -> Iterator[None]:
    try:
        yield
    except psutil.NoSuchProcess:
        return
