"""Every public method of a store, within the scope of another tenant and for a purpose that is not
allowed. Methods are found by looking at the store, so none can be forgotten."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.store.samples import (
    SPACE,
    THEN,
    asset,
    entry,
    observations,
    settings,
    task,
    texts,
    vectors,
)

from videlicet.errors import NotFound, NotPermitted, VidelicetError
from videlicet.rights import Decisions, Grant, IndexScope, Purpose, Scope
from videlicet.store import Store, open_store
from videlicet.store.catalog.schema import metadata
from videlicet.store.records import VideoFilter
from videlicet.types import (
    Asset,
    AssetStatus,
    Index,
    Kind,
    Modality,
    Resource,
    Span,
    Status,
    Video,
    VideoStatus,
    match_id,
    random_id,
)

#: Stands in everything of the owner's that has a text.
CANARY = "zqxjkcanary"
SPEECH = Modality.SPEECH
#: When resources expire: later than any test, since what has expired is swept away.
LATE = THEN.replace(year=9000)
#: The public parts of a store, each looked at; and what is public but holds nothing stored.
PARTS = ("catalog", "texts", "vectors", "blobs")
NOTHING_STORED = {"home", "writable", "policy"}
#: The database is public for its locks and its name; whoever has it is a part of the store.
RAW = {"database"}
#: No purpose of any operation: each of them needs the word of an owner.
NEVER = (Purpose.TRAIN, Purpose.SHARE, Purpose.IDENTIFY)


class Lenient:
    """Permits every purpose, so that only methods refuse any."""

    name = "lenient"
    selective = False

    def decide_many(self, grant: Grant, purpose: Purpose, asset_ids: Collection[str]) -> Decisions:
        return Decisions(frozenset(asset_ids))


@dataclass(frozen=True)
class World:
    """A store in which one tenant has one of everything, and another has an index."""

    store: Store
    index: Index
    asset: Asset
    secret: str
    key: str
    before: Mapping[str, set[str]]

    def scope(self, purpose: Purpose, tenant: str) -> Scope:
        return self.store.scope(Grant("tester", purpose, tenant))

    def at(self, purpose: Purpose, tenant: str, index: str) -> IndexScope:
        return self.store.scope(Grant("tester", purpose, tenant), index)

    def index_of_bob(self) -> str:
        """A new index of the other tenant."""
        scope = self.scope(Purpose.INDEX, "bob")
        return self.store.catalog.create_index(scope, random_id(), {}).id

    def one(self, kind: Kind) -> Resource:
        return resource(kind, self.index, self.asset)

    @property
    def video(self) -> Video:
        return entry(self.index, self.asset)

    @property
    def task(self) -> Any:
        return task(self.index, "alice", tenant="alice", source=CANARY, asset_id=self.asset.id)

    @property
    def blob(self) -> str:
        return f"files/{self.asset.id}/original"


def resource(kind: Kind, index: Index, made: Asset) -> Resource:
    """One of the owner's resources, as it is or would be."""
    parent = {
        Kind.SAVED_SEARCH: index.id, Kind.SAVED_SEARCH_RUN: index.id, Kind.MATCH: "query-a",
    }.get(kind, "parent-a")  # fmt: skip
    id = match_id("query-a", made.id) if kind is Kind.MATCH else f"{kind.value}-a"
    name = made.id if kind in (Kind.MATCH, Kind.SAVED_SEARCH_RUN) else CANARY
    body = {"canary": CANARY, "n": 3.0, "event": {"data": {"id": match_id("query-a", made.id)}}}
    return Resource(id, kind, "alice", THEN, THEN, "ready", parent, name, LATE, body)


