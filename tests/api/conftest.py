"""One server with the shipped doubles for all tests of a file."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import prerequisites, samples
from tests.api.server import DOUBLES, Client, Server, hosted
from tests.api.world import World, build

JAVASCRIPT = Path(__file__).parent / "javascript"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with hosted(tmp_path_factory.mktemp("server") / "home", **DOUBLES) as one:
        yield one


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with Client(server, server.key()) as one:
        yield one


@pytest.fixture(scope="module")
def native(server: Server, client: Client) -> Iterator[Client]:
    """The same key at the native interface."""
    with Client(server, str(client.headers["x-api-key"]), "v1") as one:
        yield one


@pytest.fixture(scope="module")
def stranger(server: Server) -> Iterator[Client]:
    """Another tenant's key at the native interface."""
    with Client(server, server.key(tenant="other"), "v1") as one:
        yield one


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of three colours."""
    return samples.video(tmp_path_factory.mktemp("videos") / "colours.mp4", samples.THREE)


@pytest.fixture(scope="module")
def world(
    server: Server, recording: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """One thing of each kind on the server of the file."""
    picture = samples.image(tmp_path_factory.mktemp("picture") / "picture.png")
    made = build(server, "local", recording, picture)
    yield made
    made.close()


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script and the locked packages it needs."""
    prerequisites.program("npm", "install Node.js and npm to test the JavaScript SDK")
    folder = tmp_path_factory.mktemp("javascript")
    for path in JAVASCRIPT.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True, timeout=300
    )
    return folder
