"""A store of its own for each test, without a server and without workers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from videlicet.models import fakes
from videlicet.rights import Grant, Purpose
from videlicet.services import assets
from videlicet.services.assets import NewAsset
from videlicet.services.caller import Caller
from videlicet.services.platform import Platform
from videlicet.settings import load
from videlicet.store import open_store
from videlicet.types import Asset, AssetStatus, MediaInfo, Span


class Bell:
    """Counts how often workers are woken."""

    def __init__(self) -> None:
        self.rung = 0

    def notify(self) -> None:
        self.rung += 1


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    models = ",".join(f"{role}={id}" for role, id in fakes.IDS.items())
    settings = load(tmp_path / "home", models=models)
    with open_store(settings, write=True, create=True) as store:
        yield Platform(settings, store, Bell())


@pytest.fixture
def alice(platform: Platform) -> Caller:
    return Caller(platform, Grant("alice", Purpose.MANAGE, "alice"))


@pytest.fixture
def bob(platform: Platform) -> Caller:
    return Caller(platform, Grant("bob", Purpose.MANAGE, "bob"))


def uploaded(caller: Caller, name: str = "video.mp4", type: str | None = None) -> Asset:
    """An asset of some bytes; one with a type has been made ready by a worker."""
    asset = assets.upload_asset(caller, NewAsset(name), io.BytesIO(b"bytes"))
    if type is None:
        return asset
    recording = MediaInfo("mp4", Span.of(0, 60), None, (), None) if type == "video" else None
    return caller.catalog.update_asset(
        caller.scope(Purpose.INGEST), asset.id, status=AssetStatus.READY, type=type,
        recording=recording,
    )  # fmt: skip
