"""One server with the shipped doubles for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import samples
from tests.api.server import DOUBLES, Client, Server, served

from videlicet.models import doubles


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("server") / "home", **DOUBLES) as one:
        yield one


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with Client(server, server.key()) as one:
        yield one


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of three colours."""
    return samples.video(tmp_path_factory.mktemp("films") / "colours.mp4", samples.THREE)


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.image(tmp_path_factory.mktemp("pictures") / "red.png")


@pytest.fixture(scope="session")
def doubled() -> dict[str, str]:
    return dict(doubles.IDS)
