"""Indexes, assets, observations and tasks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from tests.store.samples import (
    INGEST,
    MANAGE,
    SEARCH,
    THEN,
    add,
    asset,
    embedding,
    enter,
    entry,
    media,
    observations,
    task,
)

from videlicet.errors import Conflict, InvalidInput, NotFound, StoreError
from videlicet.settings import Settings
from videlicet.store import Store, open_store
from videlicet.types import (
    Index,
    Modality,
    Observation,
    Span,
    Status,
    Utterance,
    VideoStatus,
    derived_id,
)


def test_an_index_is_found_by_id_and_by_name(store: Store, index: Index) -> None:
    assert store.catalog.index(store.scope(SEARCH), index.id) == index
    assert store.catalog.index(store.scope(SEARCH), "main") == index
    other = store.catalog.create_index(store.scope(INGEST), index.id, {})
    assert store.catalog.index(store.scope(SEARCH), index.id) == index, "an id goes before a name"
    assert store.catalog.indexes(store.scope(SEARCH)) == sorted(
        [index, other], key=lambda i: i.name
    )


def test_two_indexes_cannot_have_one_name(store: Store, index: Index) -> None:
    with pytest.raises(Conflict) as refused:
        store.catalog.create_index(store.scope(INGEST), "main", {})
    assert refused.value.code == "index_exists"


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201])
def test_an_index_name_is_short_and_printable(store: Store, name: str) -> None:
    with pytest.raises(InvalidInput):
        store.catalog.create_index(store.scope(INGEST), name, {})


def test_unknown_things_are_named(store: Store, index: Index) -> None:
    nobody = derived_id("nobody")
    calls = [
        lambda: store.catalog.index(store.scope(SEARCH), "nobody"),
        lambda: store.catalog.find_assets(store.scope(SEARCH, nobody)),
        lambda: store.catalog.assets(store.scope(SEARCH, nobody)),
        lambda: store.catalog.asset(store.scope(SEARCH), nobody),
        lambda: store.catalog.set_metadata(store.scope(MANAGE), nobody, {"a": 1}),
        lambda: store.catalog.add_video(store.scope(INGEST), entry(index, asset())),
        lambda: store.catalog.put_observations(store.scope(INGEST, nobody), nobody, []),
        lambda: store.catalog.observation(store.scope(SEARCH, index.id), nobody),
        lambda: store.catalog.task(store.scope(SEARCH), nobody),
        lambda: store.catalog.update_task(store.scope(MANAGE), nobody, stage="x"),
        lambda: store.remove_video(store.scope(MANAGE, index.id), nobody),
        lambda: store.delete_index(store.scope(MANAGE, nobody)),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()


@pytest.mark.parametrize(
    "name", ["video.mp4", "smile 🎉 ü.mp4", "latin-\udce9.mp4", "\ufffeodd.mp4", "100%_\\.mp4"]
)
def test_an_asset_comes_back_as_it_was_put(store: Store, name: str) -> None:
    made = asset(name, metadata={"n": 1, "x": 1.5, "yes": True, "s": "ü", "": "x"} | {"": "x"})
    with pytest.raises(InvalidInput):
        store.catalog.put_asset(store.scope(INGEST), made)
    made = replace(made, metadata={"n": 1, "x": 1.5, "yes": True, "s": "ü"})
    store.catalog.put_asset(store.scope(INGEST), made)
    back = store.catalog.asset(store.scope(SEARCH), made.id)
    assert back == made
    assert {k: type(v) for k, v in back.metadata.items()} == {
        "n": int, "x": float, "yes": bool, "s": str,
    }  # fmt: skip


def test_an_asset_of_sound_only_comes_back_as_it_was_put(store: Store) -> None:
    made = asset(recording=replace(media(video=False), audio=(), bit_rate=None), blob="assets/x/y")
    store.catalog.put_asset(store.scope(INGEST), made)
    assert store.catalog.asset(store.scope(SEARCH), made.id) == made


def test_adding_an_asset_again_keeps_its_first_time_and_its_metadata(store: Store) -> None:
    first = asset(metadata={"a": 1, "b": 2})
    store.catalog.put_asset(store.scope(INGEST), first)
    later = replace(first, source="/new", created_at=THEN + timedelta(1), metadata={"b": 3})
    store.catalog.put_asset(store.scope(INGEST), later)
    assert store.catalog.asset(store.scope(SEARCH), first.id) == replace(
        first, source="/new", metadata={"a": 1, "b": 3}
    )


def test_metadata_is_set_and_taken_away(store: Store) -> None:
    made = asset(metadata={"a": 1, "b": "two"})
    store.catalog.put_asset(store.scope(INGEST), made)
    store.catalog.set_metadata(store.scope(MANAGE), made.id, {"a": None, "c": False, "gone": None})
    assert store.catalog.asset(store.scope(SEARCH), made.id).metadata == {"b": "two", "c": False}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "x"), ("and", 1), ("", 1), ("k" * 201, 1), ("nul\x00", 1), ("\udcff", 1),
        ("a", "nul\x00"), ("a", "\udcff"), ("a", float("nan")), ("a", float("inf")),
        ("a", 2**53 + 1), ("a", [1]), ("a", b"x"),
    ],
)  # fmt: skip
def test_metadata_that_cannot_be_kept_is_refused_whole(store: Store, key: str, value: Any) -> None:
    made = asset(metadata={"a": 1})
    store.catalog.put_asset(store.scope(INGEST), made)
    with pytest.raises(InvalidInput):
        store.catalog.set_metadata(store.scope(MANAGE), made.id, {"good": 1, key: value})
    assert store.catalog.asset(store.scope(SEARCH), made.id).metadata == {"a": 1}


def test_assets_are_listed_in_the_order_they_were_added(store: Store, index: Index) -> None:
    made = [asset(f"{n}.mp4", created_at=THEN + timedelta(seconds=n % 3)) for n in range(7)]
    for one in made:
        store.catalog.put_asset(store.scope(INGEST), one)
    wanted = sorted(made, key=lambda a: (a.created_at, a.id))
    assert store.catalog.assets(store.scope(SEARCH)) == wanted
    assert store.catalog.assets(store.scope(SEARCH), offset=2, limit=3) == wanted[2:5]
    for one in made[:2]:
        store.catalog.add_video(store.scope(INGEST), entry(index, one))
    assert {a.id for a in store.catalog.assets(store.scope(SEARCH, index.id))} == {
        a.id for a in made[:2]
    }


def test_only_ready_assets_are_found(store: Store, index: Index) -> None:
    made = {status: asset(f"{status}.mp4") for status in VideoStatus}
    for status, one in made.items():
        store.catalog.put_asset(store.scope(INGEST), one)
        store.catalog.add_video(store.scope(INGEST), entry(index, one, status))
    assert store.catalog.find_assets(store.scope(SEARCH, index.id)) == {made[VideoStatus.READY].id}
    assert (
        store.catalog.find_assets(store.scope(SEARCH, index.id), {"name": "queued.mp4"})
        == frozenset()
    )
    running = store.catalog.videos(store.scope(SEARCH, index.id), status=[VideoStatus.INDEXING])
    assert [row.asset_id for row in running] == [made[VideoStatus.INDEXING].id]
    assert len(store.catalog.videos(store.scope(SEARCH))) == len(VideoStatus)
    assert set(store.catalog.members(store.scope(SEARCH, index.id))) == {
        a.id for a in made.values()
    }


def test_a_video_changes_and_keeps_its_first_time(store: Store, index: Index) -> None:
    made = asset()
    store.catalog.put_asset(store.scope(INGEST), made)
    assert store.catalog.video_of(store.scope(SEARCH, index.id), made.id) is None
    first = entry(index, made, VideoStatus.INDEXING)
    store.catalog.add_video(store.scope(INGEST), first)
    assert store.catalog.video_of(store.scope(SEARCH, index.id), made.id) == first
    store.catalog.add_video(
        store.scope(INGEST), replace(entry(index, made), created_at=THEN + timedelta(1))
    )
    assert store.catalog.video_of(store.scope(SEARCH, index.id), made.id) == entry(index, made)


def test_observations_come_back_exactly_and_in_order(store: Store, index: Index) -> None:
    made = enter(store, index, asset())
    seen = observations(made)
    shuffled = [*seen[::-1], seen[3], embedding(made)]
    kept = store.catalog.put_observations(store.scope(INGEST, index.id), made.id, shuffled)
    back = store.catalog.observations(store.scope(SEARCH, index.id), made.id)
    assert kept == len(seen)
    assert sorted(back, key=lambda o: o.id) == sorted(seen, key=lambda o: o.id)
    assert [o.span for o in back] == sorted(o.span for o in seen)
    speech = store.catalog.observations(store.scope(SEARCH, index.id), made.id, Modality.SPEECH)
    assert [o for o in seen if o.modality is Modality.SPEECH] == speech
    assert store.catalog.observation(store.scope(SEARCH, index.id), seen[5].id) == seen[5]
    assert store.catalog.spans(store.scope(SEARCH, index.id), made.id, Modality.SHOT) == [
        o.span for o in seen if o.modality is Modality.SHOT
    ]


def test_putting_observations_again_replaces_them(store: Store, index: Index) -> None:
    made = enter(store, index, asset())
    store.catalog.put_observations(store.scope(INGEST, index.id), made.id, observations(made))
    fresh = observations(made, 2, "boat")
    store.catalog.put_observations(store.scope(INGEST, index.id), made.id, iter(fresh))
    assert store.catalog.observations(store.scope(SEARCH, index.id), made.id) == fresh
    store.catalog.put_observations(store.scope(INGEST, index.id), made.id, [])
    assert store.catalog.observations(store.scope(SEARCH, index.id), made.id) == []


def test_an_observation_of_another_asset_is_refused_and_nothing_changes(
    store: Store, index: Index
) -> None:
    made, other = enter(store, index, asset("a")), asset("b")
    seen = observations(made)
    store.catalog.put_observations(store.scope(INGEST, index.id), made.id, seen)
    with pytest.raises(InvalidInput):
        store.catalog.put_observations(store.scope(INGEST, index.id), made.id, observations(other))
    assert store.catalog.observations(store.scope(SEARCH, index.id), made.id) == seen


@pytest.mark.parametrize("bad", ["../x", "", "a/b", "ü"])
def test_an_asset_id_is_a_plain_name(store: Store, index: Index, bad: str) -> None:
    made = replace(asset(), id=bad)
    with pytest.raises(InvalidInput):
        store.catalog.put_asset(store.scope(INGEST), made, entry(index, made))
    with pytest.raises(NotFound):
        store.catalog.asset(store.scope(SEARCH), bad)


_instants = st.fractions(min_value=0, max_value=50, max_denominator=90_000)


@given(
    spans=st.lists(st.tuples(_instants, _instants), max_size=12),
    within=st.tuples(_instants, _instants),
)
@examples(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_observations_within_a_span_are_those_that_share_time_with_it(
    store: Store, spans: list[tuple[Fraction, Fraction]], within: tuple[Fraction, Fraction]
) -> None:
    if not store.catalog.indexes(store.scope(SEARCH)):
        store.catalog.create_index(store.scope(INGEST), "main", {})
    (index,) = store.catalog.indexes(store.scope(SEARCH))
    made = enter(store, index, asset())
    seen = [
        Observation(made.id, Span(*sorted(s)), Modality.SPEECH, "c", Utterance(str(n), "en", 1.0))
        for n, s in enumerate(spans)
    ]
    window = Span(*sorted(within))
    store.catalog.put_observations(store.scope(INGEST, index.id), made.id, seen)
    found = store.catalog.observations(store.scope(SEARCH, index.id), made.id, None, window)

    def meets(span: Span) -> bool:
        if span.duration and window.duration:
            return span.overlap(window) > 0
        return span.start <= window.end and window.start <= span.end

    assert {o.id for o in found} == {o.id for o in seen if meets(o.span)}
    assert [o.span for o in found] == sorted(o.span for o in found)


def test_tasks_are_put_listed_changed_and_taken_away(store: Store, index: Index) -> None:
    first = task(index, "1", source="/odd-\udce9")
    second = task(index, "2", created_at=THEN + timedelta(1), error={"code": "x"}, total_s=2.5)
    for one in (first, second, second):
        store.catalog.put_task(store.scope(INGEST), one)
    assert store.catalog.tasks(store.scope(SEARCH)) == [second, first]
    other = store.catalog.create_index(store.scope(INGEST), "other", {})
    assert store.catalog.tasks(store.scope(SEARCH, other.id)) == []
    changed = store.catalog.update_task(
        store.scope(MANAGE), first.id, status=Status.FAILED, error={"code": "y"}, done_s=1.5
    )
    assert changed.updated_at > THEN
    assert store.catalog.tasks(store.scope(SEARCH, index.id), Status.FAILED) == [changed]
    assert (changed.status, changed.error, changed.done_s) == (Status.FAILED, {"code": "y"}, 1.5)
    with pytest.raises(TypeError, match="colour, id"):
        store.catalog.update_task(store.scope(MANAGE), first.id, colour="red", id="x")
    store.catalog.delete_task(store.scope(MANAGE), first.id)
    assert store.catalog.tasks(store.scope(SEARCH)) == [second]


def test_a_task_changes_only_from_the_statuses_named(store: Store, index: Index) -> None:
    store.catalog.put_task(store.scope(INGEST), task(index))
    id = task(index).id
    live = (Status.QUEUED, Status.RUNNING)
    assert store.catalog.update_task(
        store.scope(MANAGE), id, when=live, status=Status.READY
    ).status.ended
    kept = store.catalog.update_task(store.scope(MANAGE), id, when=live, status=Status.CANCELLED)
    assert kept.status is Status.READY


def test_a_reader_may_change_tasks_and_nothing_else(place: Settings, store: Store) -> None:
    index = store.catalog.create_index(store.scope(INGEST), "main", {})
    made = add(store, index, "video.mp4")
    store.catalog.put_task(store.scope(INGEST), task(index))
    with open_store(place) as reader:
        changed = reader.catalog.update_task(
            reader.scope(MANAGE), task(index).id, status=Status.CANCELLED
        )
        assert store.catalog.task(store.scope(SEARCH), changed.id) == changed
        for write in (
            lambda: reader.catalog.put_asset(reader.scope(INGEST), made),
            lambda: reader.catalog.put_observations(reader.scope(INGEST, index.id), made.id, []),
            lambda: reader.texts.put(reader.scope(INGEST, index.id), made.id, []),
            lambda: reader.vectors.put(
                reader.scope(INGEST, index.id), Modality.TEXT, "s", made.id, []
            ),
            lambda: reader.vectors.optimize(reader.scope(INGEST, index.id)),
            lambda: reader.blobs.put(reader.scope(INGEST), "a", b""),
            lambda: reader.remove_video(reader.scope(MANAGE, index.id), made.id),
        ):
            with pytest.raises(StoreError) as refused:
                write()
            assert refused.value.code == "store_not_writable"
