"""The official JavaScript SDK as the client."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests import samples
from tests.api.server import Server
from tests.ingest import rig

HERE = Path(__file__).parent / "javascript"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script and the locked packages it needs."""
    if shutil.which("npm") is None:
        pytest.skip("Node.js and npm are not here: install them to test the JavaScript SDK")
    folder = tmp_path_factory.mktemp("javascript")
    for name in ("package.json", "package-lock.json", "drive.mjs"):
        shutil.copy(HERE / name, folder)
    subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True, timeout=300
    )
    return folder


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
