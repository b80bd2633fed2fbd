"""What is left behind by processes that were killed, and what nobody waits for any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.ingest.rig import CARDS, GRANT, INDEXING, Rig, put_asset

from videlicet.analysis_jobs import analyses
from videlicet.analysis_jobs.kinds import AnalysisJobs
from videlicet.errors import NotFound, StoreError
from videlicet.ingest import file_jobs, files
from videlicet.ingest.gc import sweep, sweep_incoming
from videlicet.ingest.indexing import add_video
from videlicet.ingest.kinds import EmbeddingJobs
from videlicet.ingest.plan import IndexingPlan, staging
from videlicet.media.probe import probe
from videlicet.rights import EVERY_TENANT
from videlicet.store import Store
from videlicet.types import AssetOwner, AssetStatus, Index, Kind, Resource
from videlicet.webhooks import delivery

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(hours=2)


def put(store: Store, kind: Kind, id: str, status: str = "", **fields: Any) -> Resource:
    made = fields.pop("created_at", NOW)
    one = Resource(id, kind, "local", made, made, status, **fields)
    store.catalog.put_resource(store.scope(GRANT), one)
    return one


def own_file(store: Store, index: Index, id: str, created_at: datetime = LONG_AGO) -> str:
    """A video that came with a request, with its video; the id of that."""
    store.blobs.put(store.scope(GRANT), files.original_key(id), b"video")
    asset = put_asset(
        store, id, owner=AssetOwner.ANALYSIS, created_at=created_at, blob=files.original_key(id)
    )
    return add_video(store.scope(GRANT), store, index, asset, {})[0].id


def analysis(store: Store, id: str, status: str, **body: Any) -> Resource:
    body = {"job": {}, "source": {"type": "url"}, "index_id": None, "video_id": None, **body}
    parent = body.pop("parent", "")
    return put(store, Kind.ANALYSIS, id, status, parent=parent, body=body)


def assets_there(store: Store) -> set[str]:
    found, _ = store.catalog.list_assets(store.scope(GRANT), owners=list(AssetOwner))
    return {asset.id for asset in found}


def there(store: Store, kind: Kind) -> set[str]:
    return {one.id for one in store.catalog.find_resources(store.scope(GRANT), kind)[0]}


@pytest.mark.parametrize("status", [analyses.READY, analyses.FAILED, analyses.CANCELED])
def test_an_analysis_that_was_killed_just_after_its_end_is_settled(rig: Rig, status: str) -> None:
    with rig.working() as (context, index):
        store = context.store
        delivery.add_webhook(store.scope(GRANT), store, "https://videlicet.invalid/hook")
        own_file(store, index, "own")
        body: dict[str, Any] = {"own": "own", "pictures": ["a"]}
        if status == analyses.FAILED:
            body["error"] = {"code": "task_failed", "message": "It failed."}
        one = analysis(store, "a1", status, **body)
        analysis(store, "a2", status, parent="batch", **{**body, "own": None})
        for id in ("a1", "a2"):
            store.blobs.put(store.scope(GRANT), analyses.image_key(id, 0), b"picture")
        for _ in range(2):  # done again it changes nothing
            for id in ("a1", "a2"):
                assert analyses.run_analysis_job(context.worker, "local", id) == status
            assert assets_there(store) == set()
            assert store.catalog.videos(store.scope(GRANT)) == []
            assert store.blobs.list(store.scope(GRANT.within(EVERY_TENANT))) == []
            # What belongs to a batch is not told.
            (row,), _ = store.catalog.find_resources(store.scope(GRANT), Kind.DELIVERY)
            assert row.body["event"]["type"] == analyses.EVENTS[status]
            assert row.body["event"]["data"]["id"] == one.id


def test_files_of_requests_that_nobody_waits_for_go(rig: Rig) -> None:
    with rig.writing() as (store, index):
        for id, age in (
            ("unclaimed", LONG_AGO), ("young", NOW), ("live", LONG_AGO), ("ended", LONG_AGO),
        ):  # fmt: skip
            own_file(store, index, id, age)
        put_asset(store, "asset", created_at=LONG_AGO)
        analysis(store, "a1", analyses.QUEUED, own="live")
        analysis(store, "a2", analyses.CANCELED, own="ended", pictures=["a"])
        analysis(store, "a3", analyses.PENDING, pictures=["a"])
        for id in ("a2", "a3", "being-made"):
            store.blobs.put(store.scope(GRANT), analyses.image_key(id, 0), b"picture")
        analyses.sweep(store.scope(GRANT), store)
        assert assets_there(store) == {"young", "live", "asset"}
        assert len(store.catalog.videos(store.scope(GRANT))) == 2
        everybody = store.scope(GRANT.within(EVERY_TENANT))
        assert store.blobs.list(everybody) == [
            "analyses/a3/0", "analyses/being-made/0", "files/live/original",
            "files/young/original",
        ]  # fmt: skip


def test_what_is_kept_for_some_time_goes_after_it(rig: Rig) -> None:
    past, future = NOW - timedelta(seconds=1), NOW + timedelta(days=1)
    with rig.working() as (context, _):
        store = context.store
        for id, expires_at in (("old", past), ("new", future)):
            for one in (Kind.EMBEDDING, Kind.BATCH):
                put(store, one, id, "ready", expires_at=expires_at)
            analysis(store, f"of {id}", analyses.READY, parent=id)
        analysis(store, "alone", analyses.READY)
        for kind in (AnalysisJobs(context.worker), EmbeddingJobs(context)):
            kind.sweep()
        assert there(store, Kind.EMBEDDING) == there(store, Kind.BATCH) == {"new"}
        assert there(store, Kind.ANALYSIS) == {"of new", "alone"}


def test_unfinished_work_keeps_its_staging(rig: Rig) -> None:
    """A journal counts how often a video has ended its worker: it must outlive workers."""
    with rig.writing() as (store, _):
        put(store, Kind.EMBEDDING, "embedding", "processing")
        put(store, Kind.EMBEDDING, "embedded", "ready")
        put_asset(store, "file", AssetStatus.PROCESSING)
        folder = staging(rig.settings, "")
        for name in ("embedding", "embedded", "file", "incoming-0"):
            (folder / name).mkdir(parents=True)
            (folder / name / "journal").write_bytes(b"x")
        (folder / ".DS_Store").write_bytes(b"x")
        sweep(store.scope(GRANT), store, rig.settings)
        assert {path.name for path in folder.iterdir()} == {"embedding", "file", "incoming-0"}
        (folder / "incoming-1").write_bytes(b"x")
        sweep_incoming(rig.settings)
        assert {path.name for path in folder.iterdir()} == {"embedding", "file"}


def test_a_full_disk_under_an_embedding_is_said_to_be_full(
    rig: Rig, three_videos: list[Path]
) -> None:
    with rig.working() as (context, _):
        settings = context.settings
        plan = IndexingPlan(
            "", "e1", "0" * 64, "video.mkv", (), probe(three_videos[0], settings), CARDS,
            settings.sample_rate, settings.segment_min, settings.segment_max,
        )  # fmt: skip
        journal = staging(settings, "e1") / f"{plan.key}.journal"
        journal.parent.mkdir(parents=True)
        journal.symlink_to("/dev/full")
        with pytest.raises(StoreError) as caught:
            file_jobs.timed_vectors_of(context, "local", plan, three_videos[0])
        assert caught.value.code == "disk_full"


def test_an_embedding_stops_with_its_worker(rig: Rig, three_videos: list[Path]) -> None:
    with rig.working() as (context, _):
        store = context.store
        media = probe(three_videos[0], context.settings)
        put_asset(store, "f1", source=str(three_videos[0]), recording=media)
        context.worker.close()
        request = {"options": ["visual"], "scopes": ["clip"], "types": ["separate"], "clip": 6.0}
        body = {"file_id": "f1", "facts": {"input_type": "video"}, "request": request}
        put(store, Kind.EMBEDDING, "e1", "processing", body=body)
        assert file_jobs.run_embedding(context, "local", "e1") == "processing"
        assert (
            store.catalog.resource(store.scope(GRANT), Kind.EMBEDDING, "e1").status == "processing"
        )


def test_analyses_leave_an_index_of_that_name_alone(rig: Rig) -> None:
    """Somebody may call theirs what the hidden one is called."""
    with rig.working() as (context, _):
        store, settings = context.store, context.settings
        asset = put_asset(store, "f1")
        theirs = store.catalog.create_index(
            store.scope(INDEXING), analyses.HIDDEN_INDEX, dict(CARDS)
        )
        ours, video = analyses.find_observed_index(store.scope(INDEXING), store, settings, asset)
        assert video is None
        assert ours.hidden
        again, _ = analyses.find_observed_index(store.scope(INDEXING), store, settings, asset)
        assert again == ours
        assert store.catalog.index(store.scope(GRANT), theirs.id).name == analyses.HIDDEN_INDEX
        assert [
            index.id for index in store.catalog.indexes(store.scope(GRANT)) if index.id == theirs.id
        ]


def test_analyses_with_other_models_have_an_index_of_their_own(rig: Rig) -> None:
    with rig.working() as (context, _):
        store = context.store
        asset = put_asset(store, "f1")
        old = store.catalog.create_index(
            store.scope(INDEXING), analyses.HIDDEN_INDEX, {"text": "of yesterday"}, {"hidden": True}
        )
        ours, _video = analyses.find_observed_index(
            store.scope(INDEXING), store, context.settings, asset
        )
        assert ours.id != old.id
        assert dict(ours.cards) == dict(CARDS)
        assert store.catalog.index(store.scope(GRANT), old.id) == old
        assert (
            analyses.find_observed_index(store.scope(INDEXING), store, context.settings, asset)[0]
            == ours
        )


def test_a_deleted_file_is_gone_for_an_embedding_too(rig: Rig) -> None:
    with rig.working() as (context, _):
        store = context.store
        body = {"file_id": "f1", "facts": {"input_type": "video"}, "request": {}}
        put(store, Kind.EMBEDDING, "e1", "processing", body=body)
        store.blobs.put(store.scope(GRANT), files.original_key("f1"), b"video")
        file_jobs.run_embedding(context, "local", "e1")
        assert store.blobs.list(store.scope(GRANT.within(EVERY_TENANT))) == []
        with pytest.raises(NotFound):
            store.catalog.asset(store.scope(GRANT), "f1")