def dump(store: Store) -> dict[str, set[str]]:
    """Everything that is stored: rows by table, and blobs with their bytes."""
    found: dict[str, set[str]] = {}
    with store.database.read_transaction() as connection:
        for table in metadata.sorted_tables:
            found[table.name] = set(map(repr, connection.execute(select(table)).all()))
    found["blobs"] = {f"{key} {store._backend.read(key)!r}" for key in store._backend.list_keys("")}
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    place = settings(tmp_path_factory.mktemp("scopes") / "home")
    with open_store(place, write=True, create=True, policy=Lenient()) as store:
        alice = partial(Grant, "owner", tenant="alice")
        ingest = store.scope(alice(Purpose.INGEST))
        manage = store.scope(alice(Purpose.MANAGE))
        index = store.catalog.create_index(ingest, CANARY, {"text": CANARY})
        within = store.scope(ingest, index.id)
        made = asset(f"{CANARY}.mp4", tenant="alice", metadata={"word": CANARY})
        made = replace(made, blob=f"files/{made.id}/original")
        store.blobs.put(ingest, f"files/{made.id}/original", CANARY.encode())
        store.catalog.put_asset(ingest, made, entry(index, made))
        seen = observations(made, 6, CANARY)
        store.catalog.put_observations(within, made.id, seen)
        store.vectors.put(within, SPEECH, SPACE, made.id, vectors(made))
        store.texts.put(within, made.id, texts(seen))
        for kind in Kind:
            store.catalog.put_resource(manage, resource(kind, index, made))
        store.catalog.put_task(
            manage, task(index, "alice", tenant="alice", source=CANARY, asset_id=made.id)
        )
        key = f"searches/{resource(Kind.SEARCH, index, made).id}/original"
        store.blobs.put(ingest, key, CANARY.encode())
        key, secret = store.catalog.create_key(manage, CANARY)
        yield World(store, index, made, secret, key.id, dump(store))


@dataclass(frozen=True)
class Example:
    """How a method is called with what is the owner's. ``nothing`` is what it says where it finds
    nothing."""

    purpose: Purpose
    arguments: Callable[[World, Path], tuple[Any, ...]] = lambda world, folder: ()
    options: Mapping[str, Any] = field(default_factory=dict)
    nothing: Any = ...


def given(*values: Any) -> Callable[[World, Path], tuple[Any, ...]]:
    return lambda world, folder: values


def of_asset(*more: Any) -> Callable[[World, Path], tuple[Any, ...]]:
    return lambda world, folder: (world.asset.id, *more)


def of_video(world: World, folder: Path) -> tuple[Any, ...]:
    return (world.video.id,)


def of_index(world: World, folder: Path) -> tuple[Any, ...]:
    return (world.index.id,)


def of_task(world: World, folder: Path) -> tuple[Any, ...]:
    return (world.task.id,)


def of_blob(world: World, folder: Path) -> tuple[Any, ...]:
    return (world.blob,)


def _file(world: World, folder: Path) -> tuple[Any, ...]:
    (folder / "forged").write_bytes(b"forged")
    return world.blob, folder / "forged"


