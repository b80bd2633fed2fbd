"""Killed at any moment, cancelled, out of space: what is left, and that work goes on."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from tests.ingest.rig import CARDS, GRANT, Rig, make_videos, wait_for
from tests.processes import PATIENCE, started

from videlicet.errors import Conflict, NotFound, StoreError, TaskError
from videlicet.ingest import cancel, ingest, retry
from videlicet.ingest.plan import IndexingPlan
from videlicet.media.sources import find_sources
from videlicet.store import open_store
from videlicet.types import Status

pytestmark = pytest.mark.slow


def worker() -> psutil.Process:
    """The worker process that this one started."""
    for child in psutil.Process().children():
        if "videlicet.worker" in child.cmdline():
            return child
    raise AssertionError("no worker runs")


def killed(rig: Rig, sources: list[Path], delay: float) -> bool:
    """Take sources in, but kill the worker ``delay`` seconds after it began; whether it came to
    that."""
    with rig.writing() as (store, index):
        news = ingest(store.scope(GRANT), store, rig.settings, index, find_sources(sources))
        if all(one.status is not Status.RUNNING for one in news):
            return False
        process = worker()
        timer = threading.Timer(delay, process.kill)
        timer.start()
        died: TaskError | None = None
        try:
            for _ in news:
                pass
        except TaskError as error:
            died = error
        finally:
            timer.cancel()
            timer.join()
    assert died is None or (died.code == "worker_died" and "signal 9" in died.message)
    return died is not None


def kill_again_and_again(rig: Rig, sources: list[Path], moments: Iterator[float]) -> int:
    kills = 0
    for delay in moments:
        if not killed(rig, sources, delay):
            break
        kills += 1
    rig.add(*sources)
    return kills


def test_kills_leave_no_trace(three_videos: list[Path], undisturbed: Rig, rig: Rig) -> None:
    chance = random.Random(20)
    kills = kill_again_and_again(rig, three_videos, (chance.uniform(0, 0.6) for _ in range(3)))
    assert kills >= 1
    assert rig.contents() == undisturbed.contents()
    assert rig.staged == []
    assert set(rig.statuses().values()) == {Status.READY}


@pytest.mark.timeout(1800)
def test_fifty_kills_leave_no_trace(tmp_path: Path) -> None:
    sources = make_videos(tmp_path / "videos", 10, seconds=8)
    calm, hurt = Rig.at(tmp_path / "calm"), Rig.at(tmp_path / "hurt")
    calm.add(*sources)
    chance = random.Random(50)
    kills = 0
    while kills < 50:
        # A whole ingest does not last for fifty kills: it is begun anew when it is through.
        if killed(hurt, sources, chance.uniform(0, 1.5)):
            kills += 1
            continue
        assert hurt.contents() == calm.contents()
        shutil.rmtree(hurt.settings.home)
    hurt.add(*sources)
    assert hurt.contents() == calm.contents()
    assert hurt.staged == []


def test_when_the_caller_dies_its_worker_does_and_another_goes_on(
    three_videos: list[Path], undisturbed: Rig, rig: Rig
) -> None:
    script = f"""
import sys
from tests.ingest.rig import Rig, GRANT, wait_for
from videlicet.ingest import ingest
from videlicet.media.sources import find_sources
from pathlib import Path
rig = Rig.at(Path({str(rig.settings.home)!r}))
with rig.writing() as (store, index):
    videos = find_sources({[*map(str, three_videos)]!r})
    news = ingest(store.scope(GRANT), store, rig.settings, index, videos)
    wait_for(news, stage="observe")
    print("observing", flush=True)
    for _ in news: pass
