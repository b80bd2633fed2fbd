"""Items of knowledge stores: videos and pictures, each a video of the store's hidden index."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, Any

from fastapi import Query, Response

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import ApiError, invalid, of_library, unknown
from videlicet.api.parameters import Pages, ascending, sorted_by, text_of
from videlicet.api.routing import router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.knowledge.metadata import ITEM, metadata_of
from videlicet.api.v1_3.knowledge.schemas import AssetType, Item, NewItem, Status
from videlicet.api.v1_3.knowledge.stores import alone, index_of, store_of
from videlicet.errors import from_json
from videlicet.ingest import files, videos
from videlicet.ingest.indexing import enter, remove_video
from videlicet.rights import Purpose
from videlicet.services.assets import get_asset
from videlicet.services.indexing import NUMBERS
from videlicet.store.catalog.slots import chunked
from videlicet.types import Index, Kind, Resource, ordered_id

router = router_for("knowledge store items")

#: How v1.3 calls where a video stands.
_STATUSES: dict[str, Status] = {
    videos.QUEUED: "queued",
    videos.VALIDATING: "pending",
    videos.INDEXING: "processing",
    videos.READY: "ready",
    videos.FAILED: "failed",
}


@router.post(
    "/knowledge-stores/{knowledge_store_id}/items",
    status_code=202,
    response_model=Item,
    response_model_exclude_none=True,
)
def create(call: Call, knowledge_store_id: str, body: NewItem) -> Any:
    """Add an asset. The same asset is the same item: one that failed is tried again."""
    metadata = metadata_of(body.metadata, ITEM)
    with alone(call, knowledge_store_id):
        store = store_of(call, knowledge_store_id)
        index = index_of(call, store)
        file = get_asset(call, body.asset_id)
        there = _videos(call, index, file_id=file.id)
        facts = {
            "store_id": store.id,
            "asset_type": _type_of(file, body.asset_type),
            "item_id": there[0].body["item_id"] if there else ordered_id("ksi"),
        }
        scope = call.scope(Purpose.INGEST)
        video, _ = enter(scope, call.store, index, file, metadata, facts=facts)
    call.platform.work.wake()
    return shown(call, [video])[0]


def _type_of(file: Resource, given: AssetType | None) -> str:
    if file.status == files.FAILED:
        raise ApiError(400, "asset_not_ready", "The asset could not be read; upload it again.")
    kind = file.body.get("kind")
    if file.status == files.READY:
        if kind not in ("video", "image"):
            raise ApiError(
                400, "asset_type_not_supported", "Only videos and pictures can be items."
            )
        if given not in (None, kind):
            raise invalid(f"asset_type: the asset is of type {kind}.")
        return str(kind)
    if given is None:
        raise ApiError(
            400,
            "asset_not_ready",
            "The asset is not ready yet; wait for it, or say its asset_type.",
        )
    return given


@router.get(
    "/knowledge-stores/{knowledge_store_id}/items",
    response_model=Page[Item],
    response_model_exclude_none=True,
)
def find(
    call: Call,
    pages: Pages,
    knowledge_store_id: str,
    sort_by: str | None = None,
    sort_option: str | None = None,
    status: Annotated[list[Status] | None, Query()] = None,
) -> Any:
    """List the items of a knowledge store."""
    index = index_of(call, store_of(call, knowledge_store_id))
    rows, total = call.catalog.find_resources(
        call.manage, Kind.VIDEO, parent=index.id, sort=sorted_by(sort_by),
        status=[ours for ours, theirs in _STATUSES.items() if theirs in (status or ())],
        ascending=ascending(sort_option), offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.of(shown(call, rows), total)


@router.get(
    "/knowledge-stores/{knowledge_store_id}/items/{item_id}",
    response_model=Item,
    response_model_exclude_none=True,
)
def retrieve(call: Call, knowledge_store_id: str, item_id: str) -> Any:
    """Look at one item."""
    index = index_of(call, store_of(call, knowledge_store_id))
    return shown(call, [item_of(call, index, item_id)])[0]


@router.delete("/knowledge-stores/{knowledge_store_id}/items/{item_id}", response_class=Response)
def delete(call: Call, knowledge_store_id: str, item_id: str) -> Response:
    """Delete an item with everything derived from it, out of its collections too; the asset
    stays."""
    from videlicet.api.v1_3.knowledge.collections import leave

    store = store_of(call, knowledge_store_id)
    video = item_of(call, index_of(call, store), item_id)
    remove_video(call.manage, call.store, video)
    leave(call, store.id, item_id)
    return Response(status_code=200)


# -- the videos that items are --------------------------------------------------------------------


def item_of(call: HttpCaller, index: Index, item_id: str) -> Resource:
    """The video of an item."""
    found = _videos(call, index, item_id=item_id)
    if not found:
        raise unknown("knowledge store item", item_id)
    return found[0]


def _videos(call: HttpCaller, index: Index, **body: str) -> list[Resource]:
    return call.catalog.find_resources(
        call.manage, Kind.VIDEO, parent=index.id,
        body=[((name,), "==", value) for name, value in body.items()],
    )[0]  # fmt: skip


def items_of(
    call: HttpCaller, index: Index, ids: Collection[str] | None = None, *, ready: bool = False
) -> list[Resource]:
    """The videos of all items, or of those with some ids, the newest first."""
    rows, _ = call.catalog.find_resources(
        call.manage, Kind.VIDEO, parent=index.id, status=[videos.READY] if ready else ()
    )
    wanted = None if ids is None else set(ids)
    return [row for row in rows if wanted is None or row.body["item_id"] in wanted]


def files_of(call: HttpCaller, rows: Iterable[Resource]) -> dict[str, Resource]:
    """The files of videos, by their ids."""
    ids = {row.body["file_id"] for row in rows}
    return {
        file.id: file
        for some in chunked(sorted(ids))
        for file in call.catalog.find_resources(call.manage, Kind.FILE, ids=some)[0]
    }


# -- showing --------------------------------------------------------------------------------------


def shown(call: HttpCaller, rows: Collection[Resource]) -> list[dict[str, Any]]:
    """Items as v1.3 shows them."""
    held = files_of(call, rows)
    return [_shown(video, held.get(video.body["file_id"])) for video in rows]


def _shown(video: Resource, file: Resource | None) -> dict[str, Any]:
    error = video.body.get("error")
    told = None if error is None else of_library(from_json(error))
    kind = video.body["asset_type"]
    numbers = {name: video.body.get(name) for name in NUMBERS}
    if kind == "image":
        numbers |= {"duration": None, "fps": None}
    return {
        "_id": video.body["item_id"],
        "asset_type": kind,
        "asset_id": video.body["file_id"],
        "status": _STATUSES[video.status],
        "system_metadata": {
            "asset_type": kind,
            "filename": video.name,
            "codec_name": None if file is None else _codec(file),
            **numbers,
        },
        "metadata": video.body["user_metadata"],
        "error": None if told is None else {"code": told.code, "message": told.message},
        "created_at": text_of(video.created_at),
        "updated_at": text_of(video.updated_at),
    }


def _codec(file: Resource) -> str | None:
    media = videos.media_of(file)
    if media is not None:
        return None if media.video is None else media.video.codec
    format = (file.body.get("image") or {}).get("format")
    return None if format is None else str(format).lower()
