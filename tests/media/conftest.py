from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from videlicet import settings as configuration
from videlicet.settings import Settings

Maker = Callable[..., Path]


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return configuration.load(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``sample(name, make, **options)``: a file made once for all tests of the room."""
    folder = tmp_path_factory.mktemp("samples")

    def get(name: str, make: Maker, **options: object) -> Path:
        path = folder / name
        return path if path.exists() else make(path, **options)

    return get
