"""Servers and workers that are killed at any instant: what was accepted ends, once."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from tests.cluster.machines import cluster, until
from tests.cluster.services import Services
from tests.ingest import rig

from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.types import AssetStatus, VideoStatus

pytestmark = pytest.mark.embedded("it makes shared stores itself")

SEE = Grant("tests", Purpose.ANALYZE, EVERY_TENANT)
MANAGE = Grant("tests", Purpose.MANAGE, EVERY_TENANT)


@pytest.mark.slow
def test_kills_lose_and_double_nothing(services: Services, tmp_path: Path) -> None:
    rounds = 30
    recordings = rig.make_videos(tmp_path / "videos", rounds, seconds=8)
    chance = random.Random(11)
    with cluster(services, tmp_path) as group:
        workers = [group.worker("worker a"), group.worker("worker b")]
        servers = [group.server("server a"), group.server("server b")]
        clients = [group.client(server) for server in servers]
        index = clients[0].index()
        accepted: dict[str, str] = {}

        def hand_in(recording: Path, client: int) -> None:
            try:
                asset = clients[client].upload(recording)
                row = clients[client].ok(
                    "POST", f"indexes/{index}/indexed-assets", json={"asset_id": asset}
                )
            except httpx.TransportError:
                return  # nobody said that it was accepted
            accepted[row["_id"]] = recording.name

        for number, recording in enumerate(recordings):
            which = chance.randrange(2)
            handing = threading.Thread(target=hand_in, args=(recording, which))
            handing.start()
            time.sleep(chance.uniform(0, 1.5))
            match number % 3:
                case 0:
                    servers[which].kill()
                    handing.join()
                    servers[which].start()
                case 1:
                    # Only the process that does the work: another is started by itself.
                    for child in workers[which].family[1:]:
                        kill(child)
                case 2:
                    workers[which].kill()
                    workers[which].start()
            handing.join()
        assert len(accepted) > rounds / 2
        for video in accepted:
            found = clients[0].ended(f"indexes/{index}/indexed-assets/{video}", 240)
            assert found["status"] == "ready", found.get("error")
        store = group.store()
        # What was not answered may be there; it has ended too, and nothing is there twice.
        until(
            lambda: not [t for t in store.catalog.tasks(store.scope(MANAGE)) if not t.status.ended],
            120,
        )
        ended = Counter(task.video_id for task in store.catalog.tasks(store.scope(MANAGE)))
        assert set(ended.values()) == {1}
        videos = {one.id: one for one in store.catalog.videos(store.scope(MANAGE, index))}
        assert set(videos) >= set(accepted)
        assert {video.status for video in videos.values()} == {VideoStatus.READY}
        until(
            lambda: (
                not store.catalog.asset_keys(store.scope(MANAGE), status=[AssetStatus.PROCESSING])
            )
        )
        # Nothing of what was done is missing, or there twice.
        calm = rig.Rig.at(tmp_path / "calm")
        calm.add(*recordings)
        with calm.writing() as (plain, whole):
            expected = {
                asset.name: sorted(
                    (one.modality, one.span.start, repr(one.payload))
                    for one in plain.catalog.observations(plain.scope(SEE, whole.id), asset.id)
                )
                for asset in plain.catalog.assets(plain.scope(MANAGE))
            }
        for video, name in accepted.items():
            seen = store.catalog.observations(store.scope(SEE, index), videos[video].asset_id)
            assert expected[name] == sorted(
                (one.modality, one.span.start, repr(one.payload)) for one in seen
            )
        # Ended workflows are deleted.
        with psycopg.connect(
            group.environment["VIDELICET_DATABASE_URL"], autocommit=True
        ) as workflows:
            until(
                lambda: (
                    workflows.execute("SELECT count(*) FROM dbos.workflow_status").fetchone()
                    == (0,)
                )
            )


def kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return  # it has ended by itself
