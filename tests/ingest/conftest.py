from __future__ import annotations

from pathlib import Path

import pytest
from tests.ingest.rig import Rig, make_videos


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig.at(tmp_path / "home")


@pytest.fixture(scope="session")
def three_videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_videos(tmp_path_factory.mktemp("videos"), 3)


@pytest.fixture(scope="session")
def undisturbed(three_videos: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Rig:
    """A library that took the three videos in without being disturbed."""
    rig = Rig.at(tmp_path_factory.mktemp("undisturbed") / "home")
    rig.add(*three_videos)
    return rig