INGEST, MANAGE, SEARCH = Purpose.INGEST, Purpose.MANAGE, Purpose.SEARCH
QUERY = vectors(asset(f"{CANARY}.mp4"))[0].vector
MANY = 99
#: One for each method that takes a scope.
EXAMPLES: dict[str, Example] = {
    "remove_video": Example(MANAGE, of_asset()),
    "remove_videos": Example(MANAGE, lambda w, _: ([w.asset.id],)),
    "clear_video": Example(MANAGE, of_asset()),
    "delete_asset": Example(MANAGE, of_asset()),
    "delete_index": Example(MANAGE),
    "delete_saved_search": Example(MANAGE, given("query-a")),
    "scan": Example(MANAGE, given([CANARY.encode()])),
    "catalog.create_index": Example(MANAGE, given("theirs", {})),
    "catalog.rename_index": Example(MANAGE, given("renamed")),
    "catalog.index": Example(SEARCH, of_index),
    "catalog.indexes": Example(SEARCH, options={"hidden": True}),
    "catalog.put_asset": Example(
        INGEST, lambda w, _: (replace(w.asset, name="forged"), entry(w.index, w.asset))
    ),
    "catalog.asset": Example(SEARCH, of_asset()),
    "catalog.assets": Example(SEARCH, nothing=[]),
    "catalog.names": Example(SEARCH, lambda w, _: ([w.asset.id],), nothing={}),
    "catalog.find_assets": Example(SEARCH, given({"word": CANARY}), nothing=frozenset()),
    "catalog.decide_assets": Example(
        SEARCH, given({"word": CANARY}), nothing=Decisions(frozenset())
    ),
    "catalog.members": Example(SEARCH, nothing=[]),
    "catalog.set_metadata": Example(MANAGE, of_asset({"word": "forged"})),
    "catalog.list_assets": Example(SEARCH, nothing=([], 0)),
    "catalog.asset_keys": Example(SEARCH, options={"status": [*AssetStatus]}, nothing=[]),
    "catalog.update_asset": Example(MANAGE, of_asset(), {"name": "forged"}),
    "catalog.add_video": Example(
        INGEST, lambda w, _: (entry(w.index, w.asset, VideoStatus.FAILED), w.task)
    ),
    "catalog.video": Example(SEARCH, of_video),
    "catalog.video_of": Example(SEARCH, of_asset(), nothing=None),
    "catalog.videos": Example(SEARCH, nothing=[]),
    "catalog.find_videos": Example(SEARCH, given(VideoFilter()), nothing=([], 0)),
    "catalog.video_keys": Example(SEARCH, lambda w, _: ([w.video.id],), nothing={}),
    "catalog.video_ids": Example(SEARCH, lambda w, _: ([w.asset.id],), nothing={}),
    "catalog.index_size": Example(SEARCH, nothing=(0, 0.0)),
    "catalog.update_video": Example(MANAGE, of_video, {"status": VideoStatus.FAILED}),
    "catalog.put_observations": Example(INGEST, of_asset([])),
    "catalog.observations": Example(SEARCH, of_asset(), nothing=[]),
    "catalog.observations_at": Example(
        SEARCH, lambda w, _: ([(w.asset.id, SPEECH, Span.of(0, MANY))],), nothing=[[]]
    ),
    "catalog.spans": Example(SEARCH, of_asset(SPEECH), nothing=[]),
    "catalog.observation": Example(SEARCH, lambda w, _: (observations(w.asset, 6, CANARY)[0].id,)),
    "catalog.put_task": Example(MANAGE, lambda w, _: (replace(w.task, source="forged"),)),
    "catalog.task": Example(SEARCH, of_task),
    "catalog.tasks": Example(SEARCH, nothing=[]),
    "catalog.count_tasks": Example(SEARCH, nothing=dict.fromkeys(Status, 0)),
    "catalog.task_keys": Example(SEARCH, options={"status": [*Status]}, nothing=[]),
    "catalog.update_task": Example(MANAGE, of_task, {"source": "forged"}),
    "catalog.delete_task": Example(MANAGE, of_task),
    "catalog.put_resource": Example(
        MANAGE, lambda w, _: (replace(w.one(Kind.ENTITY), name="forged"), w.task)
    ),
    "catalog.resource": Example(SEARCH, given(Kind.ENTITY, "entity-a")),
    "catalog.find_resources": Example(SEARCH, given(Kind.ENTITY), nothing=([], 0)),
    "catalog.resource_keys": Example(SEARCH, given(Kind.ENTITY), nothing=[]),
    "catalog.update_resource": Example(
        MANAGE, given(Kind.ENTITY, "entity-a"), {"name": "forged", "body": {"canary": "forged"}}
    ),
    "catalog.delete_resource": Example(MANAGE, given(Kind.ENTITY, "entity-a")),
    "catalog.delete_resources": Example(
        MANAGE, given(Kind.ENTITY), {"parent": "parent-a"}, nothing=0
    ),
    "catalog.put_saved_search": Example(
        MANAGE, lambda w, _: (w.one(Kind.SAVED_SEARCH), w.one(Kind.SAVED_SEARCH_RUN))
    ),
    "catalog.put_match": Example(
        MANAGE, lambda w, _: (replace(w.one(Kind.MATCH), tenant="bob"),), nothing=None
    ),
    "catalog.delete_saved_search": Example(MANAGE, given("query-a")),
    "catalog.delete_match_deliveries": Example(MANAGE, lambda w, _: (w.one(Kind.MATCH).id,)),
    "catalog.create_key": Example(MANAGE, given("theirs")),
    "catalog.rotate_key": Example(MANAGE, lambda w, _: (w.key, timedelta(0))),
    "catalog.keys": Example(MANAGE),
    "catalog.revoke_key": Example(MANAGE, lambda w, _: (w.key,)),
    "texts.put": Example(INGEST, of_asset([])),
    "texts.delete_asset": Example(MANAGE, of_asset()),
    "texts.bm25": Example(SEARCH, given(SPEECH, CANARY, MANY), nothing=[]),
    "texts.phrase": Example(SEARCH, given(SPEECH, CANARY, MANY), nothing=[]),
    "texts.substring": Example(SEARCH, given(SPEECH, CANARY, MANY), nothing=[]),
    "texts.frequencies": Example(SEARCH, given(SPEECH, ["quiet"]), nothing=({"quiet": 0}, 0)),
    "texts.statistics": Example(SEARCH, nothing={}),
    "vectors.put": Example(INGEST, lambda w, _: (SPEECH, SPACE, w.asset.id, [])),
    "vectors.delete_asset": Example(MANAGE, of_asset()),
    "vectors.optimize": Example(MANAGE, options={"force": True}, nothing=[]),
    "vectors.search": Example(SEARCH, given(SPEECH, SPACE, QUERY, MANY), nothing=[[]]),
    "vectors.is_exact": Example(SEARCH, given(SPEECH, SPACE), nothing=True),
    "vectors.of_asset": Example(
        Purpose.EMBED_EXPORT, lambda w, _: (SPEECH, SPACE, w.asset.id), nothing=None
    ),
    "vectors.scan": Example(Purpose.EMBED_EXPORT, given(SPEECH, SPACE), nothing=[]),
    "vectors.statistics": Example(SEARCH, nothing=[]),
    "blobs.put": Example(INGEST, lambda w, _: (w.blob, b"forged")),
    "blobs.move_in": Example(INGEST, _file),
    "blobs.get": Example(SEARCH, of_blob),
    "blobs.path": Example(SEARCH, of_blob),
    "blobs.exists": Example(SEARCH, of_blob, nothing=False),
    "blobs.list": Example(SEARCH, nothing=[]),
    "blobs.delete": Example(MANAGE, lambda w, _: (w.blob, w.blob.rpartition("/")[0] + "/")),
}

