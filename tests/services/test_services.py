"""Services over a store of their own, without a server and without workers."""

from __future__ import annotations

import hashlib

import pytest
from tests.services.conftest import Bell, uploaded

from videlicet.errors import Conflict, InvalidInput, NotFound, NotPermitted
from videlicet.rights import Grant, Purpose
from videlicet.services import assets, entities, indexes, indexing, transcripts, uploads
from videlicet.services.assets import NewAsset
from videlicet.services.caller import Caller
from videlicet.services.entities import NewEntity
from videlicet.services.platform import Platform
from videlicet.services.uploads import ChunkProof
from videlicet.services.user_metadata import checked_metadata, merge_metadata
from videlicet.types import AssetStatus


def test_nothing_of_another_tenant_is_there(alice: Caller, bob: Caller) -> None:
    asset = uploaded(alice, type="image")
    index = indexes.create_index(alice, "videos", ["visual"], {})
    upload = uploads.create_upload(alice, NewAsset("large.mp4"), 10, is_picture=False)
    people = entities.create_collection(alice, "people", None)
    entity = entities.create_entity(alice, people, NewEntity("Ann", [asset.id]))
    for call, code in (
        (lambda: assets.get_asset(bob, asset.id), "asset_not_found"),
        (lambda: assets.delete_asset(bob, asset.id), "asset_not_found"),
        (lambda: assets.set_asset_metadata(bob, asset.id, {}), "asset_not_found"),
        (lambda: transcripts.transcribe_asset(bob, asset.id), "asset_not_found"),
        (lambda: indexes.get_index(bob, index.id), "index_not_found"),
        (lambda: indexes.rename_index(bob, index.id, "mine"), "index_not_found"),
        (lambda: indexes.delete_index(bob, index.id), "index_not_found"),
        (lambda: uploads.report_chunks(bob, upload.id, []), "resource_not_found"),
        (lambda: entities.get_entity(bob, entity.id), "resource_not_found"),
    ):
        with pytest.raises(NotFound) as caught:
            call()
        assert caught.value.code == code
    assert assets.list_assets(bob) == ([], 0)
    assert indexing.list_tasks(bob, index_id=index.id) == []
    assert assets.get_asset(alice, asset.id) == asset


def test_an_index_is_named_by_its_id_only(alice: Caller) -> None:
    index = indexes.create_index(alice, "videos", ["audio"], {})
    assert set(index.cards) == {"text", "speech", "sound"}
    assert indexes.get_index(alice, index.id) == index
    with pytest.raises(NotFound):
        indexes.get_index(alice, "videos")


def test_an_upload_in_chunks(platform: Platform, alice: Caller) -> None:
    size = uploads.CHUNK_SIZE + 4
    upload = uploads.create_upload(alice, NewAsset("large.mp4"), size, is_picture=False)
    assert uploads.total_chunks(upload) == 2
    data = [b"x" * uploads.CHUNK_SIZE, b"rest"]
    proofs = []
    for number, chunk in enumerate(data, 1):
        etag = uploads.store_chunk(platform.store, upload.id, number, chunk)
        assert etag == hashlib.md5(chunk, usedforsecurity=False).hexdigest()
        proofs.append(ChunkProof(number, etag, len(chunk)))
    with pytest.raises(InvalidInput, match="has 4 bytes, not 3"):
        uploads.store_chunk(platform.store, upload.id, 2, b"few")
    with pytest.raises(InvalidInput, match="is not that of what arrived"):
        uploads.report_chunks(alice, upload.id, [ChunkProof(1, "other", uploads.CHUNK_SIZE)])
    first = uploads.report_chunks(alice, upload.id, proofs[:1])
    assert (first.processed, first.duplicates, first.complete) == (1, 0, False)
    assert uploads.upload_progress(alice, upload.id).size == uploads.CHUNK_SIZE
    last = uploads.report_chunks(alice, upload.id, proofs)
    assert (last.processed, last.duplicates, last.complete) == (1, 1, True)
    assert assets.get_asset(alice, upload.parent).status == AssetStatus.PROCESSING
    assert isinstance(platform.worker_client, Bell)
    assert platform.worker_client.rung == 1
    assert uploads.report_chunks(alice, upload.id, proofs).complete


