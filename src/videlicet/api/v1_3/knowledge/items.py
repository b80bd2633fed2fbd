"""Items of knowledge stores: videos and pictures, each a video of the store's hidden index."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from videlicet.api.caller import Call
from videlicet.api.errors import api_error_of
from videlicet.api.parameters import Pages, format_time, is_ascending, sort_column
from videlicet.api.routing import V1_3, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.knowledge.schemas import KnowledgeItemOut, NewKnowledgeItem, Status
from videlicet.errors import from_json
from videlicet.services.indexing import NUMBERS
from videlicet.services.knowledge import items
from videlicet.services.knowledge.stores import get_store, store_index
from videlicet.types import Asset, Video, VideoStatus

router = router_for("knowledge store items", V1_3)

#: The states of a video as v1.3 names them.
_STATUSES: dict[VideoStatus, Status] = {
    VideoStatus.QUEUED: "queued",
    VideoStatus.VALIDATING: "pending",
    VideoStatus.INDEXING: "processing",
    VideoStatus.READY: "ready",
    VideoStatus.FAILED: "failed",
}


@router.post(
    "/knowledge-stores/{knowledge_store_id}/items",
    status_code=202,
    response_model=KnowledgeItemOut,
    response_model_exclude_none=True,
)
def create(call: Call, knowledge_store_id: str, body: NewKnowledgeItem) -> Any:
    """Add an asset. The same asset is the same item: one that failed is tried again."""
    return item_to_json(
        items.add_item(call, knowledge_store_id, body.asset_id, body.metadata, body.asset_type)
    )


@router.get(
    "/knowledge-stores/{knowledge_store_id}/items",
    response_model=Page[KnowledgeItemOut],
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
    rows, total = items.list_items(
        call, store_index(call, get_store(call, knowledge_store_id)),
        status=[ours for ours, theirs in _STATUSES.items() if theirs in (status or ())],
        sort=sort_column(sort_by), ascending=is_ascending(sort_option), offset=pages.offset,
        limit=pages.limit,
    )  # fmt: skip
    return pages.response([item_to_json(row) for row in rows], total)


@router.get(
    "/knowledge-stores/{knowledge_store_id}/items/{item_id}",
    response_model=KnowledgeItemOut,
    response_model_exclude_none=True,
)
def retrieve(call: Call, knowledge_store_id: str, item_id: str) -> Any:
    """Look at one item."""
    index = store_index(call, get_store(call, knowledge_store_id))
    return item_to_json(items.get_item(call, index, item_id))


@router.delete("/knowledge-stores/{knowledge_store_id}/items/{item_id}", response_class=Response)
def delete(call: Call, knowledge_store_id: str, item_id: str) -> Response:
    """Delete an item with everything derived from it, out of its collections too; the asset
    stays."""
    items.delete_item(call, knowledge_store_id, item_id)
    return Response(status_code=200)


# -- showing --------------------------------------------------------------------------------------


def item_to_json(video: Video) -> dict[str, Any]:
    """An item as v1.3 shows it."""
    error = None if video.error is None else api_error_of(from_json(video.error))
    numbers = {name: getattr(video.asset, name) for name in NUMBERS}
    if video.item_type == "image":
        numbers |= {"duration": None, "fps": None}
    return {
        "_id": video.item_id,
        "asset_type": video.item_type,
        "asset_id": video.asset_id,
        "status": _STATUSES[video.status],
        "system_metadata": {
            "asset_type": video.item_type,
            "filename": video.name,
            "codec_name": _codec(video.asset),
            **numbers,
        },
        "metadata": dict(video.metadata),
        "error": None if error is None else {"code": error.code, "message": error.message},
        "created_at": format_time(video.created_at),
        "updated_at": format_time(video.updated_at),
    }


def _codec(asset: Asset) -> str | None:
    if asset.recording is not None:
        return None if asset.recording.video is None else asset.recording.video.codec
    format = (asset.facts.get("image") or {}).get("format")
    return None if format is None else str(format).lower()