#: Methods that take no scope, as they are called here: they read nothing for anybody, and keep
#: derived files and copies in step with what is stored. ``key_of`` is what scopes begin with.
UPKEEP: dict[str, Callable[[World], tuple[Any, ...]]] = {
    "scope": lambda w: (Grant("tester", SEARCH, "bob"),),
    "finish_erasures": lambda w: (),
    "ping": lambda w: (),
    "build_due_indexes": lambda w: (),
    "evict_stale_copies": lambda w: (),
    "snapshot": lambda w: (),
    "catalog.key_of": lambda w: (w.secret + "x",),
    "catalog.require_writer": lambda w: (),
    "texts.require_writer": lambda w: (),
    "texts.evict_stale_copies": lambda w: (),
    "vectors.require_writer": lambda w: (),
    "vectors.build_due_indexes": lambda w: (),
    "vectors.rebuild": lambda w: (_space(w).key,),
    "vectors.check": lambda w: (False,),
    "vectors.is_whole": lambda w: (_space(w),),
    "sweep_expired": lambda w: (),
    "vectors.purge_deleted": lambda w: (),
    "vectors.evict_stale_copies": lambda w: (),
}
#: What ends the use of a store.
CLOSING = {"close", "texts.close"}


def _space(world: World) -> Any:
    from videlicet.store.catalog.schema import vector_spaces

    with world.store.database.read_transaction() as connection:
        return connection.execute(
            select(vector_spaces).where(vector_spaces.c.index_id == world.index.id)
        ).one()


def public_methods(store: Store) -> dict[str, Callable[..., Any]]:
    """All that can be called on a store and its parts, but for what takes an open connection:
    that is for the parts of the store, inside a transaction of theirs."""
    found: dict[str, Callable[..., Any]] = {}
    for prefix, part in [("", store), *((f"{name}.", getattr(store, name)) for name in PARTS)]:
        for name, member in inspect.getmembers(part):
            if not name.startswith("_") and inspect.ismethod(member):
                first = next(iter(inspect.signature(member).parameters.values()), None)
                if first is None or first.annotation != "Connection":
                    found[prefix + name] = member
    return found


