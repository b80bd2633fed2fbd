"""Servers and workers that are killed: what was accepted ends, once."""

from __future__ import annotations

import random
import time
from pathlib import Path

import psutil
import pytest
from tests.api.server import DOUBLES, Client, served
from tests.ingest import rig


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_kills_lose_nothing(tmp_path: Path, rounds: int) -> None:
    recordings = rig.make_videos(tmp_path / "videos", rounds, seconds=4)
    chance = random.Random(7)
    with served(tmp_path / "home", **DOUBLES) as server, Client(server, server.key()) as client:
        index = client.index()
        accepted = []
        for number, recording in enumerate(recordings):
            asset = client.upload(recording)
            made = client.ok("POST", f"indexes/{index}/indexed-assets", json={"asset_id": asset})
            accepted.append(made["_id"])
            time.sleep(chance.uniform(0, 0.5))
            assert server.process is not None
            if number % 2:
                server.kill()
                server.start()
            else:
                for child in psutil.Process(server.process.pid).children():
                    child.kill()
        for video in accepted:
            found = client.ended(f"indexes/{index}/indexed-assets/{video}", 120)
            assert found["status"] == "ready"
        listed = client.ok("GET", f"indexes/{index}/videos", params={"page_limit": 50})
        assert sorted(row["_id"] for row in listed["data"]) == sorted(accepted)
        assert len(client.ok("GET", "assets", params={"page_limit": 50})["data"]) == rounds
        assert server.stop() == 0


@pytest.mark.embedded("each machine of a shared store has its own folder for uploads")
@pytest.mark.slow
def test_an_upload_outlives_workers_but_not_its_server(tmp_path: Path) -> None:
    arriving = tmp_path / "home" / "staging" / "incoming-0123" / "whole"
    with served(tmp_path / "home", **DOUBLES) as server, Client(server, server.key()) as client:
        arriving.parent.mkdir(parents=True)
        arriving.write_bytes(b"half of a video")
        before = server.workers()
        for worker in before:
            worker.kill()
        # The next worker has cleared up by the time it has done something.
        client.add_video(client.index(), rig.make_videos(tmp_path / "videos", 1, seconds=2)[0])
        assert {one.pid for one in server.workers()}.isdisjoint(one.pid for one in before)
        assert arriving.exists()
        server.kill()
        server.start()
        assert not arriving.parent.exists()
