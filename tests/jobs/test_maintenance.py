"""What a process does with a store now and then, on the store of a data directory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.store.samples import INGEST, MANAGE, SEARCH, SPACE, THEN, add, settings, vectors

from videlicet.errors import NotFound
from videlicet.jobs import maintenance
from videlicet.jobs.maintenance import StoreMaintenance
from videlicet.rights import Grant, Purpose
from videlicet.store import Store, open_store
from videlicet.types import Kind, Modality, Resource, derived_id

ROWS = 8

pytestmark = pytest.mark.embedded("about the files of a data directory")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    chosen = settings(tmp_path / "home", ann_threshold_rows=ROWS)
    with open_store(chosen, write=True, create=True) as opened:
        yield opened


@contextmanager
def maintained(store: Store, monkeypatch: pytest.MonkeyPatch, *, builds: bool) -> Iterator[None]:
    """The block runs after some rounds of maintenance were begun and ended."""
    monkeypatch.setattr(maintenance, "EVERY", 0.01)
    rounds = threading.Semaphore(0)
    usual: Callable[[], None] = store.evict_stale_copies

    def counted() -> None:
        usual()
        rounds.release()

    monkeypatch.setattr(store, "evict_stale_copies", counted)
    with StoreMaintenance(store, builds=builds):
        # The round after the last one of a worker that builds, so that it has built.
        for _ in range(maintenance.BUILD_AFTER + 1):
            assert rounds.acquire(timeout=60)
        yield


def test_what_has_expired_goes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = Grant("tester", Purpose.INDEX)
    for name, expires in (("old", THEN), ("new", THEN + timedelta(days=100_000))):
        id = derived_id(name)
        made = Resource(id, Kind.SEARCH, "local", THEN, THEN, expires_at=expires, body={})
        store.catalog.put_resource(store.scope(grant), made)
    with maintained(store, monkeypatch, builds=False):
        scope = store.scope(SEARCH)
        assert store.catalog.resource(scope, Kind.SEARCH, derived_id("new"))
        with pytest.raises(NotFound):
            store.catalog.resource(scope, Kind.SEARCH, derived_id("old"))


def test_erasures_that_something_was_in_the_way_of_are_finished(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = store.catalog.create_index(store.scope(INGEST), "main", {})
    made = add(store, index, "video.mp4", word="zanzibar")
    with monkeypatch.context() as patched:
        # As where a reader keeps the write-ahead log from being emptied.
        patched.setattr(store.database, "checkpoint", lambda timeout=0.0: False)
        store.remove_video(store.scope(MANAGE, index.id), made.id)
    assert _pending(store)
    with maintained(store, monkeypatch, builds=False):
        assert not _pending(store)


@pytest.mark.parametrize("builds", [True, False])
def test_a_process_that_builds_builds_the_indexes_that_are_due(
    store: Store, monkeypatch: pytest.MonkeyPatch, builds: bool
) -> None:
    index = store.catalog.create_index(store.scope(INGEST), "main", {})
    with monkeypatch.context() as patched:
        patched.setattr(store.vectors, "_build_if_due", lambda *_: None)
        made = add(store, index, "video.mp4")
        rows = vectors(made, 4 * ROWS)
        store.vectors.put(store.scope(INGEST, index.id), Modality.SPEECH, SPACE, made.id, rows)

    def is_exact() -> bool:
        return store.vectors.is_exact(store.scope(SEARCH, index.id), Modality.SPEECH, SPACE)

    assert is_exact()
    with maintained(store, monkeypatch, builds=builds):
        assert is_exact() is not builds


def test_it_ends_at_once(store: Store) -> None:
    with StoreMaintenance(store):
        assert maintenance.EVERY > 1  # the end is not waited for as long as that
    assert not [one for one in threading.enumerate() if one.name == "maintenance"]


def _pending(store: Store) -> int:
    from sqlalchemy import func, select

    from videlicet.store.catalog.schema import erasures

    with store.database.read_transaction() as connection:
        return int(connection.execute(select(func.count()).select_from(erasures)).scalar_one())
