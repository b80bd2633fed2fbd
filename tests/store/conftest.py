from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store.samples import INGEST, settings

from videlicet.settings import Settings
from videlicet.store import Store, open_store
from videlicet.types import Index


@pytest.fixture
def place(tmp_path: Path) -> Settings:
    return settings(tmp_path / "home")


@pytest.fixture
def store(place: Settings) -> Iterator[Store]:
    with open_store(place, write=True, create=True) as opened:
        yield opened


@pytest.fixture
def index(store: Store) -> Index:
    return store.catalog.create_index(store.scope(INGEST), "main", {"text": "minilm"})
