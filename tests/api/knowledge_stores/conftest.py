"""The official SDK at a server with a filled knowledge store, for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.api.knowledge_stores.shelf import Shelf, shelf
from tests.api.sdk import Watched, sdk
from tests.api.server import Client, Server
from twelvelabs import TwelveLabs


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return server.key()


@pytest.fixture(scope="module")
def watched(server: Server, key: str) -> Iterator[Watched]:
    with sdk(server, key) as one:
        yield Watched(one)


@pytest.fixture(scope="module")
def user(watched: Watched) -> TwelveLabs:
    return watched.client


@pytest.fixture(scope="module")
def raw(server: Server, key: str) -> Iterator[Client]:
    with Client(server, key) as one:
        yield one


@pytest.fixture(scope="module")
def made(user: TwelveLabs, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return shelf(user, tmp_path_factory.mktemp("shelf"))
