"""Workers on one store: one that is gone is replaced, and none does what another is at."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from tests.api.test_webhooks import receiving
from tests.cluster.machines import RUN, Cluster, cluster, observing, until
from tests.cluster.services import Services
from tests.ingest.rig import GRANT, make_videos, wait_for
from tests.processes import PATIENCE, started

from videlicet.ingest import ingest
from videlicet.ingest.tasks import submit
from videlicet.jobs.lease import LOST, WorkerLease
from videlicet.media.sources import find_sources
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.store.database.postgres import PostgresDatabase, lock_key
from videlicet.store.database.worker_session import notify_workers
from videlicet.types import Kind, Status
from videlicet.webhooks.delivery import DELIVERED, add_webhook

pytestmark = pytest.mark.embedded("it makes shared stores itself")

MANAGE = Grant("tests", Purpose.MANAGE, EVERY_TENANT)


@pytest.fixture
def group(services: Services, tmp_path: Path) -> Iterator[Cluster]:
    hooks = {"VIDELICET_FETCH_ALLOWLIST": "127.0.0.1/32", "VIDELICET_WEBHOOK_DELAY": "0.3"}
    with cluster(services, tmp_path, **hooks) as one:
        yield one


def adding(group: Cluster, home: str, *sources: Path) -> subprocess.Popen[bytes]:
    """``videlicet add``, going on by itself."""
    with (group.folder / f"{home}.log").open("ab") as log:
        return subprocess.Popen(
            [
                sys.executable, "-c", RUN, "--home", str(group.folder / home),
                "add", "--create", "--index", "videos", *map(str, sources),
            ],
            env={**os.environ, **group.environment},
            stdout=log,
            stderr=log,
        )  # fmt: skip


@pytest.mark.slow
def test_the_work_of_a_dead_worker_is_taken_up(group: Cluster, tmp_path: Path) -> None:
    (recording,) = make_videos(tmp_path / "videos", 1, seconds=120)
    store = group.store()
    first = group.worker("first")
    caller = adding(group, "caller", recording)
    task = until(lambda: observing(store, MANAGE))
    # Whichever of both is at it, it dies; what is left is a third.
    group.worker("third")
    caller.kill()
    caller.wait()
    first.kill()
    until(lambda: store.catalog.task(store.scope(MANAGE), task.id).status is Status.READY)
    found = store.catalog.task(store.scope(MANAGE), task.id)
    assert (found.attempts, found.error) == (1, None)
    (asset,) = store.catalog.assets(store.scope(MANAGE))
    assert store.catalog.video_of(store.scope(MANAGE, found.index_id), asset.id)
    # The video went along: it need not be there any more, nor its folder.
    assert asset.blob is not None
    assert asset.source == str(recording)
    assert store.blobs.list(store.scope(MANAGE), "tasks/") == []


@pytest.mark.slow
def test_a_worker_that_lost_the_database_ends_and_comes_back(
    group: Cluster, services: Services, tmp_path: Path
) -> None:
    (recording,) = make_videos(tmp_path / "videos", 1, seconds=120)
    store = group.store()
    server = group.server("server", "--workers", "1")
    client = group.client(server)
    index = client.index()
    with recording.open("rb") as file:
        made = client.ok("POST", "tasks", data={"index_id": index}, files={"video_file": file})
    until(lambda: observing(store, MANAGE))
    services.postgres.stop()
    until(lambda: httpx.get(f"{server.root}/ready", timeout=30).status_code == 503)
    answer = client.get(f"tasks/{made['_id']}")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unreachable")
    services.postgres.start()
    assert client.ended(f"tasks/{made['_id']}", 120)["status"] == "ready"
    until(lambda: httpx.get(f"{server.root}/ready", timeout=30).status_code == 200)
    assert store.catalog.task(store.scope(MANAGE), made["_id"]).attempts == 1


def test_what_is_held_goes_with_the_session(group: Cluster) -> None:
    database = group.store().database
    assert isinstance(database, PostgresDatabase)
    heard = threading.Event()
    one, other = WorkerLease(database, heard.set), WorkerLease(database, heard.set)
    notify_workers(database)
    assert heard.wait(5)
    with other.take_over(one.worker_id) as gone:
        assert not gone
    with one.acquire("a video") as lock, other.acquire("a video", wait=False) as also:
        assert (lock, also) == (True, False)
    with other.acquire("a video", wait=False) as now:
        assert now
    one.close()
    until(lambda: _gone(other, one.worker_id))
    other.close()


def _gone(left: WorkerLease, executor: str) -> bool:
    with left.take_over(executor) as gone:
        return gone


def test_a_process_whose_session_is_ended_ends(group: Cluster) -> None:
    address = group.environment["VIDELICET_DATABASE_URL"]
    script = f"""