def is_scoped(method: Callable[..., Any]) -> bool:
    first = next(iter(inspect.signature(method).parameters.values()), None)
    return first is not None and first.annotation in ("Scope", "IndexScope")


def call(world: World, name: str, scope: Scope, folder: Path) -> Any:
    """Call a method with what is the owner's, and have what it gives."""
    example = EXAMPLES[name]
    method = public_methods(world.store)[name]
    found = method(scope, *example.arguments(world, folder), **example.options)
    return list(found) if isinstance(found, Iterator) else found


def scope_for(world: World, name: str, purpose: Purpose, tenant: str) -> Scope:
    """A scope of the kind that a method takes, of an index of the tenant if it takes such."""
    method = public_methods(world.store)[name]
    first = next(iter(inspect.signature(method).parameters.values()))
    if first.annotation != "IndexScope":
        return world.scope(purpose, tenant)
    return world.at(purpose, tenant, world.index.id if tenant == "alice" else world.index_of_bob())


def check_untouched(world: World) -> None:
    after = dump(world.store)
    for table, rows in world.before.items():
        assert rows <= after[table], f"{table} of the owner has changed"
        strange = {row for row in after[table] - rows if _is_alices(world, row)}
        assert not strange, f"{table} of the owner has more than before"


def _is_alices(world: World, row: str) -> bool:
    return any(mark in row for mark in ("'alice'", world.index.id, world.asset.id, CANARY))


def test_every_public_method_is_known(world: World) -> None:
    attributes = {name for name in vars(world.store) if not name.startswith("_")}
    assert attributes == {*PARTS, *NOTHING_STORED, *RAW}
    methods = public_methods(world.store)
    scoped = {name for name, method in methods.items() if is_scoped(method)}
    assert scoped == set(EXAMPLES), "each method needs an example of how it is called"
    assert set(methods) - scoped == set(UPKEEP) | CLOSING, "a method takes a scope first"


@pytest.mark.parametrize("name", EXAMPLES)
def test_another_tenant_reaches_nothing(world: World, name: str, tmp_path: Path) -> None:
    example = EXAMPLES[name]
    scope = scope_for(world, name, example.purpose, "bob")
    try:
        found = call(world, name, scope, tmp_path)
    except VidelicetError as error:
        refused: VidelicetError | None = error
    else:
        refused = None
        if example.nothing is not ...:
            assert found == example.nothing
        assert CANARY not in repr(found)
        assert world.index.id not in repr(found)
    assert refused is None or refused.status in (403, 404)
    assert CANARY not in str(refused)
    check_untouched(world)


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_owner_does(world: World, name: str, tmp_path: Path) -> None:
    """So that no example refuses for another reason than whose things are."""
    example = EXAMPLES[name]
    if example.nothing is ... or name in ("vectors.is_exact", "catalog.put_match"):
        return
    if example.purpose not in (SEARCH, Purpose.EMBED_EXPORT):
        return  # it would change what the other tests look at
    found = call(world, name, scope_for(world, name, example.purpose, "alice"), tmp_path)
    assert found != example.nothing


@pytest.mark.parametrize("purpose", NEVER)
@pytest.mark.parametrize("name", EXAMPLES)
def test_no_method_serves_a_purpose_that_is_not_allowed(
    world: World, name: str, purpose: Purpose, tmp_path: Path
) -> None:
    scope = scope_for(world, name, purpose, "alice")
    with pytest.raises(NotPermitted) as refused:
        call(world, name, scope, tmp_path)
    assert refused.value.code == "purpose_not_permitted"
    if purpose is NEVER[0]:
        check_untouched(world)


@pytest.mark.parametrize(
    "name", [name for name, one in EXAMPLES.items() if one.purpose in (INGEST, MANAGE)]
)
def test_nothing_is_changed_for_a_purpose_that_only_reads(
    world: World, name: str, tmp_path: Path
) -> None:
    for purpose in (SEARCH, Purpose.ANALYZE, Purpose.EMBED_EXPORT):
        with pytest.raises(NotPermitted):
            call(world, name, scope_for(world, name, purpose, "alice"), tmp_path)


