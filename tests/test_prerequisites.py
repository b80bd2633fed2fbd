"""In continuous integration nothing that a test needs may be absent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
#: A test that needs the corpus.
CORPUS = "tests/media/test_corpus.py"


@pytest.mark.parametrize(("setting", "outcome"), [({}, "skipped"), ({"CI": "true"}, "error")])
def test_an_absent_corpus_is_skipped_only_outside_ci(
    setting: dict[str, str], outcome: str, tmp_path: Path
) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "CI" and "_TEST_" not in k}
    environment |= {"VIDELICET_TEST_CORPUS": str(tmp_path), **setting}
    command = [sys.executable, "-m", "pytest", "-m", "corpus", "-p", "no:cacheprovider", CORPUS]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert outcome in done.stdout
    assert "passed" not in done.stdout
    assert done.returncode == (1 if setting else 0)
