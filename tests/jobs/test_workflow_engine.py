"""The durable engine, over kinds of jobs that are made up here."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from tests.ingest.rig import GRANT, Rig, wait_for
from tests.ingest.test_worker import Faulty, until

from videlicet.ingest import Progress
from videlicet.ingest.tasks import submit
from videlicet.jobs import polling, workflow_engine
from videlicet.jobs.client import WorkerProcess
from videlicet.jobs.context import WorkerContext
from videlicet.jobs.kinds import SHORT_QUEUE, JobKind, JobQueue, JobRun, PendingJob
from videlicet.jobs.workflow_engine import WorkflowEngine
from videlicet.media.sources import find_sources
from videlicet.types import Asset, AssetStatus, Kind, Resource, Status

pytestmark = [pytest.mark.timeout(300), pytest.mark.embedded("the engine's database is a file")]


class Toy(JobKind):
    """Jobs in memory: each waits until it is let go, and then ends."""

    name = "toy"
    queue = SHORT_QUEUE

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self.live: dict[str, PendingJob] = {}
        self.ran: list[str] = []
        self.refreshed: list[str] = []
        self.go = threading.Event()
        self.go.set()
        self.work: Callable[[str], str] = lambda id: "done"
        self.forgets = False

    def add(self, id: str, *, delay: float = 0.0, tenant: str = "local") -> None:
        self.live[id] = PendingJob(f"toy.{id}", tenant, (tenant, id), delay)
        self.context.work_available.set()

    def run(self, job: JobRun, *args: str) -> str:
        _, id = args
        ended = str(job.step("work", lambda: self._work(id)))
        if not self.forgets:
            self.live.pop(id, None)
        return ended

    def _work(self, id: str) -> str:
        self.go.wait()
        ended = self.work(id)
        self.ran.append(id)
        return ended

    def pending(self) -> Iterable[PendingJob]:
        return [replace(job, delay=0.0) for job in list(self.live.values())]

    def refresh(self, job: PendingJob) -> PendingJob | None:
        self.refreshed.append(job.args[1])
        return self.live.get(job.args[1])


@pytest.fixture
def toy(rig: Rig) -> Iterator[Toy]:
    with rig.working() as (context, _):
        yield Toy(context.worker)


@contextmanager
def running(*kinds: JobKind) -> Iterator[WorkflowEngine]:
    engine = WorkflowEngine(kinds[0].context, kinds)
    engine.open()
    try:
        engine.enqueue()
        yield engine
    finally:
        engine.close()


def test_a_job_is_run_at_once_when_somebody_says_that_it_is_there(toy: Toy) -> None:
    with running(toy):
        time.sleep(2 * polling.EXPECT)  # nothing is expected any more
        began = time.monotonic()
        toy.add("a")
        until(lambda: toy.ran == ["a"])
        assert time.monotonic() - began < workflow_engine.LOOK_EVERY / 2


def test_a_job_is_found_where_nobody_says_anything(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow_engine, "LOOK_EVERY", 0.1)
    with running(toy):
        toy.live["a"] = PendingJob("toy.a", "local", ("local", "a"))
        until(lambda: toy.ran == ["a"])


def test_a_job_is_run_whose_signal_was_lost(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow_engine, "LOOK_EVERY", 0.2)
    with running(toy) as engine:
        time.sleep(2 * polling.EXPECT)
        lost = Faulty()
        lost.calls = 2
        poller: Any = engine._pollers[toy.queue.name]
        wake = poller.wake

        def wake_later() -> None:
            lost()
            if lost.calls > 3:
                wake()

        monkeypatch.setattr(poller, "wake", wake_later)
        toy.add("a")
        until(lambda: toy.ran == ["a"])


def test_a_delayed_job_is_run_when_it_is_due(toy: Toy) -> None:
    with running(toy):
        began = time.monotonic()
        toy.add("later", delay=1.5)
        until(lambda: toy.ran == ["later"])
        assert 1.4 < time.monotonic() - began < 10


def test_a_place_that_becomes_free_is_taken_at_once(toy: Toy) -> None:
    with running(toy) as engine:
        toy.go.clear()
        for n in range(8):
            toy.add(f"job{n}")
        until(lambda: len(toy.refreshed) == 8)
        most = toy.context.settings.max_tasks_per_tenant
        until(lambda: engine._running == most)
        toy.go.set()
        until(lambda: len(toy.ran) == 8)


def test_an_idle_engine_asks_its_databases_rarely(toy: Toy) -> None:
    statements: list[str] = []

    def count(*values: Any) -> None:
        statements.append(values[2])

    with running(toy) as engine:
        toy.add("a")
        until(lambda: toy.ran == ["a"])
        time.sleep(2 * polling.EXPECT)
        for one in (engine._engine, toy.context.store.database.engine):
            event.listen(one, "before_cursor_execute", count)
        polls = [poller.signal.polls for poller in engine._pollers.values()]
        time.sleep(6)
        assert [poller.signal.polls for poller in engine._pollers.values()] == polls
        assert len(statements) / 6 < 6


def test_what_waits_is_not_read_again_at_each_notification(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(toy) as engine:
        toy.go.clear()
        for n in range(20):
            toy.add(f"job{n}")
        until(lambda: len(toy.refreshed) == 20)
        looked_up: list[str] = []
        statuses = workflow_engine._statuses

        def look_up(ids: Iterable[str]) -> dict[str, str]:
            looked_up.extend(found := list(ids))
            return statuses(found)

        monkeypatch.setattr(workflow_engine, "_statuses", look_up)
        for _ in range(5):
            engine.enqueue()
        assert looked_up == []
        toy.add("one more")
        until(lambda: "one more" in toy.refreshed)
        assert looked_up == ["toy.one more"]
        assert len(toy.refreshed) == 21
        toy.go.set()
        until(lambda: len(toy.ran) == 21)


def test_a_job_whose_workflow_ended_without_telling_is_begun_again(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow_engine, "EXAMINE_EVERY", 0.0)
    monkeypatch.setattr(workflow_engine, "LOOK_EVERY", 0.1)
    toy.forgets = True
    with running(toy):
        toy.add("a")
        until(lambda: toy.ran == ["a", "a"])
        toy.forgets = False
        toy.live.clear()


def test_new_work_is_begun_after_any_fault(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pending, sweep = Faulty(list), Faulty()
    monkeypatch.setattr(workflow_engine, "SWEEP_EVERY", 0.0)
    monkeypatch.setattr(toy, "sweep", sweep)
    with running(toy):
        monkeypatch.setattr(toy, "pending", pending)

        def notified(calls: Callable[[], int], count: int) -> None:
            def again() -> bool:
                toy.context.work_available.set()
                return calls() >= count

            until(again)

        notified(lambda: pending.calls, 4)
        notified(lambda: sweep.calls, 4)
    logged = [one for one in caplog.records if one.message == "new jobs wait"]
    assert len(logged) == 4
    assert all(one.levelno == logging.ERROR and one.exc_info for one in logged)


def test_a_tenant_does_not_wait_for_all_jobs_of_another(toy: Toy) -> None:
    with running(toy) as engine:
        toy.go.clear()
        for n in range(8):
            toy.add(f"job{n}", tenant="busy")
        until(lambda: engine._running == toy.context.settings.max_tasks_per_tenant)
        toy.add("mine", tenant="other")
        until(lambda: engine._running == toy.context.settings.max_tasks_per_tenant + 1)
        toy.go.set()
        until(lambda: len(toy.ran) == 9)


def test_a_queue_with_places_of_its_own_knows_no_tenants() -> None:
    assert not JobQueue("q", slots=3).by_tenant
    assert JobQueue("q").by_tenant


def test_names_that_are_stored_stay(rig: Rig) -> None:
    """Work that was accepted by an older program is in these queues under these names."""
    from videlicet.worker import job_kinds

    with rig.working() as (context, _):
        kinds = job_kinds(context.worker)
        assert {one.name: one.queue.name for one in kinds} == {
            "ingest": "ingest-by-tenant",
            "prepare": "short-by-tenant",
            "embed": "short-by-tenant",
            "analyze": "analyses-by-tenant",
            "try": "short-by-tenant",
            "deliver": "deliveries",
        }
        for one in kinds:
            one.close()


#: Puts workflows into the engine's database as the first version of this program did.
_OLDER = """
import json, sys
from dbos import DBOS
from dbos._serialization import DBOSPortableJSON
DBOS(config={
    "name": "videlicet", "system_database_url": "sqlite:///" + sys.argv[1],
    "dbos_system_schema": "dbos", "application_version": "1", "executor_id": "worker",
    "serializer": DBOSPortableJSON, "log_level": "ERROR",
})
DBOS.listen_queues([])
DBOS.launch()
for options, args in json.loads(sys.argv[2]):
    DBOS.enqueue_workflow_with_options(options, *args)
