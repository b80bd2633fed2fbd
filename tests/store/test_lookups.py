"""What is looked up again and again is found by an index, not by reading everything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select
from tests.store.samples import MANAGE, SEARCH, THEN, add, asset, everything

from videlicet.errors import StoreError
from videlicet.rights import Scope
from videlicet.store import Store
from videlicet.store.catalog.schema import resource_fields
from videlicet.store.records import VideoFilter
from videlicet.types import AssetStatus, Index, Kind, Resource, Status, VideoStatus, derived_id


def resource(kind: Kind, name: str, **changes: Any) -> Resource:
    values: dict[str, Any] = {
        "id": derived_id(name), "kind": kind, "tenant": MANAGE.tenant, "created_at": THEN,
        "updated_at": THEN, "name": name,
    }  # fmt: skip
    return Resource(**{**values, **changes})


@contextmanager
def _plans(store: Store) -> Iterator[list[str]]:
    """The lines of SQLite's plans for all statements of the block."""
    ran: list[tuple[str, Any]] = []

    def note(_c: Any, _k: Any, statement: str, values: Any, _x: Any, _many: bool) -> None:
        if re.match("SELECT|DELETE|UPDATE", statement):
            ran.append((statement, values))

    plans: list[str] = []
    engines = (store.database.engine, store.database._writers)  # type: ignore[attr-defined]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield plans
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
    with store.database.read_transaction() as connection:
        for statement, values in ran:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            plans += [str(row[3]) for row in plan]


def _mine(store: Store) -> Scope:
    return store.scope(MANAGE)


def _found(store: Store, kind: Kind, **conditions: Any) -> object:
    return store.catalog.find_resources(everything(store), kind, **conditions)


_CALLS: list[tuple[str, Callable[[Store, Index], object]]] = [
    ("tasks by status", lambda s, i: s.catalog.tasks(everything(s), status=Status.RUNNING)),
    (
        "tasks of an index",
        lambda s, i: s.catalog.tasks(s.scope(MANAGE, i.id), status=Status.RUNNING),
    ),
    ("tasks of a tenant", lambda s, i: s.catalog.tasks(_mine(s))),
    (
        "entries by status",
        lambda s, i: s.catalog.videos(everything(s), status=[VideoStatus.INDEXING]),
    ),
    ("assets of a tenant", lambda s, i: s.catalog.assets(_mine(s), limit=10)),
    ("assets by id", lambda s, i: s.catalog.assets(_mine(s), among=["a", "b"])),
    ("names", lambda s, i: s.catalog.names(_mine(s), ["a", "b"])),
    ("ready assets", lambda s, i: s.catalog.find_assets(s.scope(SEARCH, i.id), among=["a"])),
    ("a video by its asset", lambda s, i: s.catalog.videos(_mine(s), asset_id="f")),
    ("a video by its id", lambda s, i: s.catalog.videos(_mine(s), ids=["f"])),
    (
        "an item of a knowledge store",
        lambda s, i: s.catalog.find_videos(s.scope(SEARCH, i.id), VideoFilter(item_id="f")),
    ),
    ("tasks of a video", lambda s, i: s.catalog.tasks(_mine(s), video_id="v")),
    ("an imported file", lambda s, i: s.catalog.list_assets(_mine(s), connector=("a", "b"))),
    ("analyses of an upload", lambda s, i: _found(s, Kind.ANALYSIS, body=[(["own"], "==", "f")])),
    ("assets of a tenant, page by page", lambda s, i: s.catalog.list_assets(_mine(s), limit=10)),
    (
        "assets that wait",
        lambda s, i: s.catalog.asset_keys(everything(s), status=[AssetStatus.PROCESSING]),
    ),
    ("waiting work", lambda s, i: _found(s, Kind.EMBEDDING, status=["processing"])),
    (
        "what has expired",
        lambda s, i: s.catalog.delete_resources(
            everything(s), Kind.IDEMPOTENT_RESPONSE, expired=datetime.now(UTC)
        ),
    ),
    ("a match that goes", lambda s, i: s.catalog.delete_match_deliveries(everything(s), "m")),
    (
        "an asset that goes",
        lambda s, i: s.remove_video(s.scope(MANAGE, i.id), asset("video.mp4").id),
    ),
    ("whether all is well", lambda s, i: s.ping()),
]


