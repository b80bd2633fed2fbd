from __future__ import annotations

import os
import subprocess
import sys

_TELLS = """
import os, sys
from videlicet.jobs.ipc import JsonLinesChannel
try:
    JsonLinesChannel(sys.stdin, os.fdopen(int(sys.argv[1]), "w")).send("ready")
finally:
    print("went on")
"""


def test_a_worker_whose_client_is_gone_ends_without_a_word() -> None:
    """Its current job is not reported as failed."""
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _TELLS, str(write)],
            pass_fds=[write],
            capture_output=True,
            text=True,
            timeout=300,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
