"""What a server stores is for its own user alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from tests.api.server import DOUBLES, Client, served

pytestmark = pytest.mark.embedded("about the files of a data directory")


def _open_to_others(home: Path) -> list[Path]:
    return [
        path for path in home.rglob("*") if path.lstat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]


def test_files_are_for_the_owner(tmp_path: Path, recording: Path) -> None:
    home = tmp_path / "home"
    before = os.umask(0o022)
    try:
        home.mkdir()
        with served(home, **DOUBLES) as server, Client(server, server.key()) as client:
            client.add_video(client.index(), recording)
            assert client.ok("GET", "indexes")["data"]
    finally:
        os.umask(before)
    assert _open_to_others(home) == []
