"""A worker's ends, and its threads: nothing that goes wrong once ends them for good."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout
from tests.ingest.rig import CARDS, GRANT, Rig, make_videos, put_asset

from videlicet.errors import Conflict
from videlicet.jobs import client as workers
from videlicet.media.probe import probe
from videlicet.types import Kind, Resource, Status


def until(happened: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Faulty:
    """Fails in ever other ways, and then works."""

    def __init__(self, works: Callable[..., Any] = lambda *_, **__: None) -> None:
        self.calls = 0
        self._works = works

    def __call__(self, *values: Any, **options: Any) -> Any:
        self.calls += 1
        match self.calls:
            case 1:
                raise OSError(28, "No space left on device")
            case 2:
                raise RuntimeError("as the library beneath may raise")
        return self._works(*values, **options)


@pytest.mark.timeout(120)
@pytest.mark.embedded("whoever adds does all that is left in the data directory")
def test_adding_ends_while_the_worker_is_at_something_else(rig: Rig, tmp_path: Path) -> None:
    """An embedding that a server which was killed has left goes on at the next start."""
    long, short = (
        make_videos(tmp_path / "long", 1, seconds=90)[0],
        make_videos(tmp_path / "short", 2, 2)[1],
    )
    now = datetime.now(UTC)
    models = ",".join(f"{role}={id}" for role, id in CARDS.items())
    rig = Rig.at(rig.settings.home, models=models, threads=1)
    with rig.writing() as (store, _):
        put_asset(store, "f1", source=str(long), recording=probe(long, rig.settings))
        request = {
            "options": ["visual", "audio", "transcription"], "scopes": ["clip"],
            "types": ["separate"], "clip": 6.0,
        }  # fmt: skip
        body = {"file_id": "f1", "facts": {"input_type": "video"}, "request": request}
        for n in range(16):
            store.catalog.put_resource(
                store.scope(GRANT),
                Resource(f"e{n}", Kind.EMBEDDING, "local", now, now, "processing", body=body),
            )
    began = time.monotonic()
    assert rig.add(short)[short.name].status is Status.READY
    assert time.monotonic() - began < 60
    with rig.writing() as (store, _):
        left, _ = store.catalog.find_resources(store.scope(GRANT), Kind.EMBEDDING)
        assert "processing" in {one.status for one in left}
        assert "failed" not in {one.status for one in left}


@pytest.mark.timeout(60)
def test_a_worker_that_does_not_end_is_ended(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MAX_SHUTDOWN", 0.2)
    with (
        rig.writing() as (store, _),
        workers.WorkerProcess(store.scope(GRANT), store, rig.settings) as worker,
    ):
        process = psutil.Process(worker.pid)
        process.suspend()
        worker.stop()
        assert not process.is_running()


def test_copies_are_looked_after_again_after_any_fault(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from videlicet.jobs import maintenance

    monkeypatch.setattr(maintenance, "EVERY", 0.01)
    evict = Faulty()
    store: Any = SimpleNamespace(evict_stale_copies=evict, build_due_indexes=lambda: None)
    with maintenance.StoreMaintenance(store):
        until(lambda: evict.calls > 3)
    assert caplog.text.count("the store is not maintained") == 2
    assert "Traceback" in caplog.text


def test_other_workers_are_looked_after_again_after_any_fault(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from videlicet.jobs import failover

    look = Faulty(lambda **_: [])
    monkeypatch.setattr(failover, "EVERY", 0.01)
    monkeypatch.setattr(failover.DBOS, "list_workflows", look)
    lease: Any = SimpleNamespace(worker_id="me")
    monitor = failover.FailoverMonitor(lease, lambda: None)
    monitor.start()
    until(lambda: look.calls > 3)
    monitor.stop()
    assert caplog.text.count("cannot look after other workers") == 2


def test_cancelled_tasks_are_noticed_after_any_fault(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from videlicet.ingest import cancellation

    monkeypatch.setattr(cancellation, "WATCH_EVERY", 0.01)
    with rig.working() as (context, _):
        task = Faulty(lambda *_: SimpleNamespace(status=Status.CANCELLED))
        monkeypatch.setattr(context.store.catalog, "task", task)
        assert context.cancellation.watch("t1").wait(20)
    assert caplog.text.count("cannot look whether work was cancelled") == 2


def use_up(engine: Engine, held: list[Any]) -> None:
    with suppress(PoolTimeout):
        while len(held) < 100:
            held.append(engine.connect())


def test_a_write_that_finds_every_connection_in_use_is_a_conflict(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rig.writing() as (store, _):
        writers: Any = store.database._writers  # type: ignore[attr-defined]
        monkeypatch.setattr(writers.pool, "_timeout", 0.05)
        held: list[Any] = []
        try:
            use_up(writers, held)
            with pytest.raises(Conflict) as caught:
                store.catalog.create_index(store.scope(GRANT), "another", CARDS)
            assert len(store.catalog.indexes(store.scope(GRANT))) == 1
        finally:
            for one in held:
                one.close()
        assert caught.value.code == "database_locked"
        assert caught.value.retryable
        store.catalog.create_index(store.scope(GRANT), "another", CARDS)