@pytest.mark.embedded("SQLite says how it looks things up")
@pytest.mark.parametrize(("name", "call"), _CALLS, ids=[name for name, _ in _CALLS])
def test_nothing_is_read_as_a_whole(
    store: Store, index: Index, name: str, call: Callable[[Store, Index], object]
) -> None:
    add(store, index, "video.mp4")
    with _plans(store) as plans:
        call(store, index)
    assert plans
    large = "assets|videos|tasks|resources|resource_fields|observations|text_rows|slots"
    scans = [line for line in plans if re.match(rf"SCAN ({large})\b", line)]
    assert scans == []


def test_what_a_resource_is_looked_up_by_follows_its_body(store: Store) -> None:
    catalog = store.catalog

    def analyses(own: str) -> list[str]:
        found, total = catalog.find_resources(
            store.scope(MANAGE), Kind.ANALYSIS, body=[(("own",), "==", own)]
        )
        assert len(found) == total
        return [one.name for one in found]

    for name in ("a", "b"):
        made = resource(Kind.ANALYSIS, name, body={"own": "f1"})
        catalog.put_resource(store.scope(MANAGE), made)
    catalog.put_resource(store.scope(MANAGE), resource(Kind.ENTITY, "c", body={"own": "f1"}))
    assert sorted(analyses("f1")) == ["a", "b"]
    catalog.update_resource(store.scope(MANAGE), Kind.ANALYSIS, derived_id("a"), body={"own": "f2"})
    assert (analyses("f1"), analyses("f2")) == (["b"], ["a"])
    made = resource(Kind.ANALYSIS, "b", body={"own": "f3"})
    catalog.put_resource(store.scope(MANAGE), made)
    assert (analyses("f1"), analyses("f3")) == ([], ["b"])
    other = store.scope(MANAGE.within("other"))
    assert catalog.find_resources(other, Kind.ANALYSIS, body=[(("own",), "==", "f3")]) == ([], 0)
    for name in ("a", "b"):
        catalog.delete_resource(store.scope(MANAGE), Kind.ANALYSIS, derived_id(name))
    with store.database.read_transaction() as connection:
        left = select(func.count()).select_from(resource_fields)
        assert connection.execute(left).scalar() == 0


def test_lists_leave_large_parts_of_bodies_out(store: Store) -> None:
    body = {"vectors": [[0.5] * 100], "model": "m", "n'\"": 1}
    store.catalog.put_resource(store.scope(MANAGE), resource(Kind.EMBEDDING, "a", body=body))
    ((row,), total) = store.catalog.find_resources(
        store.scope(MANAGE), Kind.EMBEDDING, omit=["vectors"]
    )
    assert (row.body, total) == ({"model": "m", "n'\"": 1}, 1)
    ((row,), _) = store.catalog.find_resources(
        store.scope(MANAGE), Kind.EMBEDDING, omit=["vectors", "model"]
    )
    assert dict(row.body) == {"n'\"": 1}
    ((row,), _) = store.catalog.find_resources(store.scope(MANAGE), Kind.EMBEDDING)
    assert row.body == body


@pytest.mark.parametrize("ascending", [True, False])
def test_lists_are_sorted_by_numbers_in_bodies(store: Store, ascending: bool) -> None:
    durations = [3.5, None, 12, 3.5, 0.25]
    for n, duration in enumerate(durations):
        store.catalog.put_resource(
            store.scope(MANAGE),
            resource(
                Kind.ENTITY, str(n), created_at=THEN + timedelta(seconds=n),
                body={} if duration is None else {"duration": duration},
            ),
        )  # fmt: skip
    rows, total = store.catalog.find_resources(
        store.scope(MANAGE),
        Kind.ENTITY,
        by_number="duration",
        ascending=ascending,
        offset=1,
        limit=3,
    )
    expected = ["1", "4", "0", "3", "2"]
    assert [row.name for row in rows] == (expected if ascending else expected[::-1])[1:4]
    assert total == 5


def test_a_store_that_does_not_answer_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.ping()

    def broken(**_: object) -> object:
        raise StoreError("store_unreachable", "gone")

    monkeypatch.setattr(store.database, "read_transaction", broken)
    with pytest.raises(StoreError, match="gone"):
        store.ping()
