"""Saved searches that go wrong: each by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.ingest.rig import GRANT, INDEXING, Rig

from videlicet.saved_searches.records import ACTIVE, pending_run
from videlicet.store import Store
from videlicet.types import Index, Kind, Resource


def save(store: Store, index: Index, id: str, text: str, **body: object) -> Resource:
    """A query as a program of another version may have saved it."""
    now = datetime.now(UTC) - timedelta(minutes=1)
    made = Resource(
        id, Kind.SAVED_SEARCH, index.tenant, now, now, ACTIVE, parent=index.id, name=id,
        body={
            "parts": [{"kind": "text", "weight": 1.0, "text": text, "asset_id": None}],
            "media": 0, "modalities": [], "lanes": [], "filter": {}, "threshold": 0.1,
            "include_existing": True, "error": None, **body,
        },
    )  # fmt: skip
    store.catalog.put_saved_search(
        store.scope(INDEXING, made.parent),
        made,
        replace(pending_run(index, id, now), status="failed"),
    )
    return made


def test_a_query_that_cannot_be_searched_with_keeps_no_other_from_it(
    three_videos: list[Path], rig: Rig
) -> None:
    with rig.working() as (context, index):
        store = context.store
        save(store, index, "bad", '"title 0"', filter={"year": {"$strange": 1}})
        save(store, index, "good", '"title 0"')
    rig.add(three_videos[0])
    with rig.working() as (context, index):
        store = context.store
        bad, good = (
            store.catalog.resource(store.scope(GRANT), Kind.SAVED_SEARCH, id)
            for id in ("bad", "good")
        )
        (match,), _ = store.catalog.find_resources(store.scope(GRANT), Kind.MATCH)
        assert match.parent == "good"
        assert good.body["error"] is None
        assert bad.body["error"]["code"] == "filter_invalid"
        # Nothing is left to be tried again.
        waiting, _ = store.catalog.find_resources(
            store.scope(GRANT), Kind.SAVED_SEARCH_RUN, status=["processing"]
        )
        assert waiting == []
        # Once it can be put, nothing is said against it any more.
        store.catalog.update_resource(
            store.scope(GRANT), Kind.SAVED_SEARCH, "bad", body={"filter": {}}
        )
        (asset,) = store.catalog.assets(store.scope(GRANT))
        context.saved_searches.asset_ready(store.scope(INDEXING), index, asset.id)
        assert (
            store.catalog.resource(store.scope(GRANT), Kind.SAVED_SEARCH, "bad").body["error"]
            is None
        )
        found, _ = store.catalog.find_resources(store.scope(GRANT), Kind.MATCH)
        assert {one.parent for one in found} == {"bad", "good"}
