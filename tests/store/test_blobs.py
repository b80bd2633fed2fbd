"""Bytes by key."""

from __future__ import annotations

from pathlib import Path

import pytest

from videlicet.errors import InvalidInput, NotFound
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.store import Store

# Whose a key is does not matter to how bytes are kept.
INGEST, MANAGE, SEARCH = (
    Grant("tester", purpose, EVERY_TENANT)
    for purpose in (Purpose.INGEST, Purpose.MANAGE, Purpose.SEARCH)
)


def test_bytes_and_files_come_back_as_they_were_put(store: Store, tmp_path: Path) -> None:
    big = bytes(range(256)) * 40_000
    (tmp_path / "video").write_bytes(big)
    store.blobs.put(store.scope(INGEST), "assets/a/original.mp4", tmp_path / "video")
    store.blobs.put(store.scope(INGEST), "assets/a/thumb.jpg", b"first")
    store.blobs.put(store.scope(INGEST), "assets/a/thumb.jpg", b"second")
    store.blobs.put(store.scope(INGEST), "empty", b"")
    assert store.blobs.get(store.scope(SEARCH), "assets/a/original.mp4") == big
    assert store.blobs.get(store.scope(SEARCH), "assets/a/thumb.jpg") == b"second"
    assert store.blobs.path(store.scope(SEARCH), "empty").stat().st_size == 0
    assert store.blobs.exists(store.scope(SEARCH), "empty")
    assert not store.blobs.exists(store.scope(SEARCH), "assets/a")
    keys = ["assets/a/original.mp4", "assets/a/thumb.jpg", "empty"]
    assert store.blobs.list(store.scope(SEARCH)) == keys
    assert store.blobs.list(store.scope(SEARCH), "assets/a/") == keys[:2]
    assert store.blobs.list(store.scope(SEARCH), "assets/b/") == []


def test_deleting_takes_keys_and_folders_away(store: Store) -> None:
    for key in ("assets/a/x", "assets/a/y/z", "assets/b/x", "c"):
        store.blobs.put(store.scope(INGEST), key, b"1")
    store.blobs.delete(store.scope(MANAGE), "c", "unknown", "assets/a/", "assets/unknown/")
    assert store.blobs.list(store.scope(SEARCH)) == ["assets/b/x"]
    assert not (store.home.blobs / "assets" / "a").exists()
    with pytest.raises(NotFound) as refused:
        store.blobs.get(store.scope(SEARCH), "c")
    assert refused.value.code == "blob_not_found"


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".hidden", "a b", "ü", "a\x00", "a#1"],
)
def test_a_key_is_a_path_of_plain_names(store: Store, key: str) -> None:
    for call in (
        lambda: store.blobs.put(store.scope(INGEST), key, b"x"),
        lambda: store.blobs.get(store.scope(SEARCH), key),
        lambda: store.blobs.exists(store.scope(SEARCH), key),
    ):
        with pytest.raises(InvalidInput):
            call()
    assert store.blobs.list(store.scope(SEARCH)) == []


def test_a_file_that_is_not_there_is_an_error_and_leaves_nothing(
    store: Store, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        store.blobs.put(store.scope(INGEST), "a", tmp_path / "absent")
    assert store.blobs.list(store.scope(SEARCH)) == []