def test_an_asset_in_use_is_deleted_by_force_only(alice: Caller) -> None:
    asset = uploaded(alice, type="video")
    index = indexes.create_index(alice, "videos", ["visual"], {})
    video, task = indexing.index_asset(alice, index, asset, {}, stream=False)
    with pytest.raises(Conflict) as caught:
        assets.delete_asset(alice, asset.id)
    assert caught.value.code == "resource_conflict"
    assets.delete_asset(alice, asset.id, force=True)
    for gone in (lambda: indexing.get_video(alice, index, video.id),
                 lambda: assets.get_asset(alice, asset.id)):  # fmt: skip
        with pytest.raises(NotFound):
            gone()
    assert indexing.get_indexing_task(alice, task.id).video is None


def test_a_deleted_picture_leaves_its_entities(alice: Caller) -> None:
    first, second = uploaded(alice, type="image"), uploaded(alice, type="image")
    people = entities.create_collection(alice, "people", None)
    entity = entities.create_entity(alice, people, NewEntity("Ann", [first.id, second.id]))
    assets.delete_asset(alice, first.id)
    assert entities.get_entity(alice, entity.id).body["asset_ids"] == [second.id]
    assert entities.list_entities_of(alice, first.id) == []


def test_a_transcript_begins_once_on_demand(platform: Platform, alice: Caller) -> None:
    asset = uploaded(alice)
    reader = Caller(platform, Grant("reader", Purpose.MANAGE, "alice"), may_write=False)
    with pytest.raises(NotPermitted) as caught:
        transcripts.transcribe_asset(reader, asset.id)
    assert caught.value.code == "scope_not_permitted"
    for _ in range(2):
        assert transcripts.transcribe_asset(alice, asset.id).status == transcripts.PENDING
    assert transcripts.transcribe_asset(reader, asset.id).status == transcripts.PENDING
    (task,) = indexing.list_tasks(alice)
    hidden = alice.catalog.index(alice.manage, task.index_id)
    assert hidden.hidden
    assert set(hidden.cards) == {"text", "speech"}
    # Nothing of it is in a list, and it does not keep the asset from being deleted.
    assert indexes.list_indexes(alice, indexes.IndexFilter()) == []
    assert indexing.list_videos_of(alice, asset.id) == []
    assets.delete_asset(alice, asset.id)


def test_an_index_that_does_not_listen_has_no_transcript(alice: Caller) -> None:
    asset = uploaded(alice, type="video")
    index = indexes.create_index(alice, "silent", ["visual"], {})
    indexing.index_asset(alice, index, asset, {}, stream=False)
    assert transcripts.transcribe_asset(alice, asset.id).status == transcripts.PENDING
    assert len(indexing.list_tasks(alice)) == 2


def test_an_asset_whose_chunks_are_awaited_is_transcribed_later(alice: Caller) -> None:
    upload = uploads.create_upload(alice, NewAsset("large.mp4"), 10, is_picture=False)
    assert transcripts.transcribe_asset(alice, upload.parent).status == transcripts.PENDING
    assert indexing.list_tasks(alice) == []


def test_pictures_have_no_transcript(alice: Caller) -> None:
    with pytest.raises(NotFound):
        transcripts.transcribe_asset(alice, uploaded(alice, type="image").id)
    assert indexing.list_tasks(alice) == []


def test_a_hidden_index_is_found_again(alice: Caller, bob: Caller) -> None:
    first = indexes.hidden_index(alice, "~test", ("text", "speech"))
    assert indexes.hidden_index(alice, "~test", ("text", "speech")) == first
    assert indexes.hidden_index(bob, "~test", ("text", "speech")).id != first.id
    other = indexes.hidden_index(alice, "~test", ("text", "vision"))
    assert other.id != first.id
    assert other.name.startswith("~test ")


def test_user_metadata() -> None:
    value = {"a": "x", "b": "", "c": [], "d": None, "e": ["x"], "f": True, "g": 1.5}
    assert checked_metadata(value) == {"a": "x", "e": ["x"], "f": True, "g": 1.5}
    assert checked_metadata({"d": None}, allow_null=True) == {"d": None}
    for wrong in ("text", {"": 1}, {"a": {}}, {"a": 2**60}, {"a": float("nan")}, {"a": [1]}):
        with pytest.raises(InvalidInput):
            checked_metadata(wrong)
    assert merge_metadata({"a": 1, "b": 2}, {"a": None, "c": 3}) == {"b": 2, "c": 3}
