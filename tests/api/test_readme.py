"""From nothing to the first search through the official SDK, as the README shows it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cluster.services import free_port, place
from tests.docs.samples import make_samples
from tests.docs.snippets import ROOT, snippets

pytestmark = pytest.mark.slow

README = ROOT / "README.md"
MARK = "tests/api/test_readme.py"


@pytest.mark.weights
def test_serve_and_search(tmp_path: Path) -> None:
    lines = README.read_text("utf-8").splitlines()
    shell, program = (one for one in snippets(README) if one.exempt and MARK in lines[one.line - 2])
    assert (shell.language, program.language) == ("console", "python")
    make_samples(tmp_path)
    (tmp_path / "first.py").write_text(program.code)
    home = tmp_path / "home"
    place(home)
    # As it stands, but for the port: others may be using that one.
    commands = "\n".join(shell.commands).replace("8765", str(free_port()))
    environment = {
        **os.environ,
        "VIDELICET_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-c", f"set -e\ntrap 'kill $!; wait' EXIT\n{commands}\npython first.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = [line.split() for line in done.stdout.splitlines()]
    _, video_id, start, end = next(
        words for words in printed if len(words) == 4 and words[0] == "1"
    )
    assert len(video_id) == 24
    # The slide is shown in the first two seconds.
    assert float(start) == 0.0
    assert float(end) <= 2.1