DBOS.destroy()
"""


@pytest.mark.slow
def test_work_that_an_older_program_began_goes_on(rig: Rig, three_videos: list[Path]) -> None:
    now = datetime.now(UTC)
    with rig.writing() as (store, index):
        scope = store.scope(GRANT)
        (task,) = submit(scope, store, index, find_sources([three_videos[0]]))
        asset = Asset("f1", "f1", now, status=AssetStatus.PROCESSING, method="direct")
        store.catalog.put_asset(scope, asset)
        body = {"file_id": "f1", "facts": {}, "request": {}}
        store.catalog.put_resource(
            scope,
            Resource("e1", Kind.EMBEDDING, "local", now, now, "processing", name="e1", body=body),
        )
        short = {"queue_name": "short-by-tenant", "queue_partition_key": "local"}
        began = [
            (
                {
                    "queue_name": "ingest-by-tenant", "workflow_name": "ingest",
                    "workflow_id": f"{task.id}.1", "queue_partition_key": "local",
                },
                [task.id],
            ),
            ({**short, "workflow_name": "prepare", "workflow_id": "prepare.f1"}, ["local", "f1"]),
            ({**short, "workflow_name": "embed", "workflow_id": "embed.e1"}, ["local", "e1"]),
        ]  # fmt: skip
        place = str(rig.settings.home / workflow_engine.DATABASE)
        subprocess.run(
            [sys.executable, "-c", _OLDER, place, json.dumps(began)], check=True, timeout=60
        )
        with WorkerProcess(scope, store, rig.settings) as worker:
            events = map(Progress.from_json, worker.events())
            assert wait_for(events, task_id=task.id, status=Status.READY)
            until(lambda: store.catalog.asset(scope, "f1").status == "failed")
            until(lambda: store.catalog.resource(scope, Kind.EMBEDDING, "e1").status == "failed")
            worker.stop()
        assert store.catalog.task(scope, task.id).attempts == 1


def test_what_was_broken_off_goes_on_however_busy_the_machine_is(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DBOS puts it back into its queues in a thread, which may be slow."""
    from dbos import _recovery

    recover, end_polling = _recovery._recover_workflow, workflow_engine.end_polling

    def slow(*values: Any) -> Any:
        time.sleep(1)
        return recover(*values)

    def late() -> None:
        time.sleep(0.5)  # that thread has begun
        end_polling()

    monkeypatch.setattr(_recovery, "_recover_workflow", slow)
    monkeypatch.setattr(workflow_engine, "end_polling", late)
    ids = ["a", "b", "c"]
    short = {"queue_name": SHORT_QUEUE.name, "queue_partition_key": "local"}
    began = [
        ({**short, "workflow_name": "toy", "workflow_id": f"toy.{id}"}, ["local", id]) for id in ids
    ]
    place = toy.context.settings.home / workflow_engine.DATABASE
    subprocess.run(
        [sys.executable, "-c", _OLDER, str(place), json.dumps(began)], check=True, timeout=60
    )
    with closing(sqlite3.connect(place)) as database, database:
        database.execute(
            "UPDATE workflow_status SET status = 'PENDING', executor_id = 'worker', "
            "application_version = '1'"
        )
    for id in ids:
        toy.add(id)
    with running(toy):
        until(lambda: sorted(toy.ran) == ids)
    assert sorted(toy.ran) == ids