def test_an_index_of_another_tenant_is_as_unknown_as_one_that_is_not_there(world: World) -> None:
    grant = Grant("tester", SEARCH, "bob")
    messages = set()
    for index in (world.index.id, world.index.name, "0" * 24):
        with pytest.raises(NotFound) as refused:
            world.store.scope(grant, index)
        assert refused.value.code == "index_not_found"
        messages.add(refused.value.message.replace(repr(index), "…"))
    assert len(messages) == 1


def test_a_scope_is_bound_to_one_index(world: World) -> None:
    """Also where both are the tenant's: rows of one are not reached from the other."""
    scope = world.scope(INGEST, "alice")
    other = world.store.catalog.create_index(scope, random_id(), {})
    within = world.at(SEARCH, "alice", other.id)
    assert world.store.catalog.members(within) == []
    assert world.store.catalog.observations(within, world.asset.id) == []
    assert world.store.texts.bm25(within, SPEECH, CANARY, MANY) == []
    assert world.store.vectors.search(within, SPEECH, SPACE, QUERY, MANY) == [[]]
    assert world.store.catalog.tasks(within) == []
    with pytest.raises(NotFound):
        world.store.catalog.add_video(
            world.at(INGEST, "alice", other.id), entry(world.index, world.asset)
        )
    world.store.delete_index(world.at(MANAGE, "alice", other.id))
    check_untouched(world)


def test_a_name_reaches_what_the_id_does(world: World) -> None:
    one = world.at(SEARCH, "alice", world.index.name)
    assert one == world.at(SEARCH, "alice", world.index.id)
    assert (one.index_id, one.tenant) == (world.index.id, "alice")
    assert world.store.scope(one).index_id is None


def test_a_grant_for_every_tenant_is_narrowed_to_the_tenant_of_an_index(world: World) -> None:
    scope = world.at(SEARCH, "*", world.index.id)
    assert (scope.tenant, scope.every_tenant) == ("alice", False)
    assert world.store.catalog.asset(world.scope(SEARCH, "*"), world.asset.id) == world.asset


@pytest.mark.parametrize(
    "change",
    [{"tenant": "bob"}, {"index_id": "0" * 24}, {"id": "other"}],
)
def test_a_task_stays_whose_it_is(world: World, change: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        world.store.catalog.update_task(world.scope(MANAGE, "alice"), world.task.id, **change)


@pytest.mark.parametrize("change", [{"tenant": "bob"}, {"id": "other"}, {"index_id": "other"}])
def test_an_asset_and_a_video_stay_whose_they_are(world: World, change: dict[str, Any]) -> None:
    scope, catalog = world.scope(MANAGE, "alice"), world.store.catalog
    with pytest.raises(TypeError):
        catalog.update_asset(scope, world.asset.id, **change)
    with pytest.raises(TypeError):
        catalog.update_video(scope, world.video.id, **change)
    check_untouched(world)


def test_blobs_go_with_the_resource_they_belong_to_only(world: World) -> None:
    """A tenant cannot have another's bytes erased with a resource of its own."""
    scope = world.scope(MANAGE, "bob")
    own = replace(world.one(Kind.ENTITY), id="entity-b", tenant="bob", name="b", body={})
    world.store.catalog.put_resource(scope, own)
    with pytest.raises(VidelicetError) as refused:
        world.store.catalog.delete_resource(scope, Kind.ENTITY, own.id, blobs=[world.blob])
    assert refused.value.code == "invalid_argument"
    made = asset("b.mp4", tenant="bob", blob=world.blob)
    with pytest.raises(VidelicetError) as refused:
        world.store.catalog.put_asset(world.scope(INGEST, "bob"), made)
    assert refused.value.code == "invalid_argument"
    world.store.finish_erasures()
    check_untouched(world)


@pytest.mark.parametrize("name", UPKEEP)
def test_upkeep_gives_nothing_and_changes_what_is_derived_only(world: World, name: str) -> None:
    found = public_methods(world.store)[name](*UPKEEP[name](world))
    if isinstance(found, AbstractContextManager):
        with found:
            pass
    assert CANARY not in repr(found)
    after = dump(world.store)
    derived = {"vector_spaces", "blobs"}  # the index over vectors may be built anew
    assert all(rows <= after[table] for table, rows in world.before.items() if table not in derived)
