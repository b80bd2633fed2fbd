"""The official JavaScript SDK as the client."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests import samples
from tests.api.server import Server
from tests.ingest import rig


def test_every_method(packages: Path, server: Server, tmp_path: Path) -> None:
    film = rig.films(tmp_path / "films", 1, seconds=8)[0]
    picture = samples.image(tmp_path / "picture.png")
    done = subprocess.run(
        ["node", "drive.mjs"],
        cwd=packages,
        env={
            **os.environ,
            "TWELVELABS_BASE_URL": server.base,
            "KEY": server.key(),
            "FILM": str(film),
            "PICTURE": str(picture),
        },
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "done"