"""
    with started([sys.executable, "-c", script], stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == b"observing\n"
        family = psutil.Process(caller.pid).children(recursive=True)
        caller.kill()
        gone, alive = psutil.wait_procs(family, timeout=PATIENCE)
        assert not alive
    assert gone
    rig.add(*three_videos)
    assert rig.contents() == undisturbed.contents()


@pytest.mark.embedded("whoever adds does all that is left in the data directory")
def test_what_was_observed_on_a_machine_that_is_gone_is_observed_again(
    three_videos: list[Path], undisturbed: Rig, rig: Rig
) -> None:
    with rig.writing() as (store, index):
        news = ingest(store.scope(GRANT), store, rig.settings, index, find_sources(three_videos))
        wait_for(news, stage="store")
        worker().kill()
        with pytest.raises(TaskError):
            list(news)
    assert Status.RUNNING in rig.statuses().values()
    shutil.rmtree(rig.settings.home / "staging")
    rig.add(*three_videos)
    assert rig.contents() == undisturbed.contents()


def test_closing_the_iterator_stops_the_work_and_keeps_what_is_done(
    three_videos: list[Path], undisturbed: Rig, rig: Rig
) -> None:
    with rig.writing() as (store, index):
        news = ingest(store.scope(GRANT), store, rig.settings, index, find_sources(three_videos))
        wait_for(news, status=Status.READY)
        process = worker()
        news.close()
        assert not process.is_running()
        assert len(store.catalog.tasks(store.scope(GRANT), status=Status.READY)) >= 1
        # Tasks that an earlier call left go on although other sources are named.
        rest = list(
            ingest(store.scope(GRANT), store, rig.settings, index, find_sources(three_videos[:1]))
        )
        assert {n.task_id for n in rest if n.status is Status.READY}
    if rig.settings.database_url:
        rig.add(*three_videos)  # there, what others left is done by whoever waits for it
    assert rig.contents() == undisturbed.contents()


def test_cancelling_takes_everything_back(rig: Rig, tmp_path: Path) -> None:
    long, short = (
        make_videos(tmp_path / "long", 1, seconds=60)[0],
        make_videos(tmp_path / "short", 2)[1],
    )
    with rig.writing() as (store, index):
        news = ingest(store.scope(GRANT), store, rig.settings, index, find_sources([long, short]))
        begun = wait_for(news, stage="observe", source=str(long))
        # Whoever cancels need not be the one who writes.
        with open_store(rig.settings) as reader:
            task = cancel(reader.scope(GRANT), reader, rig.settings, begun.task_id)
            assert task.status is Status.CANCELLED
            with pytest.raises(Conflict) as caught:
                cancel(reader.scope(GRANT), reader, rig.settings, begun.task_id)
            assert caught.value.code == "task_not_cancellable"
            with pytest.raises(NotFound):
                cancel(reader.scope(GRANT), reader, rig.settings, "0" * 24)
        last = {n.source: n for n in news}
        assert last[str(long)].status is Status.CANCELLED
        assert last[str(long)].error is None
        assert last[str(short)].status is Status.READY
        assert [asset.name for asset in store.catalog.assets(store.scope(GRANT))] == [short.name]
        assert rig.staged == []

        with pytest.raises(Conflict) as caught:
            list(retry(store.scope(GRANT), store, rig.settings, [last[str(short)].task_id]))
        assert caught.value.code == "task_not_retryable"
        again = list(retry(store.scope(GRANT), store, rig.settings))
        assert again[-1].task_id == begun.task_id
        assert again[-1].status is Status.READY
        assert store.catalog.task(store.scope(GRANT), begun.task_id).attempts == 2
        assert list(retry(store.scope(GRANT), store, rig.settings)) == []


@pytest.mark.embedded("the one who cancels clears up")
def test_what_was_cancelled_while_nobody_worked_is_swept_up(
    three_videos: list[Path], rig: Rig
) -> None:
    assert killed(rig, three_videos[:1], 0.35)
    (task_id,) = _live(rig)
    with open_store(rig.settings) as reader:
        cancel(reader.scope(GRANT), reader, rig.settings, task_id)
        assert rig.contents()["assets"] == []
        assert rig.staged == []
    # The same by a process that then dies before it can clear up: the next worker does.
    assert killed(rig, three_videos[:1], 0.35)
    with rig.writing() as (store, _):
        (task_id,) = _live(rig)
        store.catalog.update_task(store.scope(GRANT), task_id, status=Status.CANCELLED)
    news = rig.add(three_videos[1])
    assert news[three_videos[1].name].status is Status.READY
    assert [row[2] for row in rig.contents()["assets"]] == [three_videos[1].name]
    assert rig.staged == []


def test_an_asset_removed_while_it_is_taken_in_ends_its_task(rig: Rig, tmp_path: Path) -> None:
    (recording,) = make_videos(tmp_path, 1, seconds=60)
    with rig.writing() as (store, index):
        news = ingest(store.scope(GRANT), store, rig.settings, index, find_sources([recording]))
        wait_for(news, stage="observe")
        (asset,) = store.catalog.assets(store.scope(GRANT))
        store.remove_video(store.scope(GRANT, index.id), asset.id)
        assert list(news)[-1].status is Status.CANCELLED
    assert rig.contents() == {name: [] for name in rig.contents()}
    assert rig.staged == []


def _live(rig: Rig) -> list[str]:
    with open_store(rig.settings) as store:
        return [t.id for t in store.catalog.tasks(store.scope(GRANT)) if not t.status.ended]


@pytest.mark.embedded("the disk holds the journal of another run")
def test_a_full_disk_fails_the_task_and_a_retry_mends_it(rig: Rig, tmp_path: Path) -> None:
    (recording,) = make_videos(tmp_path, 1, seconds=60)
    with rig.writing() as (store, index):
        news = ingest(store.scope(GRANT), store, rig.settings, index, find_sources([recording]))
        wait_for(news, stage="observe")
        news.close()
        (asset,) = store.catalog.assets(store.scope(GRANT))
        chosen = rig.settings
        plan = IndexingPlan(
            index.id, asset.id, str(asset.sha256), asset.name, (), asset.media, CARDS,
            chosen.sample_rate, chosen.segment_min, chosen.segment_max,
        )  # fmt: skip
        journal = rig.settings.home / "staging" / plan.work_name / f"{plan.key}.journal"
        journal.unlink(missing_ok=True)
        journal.parent.mkdir(parents=True, exist_ok=True)
        journal.symlink_to("/dev/full")
        failed = list(ingest(store.scope(GRANT), store, rig.settings, index, []))[-1]
        assert failed.status is Status.FAILED
        assert failed.error is not None
        assert failed.error["code"] == "disk_full"
        assert failed.error["retryable"]
        assert rig.staged == []
        assert rig.contents() == {name: [] for name in rig.contents()}
        assert (
            list(retry(store.scope(GRANT), store, rig.settings, [failed.task_id]))[-1].status
            is Status.READY
        )
    assert rig.contents()["observations"]


@pytest.mark.embedded("the file is read where it is")
def test_a_file_that_changes_while_it_is_read_is_refused(rig: Rig, tmp_path: Path) -> None:
    (recording,) = make_videos(tmp_path, 1)
    with rig.writing() as (store, index):
        news = ingest(store.scope(GRANT), store, rig.settings, index, find_sources([recording]))
        wait_for(news, stage="observe")
        os.utime(recording, ns=(1, 1))
        last = list(news)[-1]
    assert last.error is not None
    assert last.error["code"] == "source_missing"
    assert rig.contents()["assets"] == []


@pytest.mark.embedded("the workflow database is a file")
def test_a_damaged_workflow_database_is_named_and_may_be_deleted(
    three_videos: list[Path], undisturbed: Rig, rig: Rig
) -> None:
    with rig.writing() as (store, index):
        workflows = rig.settings.home / "jobs.sqlite"
        workflows.write_bytes(b"this is no database" * 100)
        with pytest.raises(StoreError) as caught:
            list(ingest(store.scope(GRANT), store, rig.settings, index, find_sources(three_videos)))
        assert caught.value.code == "database_corrupt"
        assert str(workflows) in caught.value.remedy
        workflows.unlink()
        list(ingest(store.scope(GRANT), store, rig.settings, index, []))
    assert rig.contents() == undisturbed.contents()


@pytest.mark.embedded("the workflow database is a file")
def test_a_workflow_database_that_breaks_on_the_way_fails_the_task_alone(
    rig: Rig, tmp_path: Path
) -> None:
    (recording,) = make_videos(tmp_path, 1)
    with rig.writing() as (store, index):
        news = ingest(store.scope(GRANT), store, rig.settings, index, find_sources([recording]))
        wait_for(news, stage="observe")
        workflows = rig.settings.home / "jobs.sqlite"
        with closing(sqlite3.connect(workflows, timeout=30)) as connection:
            connection.execute("DROP TABLE operation_outputs")
        last = list(news)[-1]
        assert last.error is not None
        assert last.error["code"] == "database_error"
        assert store.catalog.task(store.scope(GRANT), last.task_id).status is Status.FAILED
        assert rig.staged == []


def test_a_fault_of_ours_is_an_error_of_the_task(caplog: pytest.LogCaptureFixture) -> None:
    from videlicet.jobs.workflow_engine import outcome

    assert outcome("fine", lambda: {"a": 1}) == {"value": {"a": 1}}
    failed = outcome("observe", lambda: 1 // 0)["error"]
    assert failed["code"] == "task_failed"
    assert "ZeroDivisionError in step observe" in failed["message"]
    assert "Traceback" in caplog.text
