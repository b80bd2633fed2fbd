"""Resources and keys: kept, found and isolated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.errors import NotFound, NotPermitted, StoreError
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.settings import load
from videlicet.store import Store, open_store
from videlicet.types import Kind, Resource, random_id

MINE = Grant("tests", Purpose.MANAGE, "mine")
YOURS = Grant("tests", Purpose.MANAGE, "yours")
ALL = Grant("tests", Purpose.MANAGE, EVERY_TENANT)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    settings = load(tmp_path_factory.mktemp("resources") / "home")
    with open_store(settings, write=True, create=True) as one:
        yield one


def made(parent: str, number: int = 0, **fields: Any) -> Resource:
    values: dict[str, Any] = {
        "id": random_id(),
        "kind": Kind.ENTITY,
        "tenant": "mine",
        "created_at": NOW + timedelta(seconds=number),
        "updated_at": NOW + timedelta(seconds=number),
        "parent": parent,
    }
    return Resource(**{**values, **fields})


def test_a_resource_is_what_was_put(store: Store) -> None:
    one = made(
        "p", status="ready", name="Straße \ud800", expires_at=NOW, body={"a": [1, None, {"b": "ü"}]}
    )
    store.catalog.put_resource(store.scope(MINE), one)
    assert store.catalog.resource(store.scope(MINE), Kind.ENTITY, one.id) == one
    changed = store.catalog.update_resource(
        store.scope(MINE),
        Kind.ENTITY,
        one.id,
        when=["ready"],
        status="failed",
        name="new",
        body={"c": 1},
    )
    assert (changed.status, changed.name) == ("failed", "new")
    assert changed.body == {**one.body, "c": 1}
    assert changed.updated_at > one.updated_at
    same = store.catalog.update_resource(
        store.scope(MINE), Kind.ENTITY, one.id, when=["ready"], status="queued"
    )
    assert same == changed
    store.catalog.put_resource(store.scope(MINE), one)
    assert store.catalog.resource(store.scope(MINE), Kind.ENTITY, one.id) == one
    store.catalog.delete_resource(store.scope(MINE), Kind.ENTITY, one.id)
    for call in (
        lambda: store.catalog.resource(store.scope(MINE), Kind.ENTITY, one.id),
        lambda: store.catalog.delete_resource(store.scope(MINE), Kind.ENTITY, one.id),
        lambda: store.catalog.update_resource(store.scope(MINE), Kind.ENTITY, one.id, status="x"),
    ):
        with pytest.raises(NotFound, match="entity"):
            call()


def test_tenants_are_apart(store: Store) -> None:
    one = made("tenants")
    store.catalog.put_resource(store.scope(MINE), one)
    with pytest.raises(NotFound):
        store.catalog.resource(store.scope(YOURS), Kind.ENTITY, one.id)
    with pytest.raises(NotFound):
        store.catalog.update_resource(store.scope(YOURS), Kind.ENTITY, one.id, status="x")
    with pytest.raises(NotFound):
        store.catalog.delete_resource(store.scope(YOURS), Kind.ENTITY, one.id)
    assert store.catalog.delete_resources(store.scope(YOURS), Kind.ENTITY, parent="tenants") == 0
    assert store.catalog.find_resources(store.scope(YOURS), Kind.ENTITY, parent="tenants") == (
        [],
        0,
    )
    assert store.catalog.find_resources(store.scope(ALL), Kind.ENTITY, parent="tenants") == (
        [one],
        1,
    )
    assert store.catalog.delete_resources(store.scope(MINE), Kind.ENTITY, parent="tenants") == 1


def test_finding(store: Store) -> None:
    rows = [
        made(
            "find", n, name=f"Film {n}", status="ready" if n % 2 else "queued",
            body={"n": n, "text": str(n), "even": n % 2 == 0, "deep": {"n": n / 2}},
        )
        for n in range(6)
    ]  # fmt: skip
    for row in rows:
        store.catalog.put_resource(store.scope(MINE), row)

    def found(**conditions: Any) -> list[int]:
        got, total = store.catalog.find_resources(
            store.scope(MINE), Kind.ENTITY, parent="find", **conditions
        )
        if not {"limit", "offset"} & set(conditions):
            assert total == len(got)
        return [int(row.body["n"]) for row in got]

    assert found() == [5, 4, 3, 2, 1, 0]
    assert found(ascending=True, offset=2, limit=2) == [2, 3]
    assert found(status=["ready"]) == [5, 3, 1]
    assert found(name="Film 3") == [3]
    assert found(named_like="fILM") == [5, 4, 3, 2, 1, 0]
    assert found(named_like="%") == []
    assert found(since=NOW + timedelta(seconds=4)) == [5, 4]
    assert found(until=NOW + timedelta(seconds=1)) == [1, 0]
    assert found(updated_since=NOW + timedelta(seconds=5)) == [5]
    assert found(ids=[rows[2].id, "x"]) == [2]
    assert found(body=[(["n"], ">=", 2), (["n"], "<=", 3)]) == [3, 2]
    assert found(body=[(["text"], "==", "4")]) == [4]
    assert found(body=[(["even"], "==", True)]) == [4, 2, 0]
    assert found(body=[(["deep", "n"], "==", 2.5)]) == [5]
    assert found(body=[(["missing"], "==", 1)]) == []


@given(st.text(max_size=20).filter(lambda t: "\x00" not in t))
def test_any_name_can_be_found(store: Store, name: str) -> None:
    one = made("names", name=name)
    store.catalog.put_resource(store.scope(MINE), one)
    got, _ = store.catalog.find_resources(
        store.scope(MINE), Kind.ENTITY, parent="names", named_like=name
    )
    assert one in got
    store.catalog.delete_resource(store.scope(MINE), Kind.ENTITY, one.id)


def test_what_has_expired_goes(store: Store) -> None:
    old = made("", kind=Kind.SEARCH, expires_at=NOW)
    new = made("", kind=Kind.SEARCH, expires_at=NOW + timedelta(days=1))
    for one in (old, new):
        store.catalog.put_resource(store.scope(MINE), one)
    assert (
        store.catalog.delete_resources(
            store.scope(MINE), Kind.SEARCH, expired=NOW + timedelta(hours=1)
        )
        == 1
    )
    assert store.catalog.find_resources(store.scope(MINE), Kind.SEARCH)[0] == [new]


def test_purposes_and_readers(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotPermitted):
        store.catalog.put_resource(store.scope(Grant("t", Purpose.TRAIN, "mine")), made("x"))
    with pytest.raises(NotPermitted):
        store.catalog.find_resources(store.scope(Grant("t", Purpose.SHARE, "mine")), Kind.ENTITY)
    settings = load(tmp_path / "home")
    open_store(settings, write=True, create=True).close()
    with open_store(settings) as reader, pytest.raises(StoreError):
        reader.catalog.put_resource(reader.scope(MINE), made("x"))


@pytest.mark.embedded("looks into the database file")
def test_keys(store: Store) -> None:
    key, secret = store.catalog.create_key(store.scope(MINE), "laptop", scopes=["read"])
    assert store.catalog.key_of(secret) == key
    assert secret.startswith(key.prefix)
    assert store.catalog.key_of(secret + "x") is None
    assert secret.encode() not in (store.home.database).read_bytes()
    assert key in store.catalog.keys(store.scope(MINE))
    assert key in store.catalog.keys(store.scope(ALL))
    assert key not in store.catalog.keys(store.scope(YOURS))
    with pytest.raises(NotFound):
        store.catalog.revoke_key(store.scope(YOURS), key.id)
    gone = store.catalog.revoke_key(store.scope(MINE), key.id)
    assert gone.revoked_at is not None
    assert store.catalog.revoke_key(store.scope(MINE), key.id) == gone
    assert store.catalog.key_of(secret) is None
    _, late = store.catalog.create_key(store.scope(MINE), "late", expires_at=NOW)
    assert store.catalog.key_of(late) is None
    with pytest.raises(NotPermitted):
        store.catalog.create_key(store.scope(Grant("t", Purpose.SEARCH, "mine")), "x")


def test_indexes_of_tenants(store: Store) -> None:
    mine = store.catalog.create_index(store.scope(MINE), "videos", {})
    yours = store.catalog.create_index(store.scope(YOURS), "videos", {}, {"addons": ["thumbnail"]})
    assert store.catalog.index(store.scope(MINE), "videos").id == mine.id
    assert store.catalog.index(store.scope(YOURS), "videos").options == {"addons": ["thumbnail"]}
    assert store.catalog.indexes(store.scope(MINE)) == [mine]
    with pytest.raises(NotFound):
        store.catalog.index(store.scope(MINE), yours.id)
    store.catalog.rename_index(store.scope(MINE, mine.id), "others")
    assert store.catalog.index(store.scope(MINE), mine.id).name == "others"
    with pytest.raises(NotFound):
        store.catalog.rename_index(store.scope(YOURS, mine.id), "stolen")
    with pytest.raises(NotFound):
        store.delete_index(store.scope(YOURS, mine.id))
    store.delete_index(store.scope(MINE, mine.id))
