"""Chunks of an upload that come at an awkward moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from videlicet.api.v1_3 import uploads
from videlicet.errors import NotFound
from videlicet.ingest.indexing import remove_asset
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.services.uploads import ACTIVE
from videlicet.settings import load
from videlicet.store import Store, open_store
from videlicet.types import Asset, AssetStatus, Kind, Resource

GRANT, MANAGING = Grant("tests", Purpose.INGEST), Grant("tests", Purpose.MANAGE)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(load(tmp_path / "home"), write=True, create=True) as opened:
        now = datetime.now(UTC)
        asset = Asset(
            "f1", "video.mp4", now, status=AssetStatus.WAITING, method="multipart", chunks=2
        )
        opened.catalog.put_asset(opened.scope(GRANT), asset)
        upload = Resource(
            "u1", Kind.UPLOAD, "local", now, now, ACTIVE, parent="f1",
            expires_at=now + timedelta(hours=1),
            body={"total_size": 8, "chunk_size": 4, "total_chunks": 2},
        )  # fmt: skip
        opened.catalog.put_resource(opened.scope(GRANT), upload)
        yield opened


@pytest.fixture
def client(store: Store) -> TestClient:
    app = FastAPI()
    app.include_router(uploads.chunk_router)
    signer = SimpleNamespace(allows=lambda *_: True)
    platform = SimpleNamespace(store=store)
    app.state.server = SimpleNamespace(platform=platform, signer=signer)
    return TestClient(app)


def test_a_chunk_of_a_file_that_is_deleted_meanwhile_does_not_stay(
    store: Store, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.put("/uploads/u1/1", content=b"half").status_code == 200
    assert len(store.blobs.list(store.scope(GRANT.within(EVERY_TENANT)))) == 1
    put = store.blobs.put

    def late(*values: Any) -> None:
        remove_asset(store.scope(MANAGING), store, "f1")
        put(*values)

    monkeypatch.setattr(store.blobs, "put", late)
    with pytest.raises(NotFound):
        client.put("/uploads/u1/2", content=b"rest")
    assert store.blobs.list(store.scope(GRANT.within(EVERY_TENANT))) == []
    assert store.catalog.list_assets(store.scope(GRANT)) == ([], 0)
    for kind in (Kind.UPLOAD, Kind.CHUNK):
        assert store.catalog.find_resources(store.scope(GRANT), kind)[1] == 0
