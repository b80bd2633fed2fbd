"""A process that a test starts ends with it, and so does what that process started."""

from __future__ import annotations

import os
import subprocess
import sys
from multiprocessing import resource_tracker
from pathlib import Path

import psutil
import pytest
from tests.api.server import served
from tests.processes import left_running, marked, started, wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
#: Starts another process, says which, and ends: nobody is its parent then.
ORPHANING = f"import subprocess; print(subprocess.Popen({SLEEP!r}).pid, flush=True)"


def test_orphans_end_with_the_block_though_it_fails() -> None:
    orphans: list[int] = []

    def fail() -> None:
        with started([sys.executable, "-c", ORPHANING], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            orphans.append(int(process.stdout.readline()))
            process.wait()
            assert psutil.pid_exists(orphans[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert orphans[0] not in [one.pid for one in left_running()]


def test_a_server_that_does_not_start_leaves_nothing(tmp_path: Path) -> None:
    before = {one.pid for one in left_running()}
    with pytest.raises(AssertionError, match="ended with"), served(tmp_path, "--no-such-option"):
        pass
    assert {one.pid for one in left_running()} <= before


def test_waiting_for_a_process_that_ends_does_not_last() -> None:
    with (
        started([sys.executable, "-c", "raise SystemExit(3)"]) as process,
        pytest.raises(AssertionError, match="ended with 3: it"),
    ):
        wait_until(lambda: False, process, lambda: "it")


def test_marks_are_found_by_name() -> None:
    with marked() as one, marked() as other:
        assert one != other
        (name,) = one
        assert left_running(one[name].split()[-1]) == []


def test_what_python_starts_for_itself_is_not_left_running() -> None:
    resource_tracker.ensure_running()
    trackers = [
        child.pid
        for child in psutil.Process(os.getpid()).children()
        if any("resource_tracker" in word for word in child.cmdline())
    ]
    assert trackers
    assert not {one.pid for one in left_running()} & set(trackers)
