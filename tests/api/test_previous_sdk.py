"""The same tests once more with the minor version of the official Python SDK before the newest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.snippets import ROOT

PINNED = ROOT / "requirements" / "previous-sdk.txt"


@pytest.mark.slow
def test_the_version_before(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run(
        [*pip, "--no-deps", "--require-hashes", "--target", str(tmp_path), "-r", str(PINNED)],
        check=True, timeout=300,
    )  # fmt: skip
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", "-k", "doubles",
            "--override-ini", f"pythonpath={tmp_path} {ROOT}", "tests/api/test_python_sdk.py",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
    used = [sys.executable, "-c", "import twelvelabs; print(twelvelabs.__file__)"]
    place = subprocess.run(
        used, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert place.stdout.startswith(str(tmp_path))