import time
from videlicet.jobs.lease import WorkerLease
from videlicet.store.database.postgres import PostgresDatabase, lock_key
from videlicet.store.database.worker_session import notify_workers
print(WorkerLease(PostgresDatabase({address!r}), print).worker_id, flush=True)
time.sleep(60)
"""
    with started([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        key = lock_key("worker " + process.stdout.readline().decode().strip())
        with psycopg.connect(address, autocommit=True) as admin:
            ended = admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
                "AND (classid::bigint << 32 | objid::bigint) = %s",
                [key],
            ).fetchall()
        assert ended == [(True,)]
        assert process.wait(PATIENCE) == LOST


@pytest.mark.slow
def test_an_event_is_sent_as_often_as_it_is_tried(group: Cluster, tmp_path: Path) -> None:
    (recording,) = make_videos(tmp_path / "videos", 1)
    store = group.store()
    with receiving(500, 302, 503) as receiver:
        hook = add_webhook(store.scope(Grant("tests", Purpose.MANAGE)), store, receiver.url)
        workers = [group.worker("first"), group.worker("second")]
        client = group.client(group.server("server"))
        client.add_video(client.index(), recording)
        # Three answers were no 2xx.
        first, *more = receiver.events(4)
        assert all(one == first for one in more)
        time.sleep(2)
        assert len(receiver.got) == 4
        (made,), _ = store.catalog.find_resources(
            store.scope(MANAGE), Kind.DELIVERY, parent=hook.id
        )
        assert (made.status, made.body["attempts"]) == (DELIVERED, 4)
        assert [worker.stop() for worker in workers] == [0, 0]


@pytest.mark.slow
def test_the_same_bytes_are_worked_on_once(group: Cluster, tmp_path: Path) -> None:
    first, second = make_videos(tmp_path / "videos", 2, seconds=20)
    copies = [tmp_path / f"copy{number}.mkv" for number in range(3)]
    for copy in copies:
        copy.write_bytes(first.read_bytes())
    store = group.store()
    callers = [adding(group, f"caller{n}", copy, second) for n, copy in enumerate(copies)]
    assert [caller.wait(300) for caller in callers] == [0, 0, 0]
    ended = store.catalog.tasks(store.scope(MANAGE))
    assert {task.status for task in ended} == {Status.READY}
    assert len(store.catalog.assets(store.scope(MANAGE))) == 2
    assert len({task.asset_id for task in ended}) == 2
    assert store.blobs.list(store.scope(MANAGE), "tasks/") == []


@pytest.mark.slow
def test_the_library_waits_for_its_own_tasks_only(group: Cluster, tmp_path: Path) -> None:
    own, others = make_videos(tmp_path / "videos", 2, seconds=4)
    long = make_videos(tmp_path / "long", 1, seconds=600)[0]
    rig = group.rig("desk")
    store = group.store()
    with rig.writing() as (writer, index):
        (foreign,) = submit(writer.scope(GRANT), writer, index, find_sources([str(long)]))
        group.worker("elsewhere")
        until(
            lambda: store.catalog.task(store.scope(MANAGE), foreign.id).status is Status.RUNNING, 60
        )
        news = list(
            ingest(writer.scope(GRANT), writer, rig.settings, index, find_sources([str(own)]))
        )
        assert {one.source for one in news} == {str(own)}
        assert news[-1].status is Status.READY
        assert not store.catalog.task(store.scope(MANAGE), foreign.id).status.ended
        # Closing early leaves the work to whoever else is there.
        news = ingest(writer.scope(GRANT), writer, rig.settings, index, find_sources([str(others)]))
        begun = wait_for(news, status=Status.QUEUED)
        news.close()
        until(
            lambda: store.catalog.task(store.scope(MANAGE), begun.task_id).status is Status.READY,
            120,
        )


@pytest.mark.slow
def test_what_does_not_go_together_is_refused(group: Cluster, tmp_path: Path) -> None:
    (recording,) = make_videos(tmp_path / "videos", 1)
    secret = group.environment.pop("VIDELICET_SECRET")
    for words in (["serve", "--port", "0"], ["worker"], ["add", str(recording)]):
        code, error = plain(group, *words)
        assert code == 2
        assert "secret" in error
    group.environment["VIDELICET_SECRET"] = secret
    assert group.store().catalog.tasks(group.store().scope(MANAGE)) == []
    del group.environment["VIDELICET_DATABASE_URL"], group.environment["VIDELICET_OBJECT_STORE_URL"]
    for words in (["worker"], ["serve", "--port", "0", "--workers", "2"]):
        code, error = plain(group, *words)
        assert code == 2
        assert "setting database_url" in error


def plain(group: Cluster, *words: str) -> tuple[int, str]:
    """Exit code and output of a command."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, "--home", str(group.folder / "desk"), *words],
        env={**os.environ, **group.environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr
