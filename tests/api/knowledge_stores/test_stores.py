"""Knowledge stores, their items and collections, and search in them, with the official SDK."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from tests import samples
from tests.api.knowledge_stores.shelf import Shelf, add, shelf, upload
from tests.api.sdk import Watched, ended, require_status, sdk
from tests.api.server import Client, Server
from twelvelabs import (
    KnowledgeStoreSearchQuery,
    SearchKnowledgeStoreFilter,
    SearchKnowledgeStoreOptions,
    TwelveLabs,
    VideoSearchOptions,
)
from twelvelabs.errors import BadRequestError, GoneError, NotFoundError

from videlicet.models import fakes
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.store import open_store

SCHEMA = {
    "type": "object",
    "properties": {"caption": {"type": "string", "description": "What is written"}},
}


@pytest.fixture(scope="module")
def foreigner(server: Server) -> Iterator[TwelveLabs]:
    """Somebody of another tenant."""
    with sdk(server, server.key(tenant="foreign")) as one:
        yield one


def search(user: TwelveLabs, store: str, words: str, **options: Any) -> Any:
    return user.knowledge_stores.search(
        store, query=KnowledgeStoreSearchQuery(text=words), **options
    )


def filtered(**fields: Any) -> Any:
    return SearchKnowledgeStoreFilter.model_validate(fields)


def by(*modalities: str) -> SearchKnowledgeStoreOptions:
    return SearchKnowledgeStoreOptions(video=VideoSearchOptions(modalities=list(modalities)))


def require_id(prefix: str, id: str | None) -> None:
    found, _, rest = str(id).partition("_")
    assert found == prefix
    assert UUID(rest).version == 7


# -- stores ---------------------------------------------------------------------------------------


def test_stores(user: TwelveLabs) -> None:
    stores = user.knowledge_stores
    config: Any = {"enrichment_config": {"type": "description", "description": "prices and names"}}
    one = stores.create(
        name="Café ☕", description="All of it", metadata={"year": 2026, "tags": ["x"], "on": True},
        ingestion_config=config,
    )  # fmt: skip
    require_id("ks", one.id)
    assert one.id is not None
    assert (one.name, one.description, one.item_count) == ("Café ☕", "All of it", 0)
    assert one.metadata == {"year": 2026, "tags": ["x"], "on": True}
    assert one.ingestion_config is not None
    assert one.ingestion_config.enrichment_config.type == "description"
    assert abs((datetime.now(UTC) - one.created_at).total_seconds()) < 60  # type: ignore[operator]
    changed = stores.update(one.id, name="Renamed", metadata={"only": "this"})
    assert (changed.name, changed.description) == ("Renamed", "All of it")
    assert changed.metadata == {"only": "this"}
    assert stores.update(one.id, metadata={}).metadata == {}
    again = stores.retrieve(one.id)
    assert (again.name, again.ingestion_config) == ("Renamed", one.ingestion_config)
    stores.delete(one.id)
    require_status(404, lambda: stores.retrieve(one.id))
    require_status(404, lambda: stores.delete(one.id))


def test_stores_in_pages(user: TwelveLabs, raw: Client) -> None:
    stores = user.knowledge_stores
    ids = [stores.create(name=f"Page {n}").id for n in range(3)]
    listed = [one.id for one in stores.list(page_limit=2)]
    assert [id for id in listed if id in ids] == ids[::-1]
    up = [one.id for one in stores.list(sort_by="updated_at", sort_option="asc", page_limit=50)]
    assert [id for id in up if id in ids] == ids
    past = raw.ok("GET", "knowledge-stores", params={"page": 1000})
    assert past["data"] == []
    assert past["page_info"]["total_results"] == len(listed)
    for params in ({"sort_by": "name"}, {"sort_option": "up"}, {"page_limit": 51}, {"page": 0}):
        assert raw.get("knowledge-stores", params=params).status_code == 400
    for id in ids:
        stores.delete(str(id))


@pytest.mark.parametrize(
    "metadata",
    [
        {"nested": {"a": 1}}, {"null": None}, {"mixed": ["a", 1]}, {"large": 2**53}, {"": "x"},
        {"k" * 129: 1}, {"long": "x" * 2049}, {f"key {n}": n for n in range(11)},
    ],
)  # fmt: skip
def test_metadata_that_is_refused(raw: Client, metadata: dict[str, Any]) -> None:
    answer = raw.post("knowledge-stores", json={"name": "x", "metadata": metadata})
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter_invalid")


@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": ""}, {"name": None}, {"name": "x", "metadata": []},
        {"name": "x", "ingestion_config": {}},
        {"name": "x", "ingestion_config": {"enrichment_config": {"type": "other"}}},
        *(
            {"name": "x", "ingestion_config": {"enrichment_config": config}}
            for config in (
                {"type": "json_schema"}, {"type": "json_schema", "json_schema": {"type": "string"}},
                {"type": "json_schema", "json_schema": {"type": "object", "properties": {"a": 1}}},
                {"type": "description", "description": ""},
                {"type": "description", "description": "?!"},
            )
        ),
    ],
)  # fmt: skip
def test_stores_that_are_refused(raw: Client, body: dict[str, Any]) -> None:
    answer = raw.post("knowledge-stores", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"]


# -- items ----------------------------------------------------------------------------------------


def test_items(user: TwelveLabs, raw: Client, made: Shelf) -> None:
    items = user.knowledge_store_items
    recording = items.retrieve(made.store, made.items["one"])
    require_id("ksi", recording.id)
    assert (recording.asset_type, recording.asset_id, recording.status) == (
        "video",
        made.assets["one"],
        "ready",
    )
    assert recording.metadata == {"name": "one", "tags": ["a", "b"]}
    facts: Any = recording.system_metadata
    assert (facts.asset_type, facts.width, facts.height, facts.codec_name) == (
        "video", 320, 240, "h264",
    )  # fmt: skip
    assert (round(facts.duration), round(facts.fps)) == (8, 10)
    picture = items.retrieve(made.store, made.items["sign"])
    facts = picture.system_metadata
    assert (picture.asset_type, facts.asset_type, facts.filename) == ("image", "image", "sign.png")
    assert (facts.width, facts.height, facts.codec_name) == (320, 240, "png")
    assert facts.size > 0
    newest = [made.items[name] for name in ("sign", "two", "one")]
    assert [one.id for one in items.list(made.store, page_limit=2)] == newest
    old = items.list(made.store, sort_option="asc", sort_by="created_at", status=["ready"])
    assert [one.id for one in old] == newest[::-1]
    assert list(items.list(made.store, status=["queued", "failed"])) == []
    place = f"knowledge-stores/{made.store}/items"
    assert raw.ok("GET", place, params={"page": 99})["data"] == []
    assert raw.get(place, params={"status": "done"}).status_code == 400
    assert user.knowledge_stores.retrieve(made.store).item_count == 3


def test_the_same_asset_is_the_same_item(user: TwelveLabs, made: Shelf) -> None:
    again = user.knowledge_store_items.create(made.store, asset_id=made.assets["one"])
    assert (again.id, again.status) == (made.items["one"], "ready")


def test_assets_that_cannot_be_items(
    user: TwelveLabs, raw: Client, made: Shelf, tmp_path: Path
) -> None:
    place = f"knowledge-stores/{made.store}/items"
    noise = upload(user, samples.sound(tmp_path / "noise.wav", samples.Tone()))
    assert raw.post(place, json={"asset_id": noise}).json()["code"] == "asset_type_not_supported"
    for body in (
        {"asset_id": made.assets["sign"], "asset_type": "video"},
        {"asset_id": made.assets["one"], "asset_type": "image"},
        {"asset_id": made.assets["one"], "asset_type": "audio"},
        {"asset_id": made.assets["one"], "metadata": {"a": None}},
        {},
    ):
        assert raw.post(place, json=body).status_code == 400, body
    assert raw.post(place, json={"asset_id": "0" * 24}).status_code == 404
    with pytest.raises(BadRequestError):
        user.knowledge_store_items.create(
            made.store, asset_id=made.assets["one"], metadata={"long": "x" * 8193}
        )


def test_an_item_that_is_not_what_was_said(user: TwelveLabs, tmp_path: Path) -> None:
    """The asset may not be known yet when it is added."""
    store = user.knowledge_stores.create(name="Wrong").id
    path = samples.video(tmp_path / "video.mp4", samples.THREE)
    assert store is not None
    with path.open("rb") as file:
        asset = user.assets.create(method="direct", file=file).id
    assert asset is not None
    try:
        item = user.knowledge_store_items.create(store, asset_id=asset, asset_type="image")
    except BadRequestError:
        assert user.assets.retrieve(asset).status == "ready"  # it was known by then
    else:
        found = ended(lambda: user.knowledge_store_items.retrieve(store, str(item.id)))
        assert found.status == "failed"
    user.knowledge_stores.delete(store)


# -- search ---------------------------------------------------------------------------------------


def test_search_finds_videos_and_pictures(user: TwelveLabs, made: Shelf) -> None:
    found = search(user, made.store, "beware of the dragon")
    best = found.data[0]
    assert (best.asset_type, best.item_id, best.rank) == ("image", made.items["sign"], 1)
    assert best.metadata is None
    assert not hasattr(best, "matches") or best.matches is None
    assert found.effective_search_options.video.modalities == ["visual"]
    found = search(user, made.store, "title 1", include_metadata=True)
    best = found.data[0]
    assert (best.asset_type, best.item_id) == ("video", made.items["two"])
    assert [one.rank for one in found.data] == list(range(1, len(found.data) + 1))
    (match,) = best.matches
    assert 0 <= match.start_sec < match.end_sec <= 8.01
    assert match.modalities == ["visual"]
    assert best.metadata.user == {"name": "two", "tags": ["a", "b"]}
    assert (best.metadata.system.width, round(best.metadata.system.duration)) == (320, 8)


def test_search_by_what_is_said(user: TwelveLabs, made: Shelf) -> None:
    words = " ".join(fakes.VOCABULARY[:4])  # what the first video says
    heard = search(user, made.store, f'"{words}"', search_options=by("audio"))
    best = heard.data[0]
    assert best.item_id == made.items["one"]
    assert best.matches[0].modalities == ["audio"]
    assert words in best.matches[0].transcription
    assert heard.effective_search_options.video.modalities == ["audio"]
    # Pictures are found by what they show, however videos are.
    found = search(user, made.store, "dragon", search_options=by("audio"))
    assert [one.item_id for one in found.data][:1] == [made.items["sign"]]
    both = search(user, made.store, f"{words} title", search_options=by("visual", "audio"))
    assert {m for hit in both.data if hit.asset_type == "video" for one in hit.matches
            for m in one.modalities} == {"visual", "audio"}  # fmt: skip


def test_search_grouped_and_filtered(user: TwelveLabs, made: Shelf) -> None:
    grouped = search(user, made.store, "title", group_by="item")
    ids = [one.item_id for one in grouped.data]
    assert len(set(ids)) == len(ids)
    recordings = search(user, made.store, "title", filter=filtered(asset_type={"eq": "video"}))
    assert {one.asset_type for one in recordings.data} == {"video"}
    only = filtered(asset_type={"in": ["video"]}, item_id={"in": [made.items["two"], "ksi_x"]})
    assert {one.item_id for one in search(user, made.store, "title", filter=only).data} == {
        made.items["two"]
    }
    pictures = search(user, made.store, "dragon", filter=filtered(asset_type={"eq": "image"}))
    assert {one.item_id for one in pictures.data} == {made.items["sign"]}
    assert pictures.effective_search_options.video is None
    none = search(user, made.store, "title", filter=filtered(item_id={"eq": "ksi_x"}))
    assert (none.data, none.next_page_token) == ([], None)


def test_search_in_pages(
    server: Server, user: TwelveLabs, foreigner: TwelveLabs, made: Shelf
) -> None:
    whole = search(user, made.store, "title yellow red", page_size=50)
    assert len(whole.data) >= 3
    assert whole.next_page_token is None
    page = search(user, made.store, "title yellow red", page_size=1, include_metadata=True)
    first, rows = page.next_page_token, list(page.data)
    while page.next_page_token is not None:
        page = search(user, made.store, "ignored", page_token=page.next_page_token)
        assert page.effective_search_options == whole.effective_search_options
        rows += page.data
    assert [(one.rank, one.item_id) for one in rows] == [
        (one.rank, one.item_id) for one in whole.data
    ]
    assert all(one.metadata is not None for one in rows)
    assert first is not None

    def later(token: str, store: str = made.store, who: TwelveLabs = user) -> Any:
        return search(who, store, "title", page_token=token)

    for junk in ("", "junk", first[:-1] + "g", "0" * 24 + first[24:], first.replace("-2", "-9"),
                 first + "0" * 9):  # fmt: skip
        with pytest.raises(BadRequestError):
            later(junk)
    other = str(user.knowledge_stores.create(name="Other").id)
    with pytest.raises(BadRequestError):
        later(first, other)
    theirs = str(foreigner.knowledge_stores.create(name="Theirs").id)
    with pytest.raises(BadRequestError):
        later(first, theirs, foreigner)
    with pytest.raises(GoneError):
        later(re.sub(r"\.[0-9a-f]+$", ".1", first))
    change = text("UPDATE resources SET expires_at = created_at WHERE kind = 'search'")
    with open_store(server.settings) as store, store.database.write_transaction() as base:
        base.execute(change)
    with pytest.raises(GoneError):
        later(first)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"query": {}}, {"query": {"text": ""}}, {"query": {"text": " ?! "}},
        *(
            {"query": {"text": "x"}, **rest}
            for rest in (
                {"page_size": 0}, {"page_size": 51}, {"group_by": "video"},
                {"filter": {"asset_type": {}}}, {"filter": {"asset_type": {"eq": "audio"}}},
                {"filter": {"item_id": {"eq": "a", "in": ["b"]}}},
                {"filter": {"item_id": {"in": []}}},
                {"search_options": {"video": {"modalities": []}}},
                {"search_options": {"video": {"modalities": ["smell"]}}},
                {"filter": {"asset_type": {"eq": "image"}},
                 "search_options": {"video": {"modalities": ["visual"]}}},
            )
        ),
    ],
)  # fmt: skip
def test_searches_that_are_refused(raw: Client, made: Shelf, body: dict[str, Any]) -> None:
    answer = raw.post(f"knowledge-stores/{made.store}/search", json=body)
    assert answer.status_code == 400, answer.text


# -- collections ----------------------------------------------------------------------------------


def test_collections(user: TwelveLabs, raw: Client, made: Shelf) -> None:
    collections = user.knowledge_store_item_collections
    one = collections.create(made.store, name="Films", description="d", metadata={"a": 1})
    require_id("ksic", one.id)
    id = str(one.id)
    assert (one.knowledge_store_id, one.member_count) == (made.store, 0)
    with pytest.raises(BadRequestError):
        collections.create(made.store, name="Films")
    other = str(user.knowledge_stores.create(name="Other").id)
    assert collections.create(other, name="Films").name == "Films"
    recordings = [made.items["one"], made.items["two"]]
    assert collections.add_items(made.store, id, item_ids=recordings).member_count == 2
    assert collections.add_items(made.store, id, item_ids=recordings[:1]).member_count == 2
    for strangers in ([made.items["sign"], "ksi_x"], [], ["x"] * 501):
        with pytest.raises(BadRequestError):
            collections.add_items(made.store, id, item_ids=strangers)
    assert collections.retrieve(made.store, id).member_count == 2
    listed = [row.id for row in collections.list_items(made.store, id, page_limit=1)]
    assert listed == recordings[::-1]
    place = f"knowledge-stores/{made.store}/item-collections"
    assert raw.ok("GET", f"{place}/{id}/items", params={"page": 9})["data"] == []
    collections.remove_items(made.store, id, item_ids=[recordings[0], "ksi_x"])
    collections.remove_items(made.store, id, item_ids=[recordings[0]])
    assert [row.id for row in collections.list_items(made.store, id)] == recordings[1:]
    second = collections.create(made.store, name="Another")
    with pytest.raises(BadRequestError):
        collections.update(made.store, str(second.id), name="Films")
    changed = collections.update(made.store, str(second.id), name="Another", metadata={})
    assert (changed.name, changed.metadata) == ("Another", {})
    assert collections.update(made.store, str(second.id), description="new").description == "new"
    named = [row.name for row in collections.list(made.store, sort_by="name", sort_option="asc")]
    assert named == ["Another", "Films"]
    assert raw.ok("GET", place, params={"page": 5})["data"] == []
    require_status(404, lambda: collections.retrieve(other, id))
    for row in (id, str(second.id)):
        collections.delete(made.store, row)
        require_status(404, lambda row=row: collections.retrieve(made.store, row))
    assert user.knowledge_stores.retrieve(made.store).item_count == 3


# -- deletion, enrichment, other tenants ----------------------------------------------------------


def test_deletion_leaves_nothing_but_the_assets(
    server: Server, user: TwelveLabs, tmp_path: Path
) -> None:
    stores, items = user.knowledge_stores, user.knowledge_store_items
    collections = user.knowledge_store_item_collections
    made = shelf(user, tmp_path)
    group = str(collections.create(made.store, name="All").id)
    collections.add_items(made.store, group, item_ids=list(made.items.values()))
    token = search(user, made.store, "title dragon", page_size=1).next_page_token
    items.delete(made.store, made.items["sign"])
    require_status(404, lambda: items.retrieve(made.store, made.items["sign"]))
    require_status(404, lambda: items.delete(made.store, made.items["sign"]))
    assert collections.retrieve(made.store, group).member_count == 2
    assert user.assets.retrieve(made.assets["sign"]).status == "ready"
    left = {one.item_id for one in search(user, made.store, "title dragon", page_size=50).data}
    assert left == {made.items["one"], made.items["two"]}
    later = search(user, made.store, "title dragon", page_token=token)
    assert made.items["sign"] not in {one.item_id for one in later.data}
    # An asset does not go by mistake, and takes its items along.
    require_status(409, lambda: user.assets.delete(made.assets["two"]))
    user.assets.delete(made.assets["two"], force=True)
    assert [one.id for one in items.list(made.store)] == [made.items["one"]]
    assert collections.retrieve(made.store, group).member_count == 1
    stores.delete(made.store)
    for call in (
        lambda: stores.retrieve(made.store),
        lambda: list(items.list(made.store)),
        lambda: collections.retrieve(made.store, group),
    ):
        require_status(404, call)
    with pytest.raises(NotFoundError):
        search(user, made.store, "title")
    assert user.assets.retrieve(made.assets["one"]).status == "ready"
    with open_store(server.settings) as store, store.database.read_transaction() as base:
        rows = base.execute(
            text("SELECT count(*) FROM resources WHERE parent = :id"), {"id": made.store}
        )
        assert rows.scalar() == 0
        names = base.execute(text("SELECT name FROM indexes")).scalars()
        assert not [name for name in names if made.store in name]


def test_items_are_in_no_other_list(user: TwelveLabs, made: Shelf) -> None:
    """What a store observes in is nobody's index."""
    assert all("~" not in str(index.index_name) for index in user.indexes.list())
    assert list(user.tasks.list()) == []
    assert list(user.indexes.indexed_assets.list_by_asset(made.assets["one"])) == []


def test_enrichment(server: Server, user: TwelveLabs, made: Shelf) -> None:
    """What is extracted of an item is kept with it, and searched."""
    config: Any = {"enrichment_config": {"type": "json_schema", "json_schema": SCHEMA}}
    store = user.knowledge_stores.create(name="Rich", ingestion_config=config)
    assert store.ingestion_config is not None
    kept: Any = store.ingestion_config.enrichment_config
    assert kept.json_schema.properties == SCHEMA["properties"]
    item = add(user, str(store.id), made.assets["sign"])
    with open_store(server.settings) as library:
        everything = library.scope(Grant("tests", Purpose.MANAGE, EVERY_TENANT))
        (video,) = [one for one in library.catalog.videos(everything) if one.item_id == item]
    assert video.enrichment is not None
    assert search(user, str(store.id), "dragon").data[0].item_id == item


def test_other_tenants_see_nothing(
    server: Server, user: TwelveLabs, foreigner: TwelveLabs, made: Shelf
) -> None:
    group = str(user.knowledge_store_item_collections.create(made.store, name="Mine").id)
    own = str(foreigner.knowledge_stores.create(name="Own").id)
    their_key = {"x-api-key": server.key(tenant="foreign")}
    nobody = "ks_019f4f2a-b69e-7812-b20f-6ea6d644ceff"
    base = f"{server.base}/knowledge-stores"
    item, asset = made.items["one"], made.assets["one"]
    words = {"query": {"text": "title"}}
    with httpx.Client(headers=their_key) as other:
        for method, path, body in (
            ("GET", "", None), ("PATCH", "", {"name": "x"}), ("DELETE", "", None),
            ("POST", "/search", words), ("GET", "/items", None), ("GET", f"/items/{item}", None),
            ("DELETE", f"/items/{item}", None), ("POST", "/items", {"asset_id": asset}),
            ("GET", "/item-collections", None), ("POST", "/item-collections", {"name": "x"}),
            ("GET", f"/item-collections/{group}", None),
            ("PATCH", f"/item-collections/{group}", {"name": "x"}),
            ("DELETE", f"/item-collections/{group}", None),
            ("GET", f"/item-collections/{group}/items", None),
            ("POST", f"/item-collections/{group}/items/add", {"item_ids": [item]}),
            ("POST", f"/item-collections/{group}/items/remove", {"item_ids": [item]}),
        ):  # fmt: skip
            answers = [
                other.request(method, f"{base}/{id}{path}", json=body)
                for id in (made.store, nobody)
            ]
            assert [one.status_code for one in answers] == [404, 404], path
            assert answers[0].text.replace(made.store, nobody) == answers[1].text
            if path not in ("", "/search", "/items", "/item-collections"):
                inside = other.request(method, f"{base}/{own}{path}", json=body)
                assert inside.status_code == 404, path
        assert other.post(f"{base}/{own}/items", json={"asset_id": asset}).status_code == 404
        listed = [row["_id"] for row in other.get(base, params={"page_limit": 50}).json()["data"]]
        assert own in listed
        assert made.store not in listed
    assert user.knowledge_stores.retrieve(made.store).item_count == 3


@pytest.mark.slow
def test_a_restart_loses_nothing(server: Server, user: TwelveLabs, tmp_path: Path) -> None:
    """Items that were being taken in when the server was killed are taken in afterwards."""
    store = str(user.knowledge_stores.create(name="Killed").id)
    recording = upload(user, samples.video(tmp_path / "video.mp4", samples.THREE))
    sign = upload(user, samples.image(tmp_path / "picture.png"))
    made = [
        str(user.knowledge_store_items.create(store, asset_id=asset).id)
        for asset in (recording, sign)
    ]
    server.kill()
    server.settle()
    server.start()
    for id in made:
        found = ended(lambda id=id: user.knowledge_store_items.retrieve(store, id))
        assert found.status == "ready", found


def test_every_method_was_called(watched: Watched) -> None:
    """The last test: it needs those before it."""
    assert watched.forgotten_of("knowledge_store") == set()
