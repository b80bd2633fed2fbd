from __future__ import annotations

import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest

from videlicet.media import sandbox
from videlicet.media.sandbox import Limits

LIMITS = Limits(memory=512 * 1024**2, cpu=20, pixels=1, duration=1, streams=1)


def inside(
    code: str, limits: Limits = LIMITS, *, sealed: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run code in a process confined like a decoder."""
    script = f"""
import os, socket, sys
from videlicet.media.sandbox import Limits, enter_landlock, set_limits
set_limits(Limits(**{limits.to_json()!r}))
enter_landlock() if {sealed} else None
""" + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False
    )


landlock = pytest.mark.skipif(sandbox.level() == "limits", reason="this kernel has no Landlock")


def test_the_level_is_reported():
    assert sandbox.level() in ("landlock+limits", "limits")


@landlock
@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/passwd').read()",
        "open('/tmp/videlicet-should-not-be', 'w')",
        "os.listdir('/')",
        "os.execv('/bin/sh', ['sh', '-c', 'true'])",
        "os.unlink(sys.executable)",
        "os.mkdir('/tmp/videlicet-should-not-be')",
    ],
)
def test_the_file_system_is_out_of_reach(attempt):
    done = inside(attempt)
    assert "PermissionError" in done.stderr


@landlock
def test_installed_modules_can_still_be_imported():
    assert inside("import wave, json\nprint(wave.__name__)").stdout == "wave\n"


@landlock
def test_no_connection_is_made():
    if sandbox._landlock_version() < 4:
        pytest.skip("this kernel's Landlock does not know TCP")
    with __import__("socket").create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = inside(f"socket.create_connection(('127.0.0.1', {port}))")
    assert "PermissionError" in done.stderr


@pytest.mark.skipif(sys.platform == "darwin", reason="no limit on address space")
def test_memory_is_limited():
    assert "MemoryError" in inside("bytearray(600 * 1024**2)").stderr


def test_processor_time_is_limited():
    assert inside("while True: pass", replace(LIMITS, cpu=1)).returncode < 0


def test_written_bytes_are_limited(tmp_path):
    path = str(tmp_path / "out")
    done = inside(f"open({path!r}, 'wb').write(bytes(10**6))", sealed=False)
    assert "File too large" in done.stderr


def test_open_files_are_limited():
    assert "Too many open files" in inside("[os.dup(0) for _ in range(100)]").stderr


def test_a_limit_cannot_be_raised_again():
    code = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (10**6, 10**6))"
    import os

    if os.geteuid() == 0:
        pytest.skip("a superuser may raise limits")
    assert "ValueError" in inside(code).stderr
