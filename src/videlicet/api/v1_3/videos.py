"""Videos: an asset inside an index. ``/videos`` and ``/indexed-assets`` are two views of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query, Request, Response

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.parameters import Pages, is_ascending, parse_time, sort_column
from videlicet.api.routing import V1_3, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.common import deep_object, number_bounds, parse_metadata
from videlicet.api.v1_3.schemas.videos import (
    IndexedAssetCreated,
    IndexedAssetDetail,
    IndexedAssetOfAsset,
    IndexedAssetSummary,
    MetadataChanges,
    NewIndexedAsset,
    Option,
    StatusName,
)
from videlicet.api.v1_3.video_shapes import indexed_asset_to_json, video_to_json, with_details
from videlicet.services import indexing
from videlicet.services.assets import get_asset
from videlicet.services.indexes import get_index
from videlicet.services.indexing import NUMBERS
from videlicet.store.records import VideoFilter
from videlicet.types import Index, VideoStatus

router = router_for("videos", V1_3)

# -- the two views ------------------------------------------------------------------------------


@router.post(
    "/indexes/{index_id}/indexed-assets",
    status_code=202,
    response_model=IndexedAssetCreated,
    tags=["indexed assets"],
)
def create(call: Call, index_id: str, body: NewIndexedAsset) -> Any:
    """Index an asset."""
    index = get_index(call, index_id)
    asset = get_asset(call, body.asset_id)
    indexing.require_indexable(asset)
    metadata = parse_metadata(body.user_metadata or {})
    video, _ = indexing.index_asset(call, index, asset, metadata, stream=body.enable_video_stream)
    return {"_id": video.id, "asset_id": asset.id}


@router.get(
    "/assets/{asset_id}/indexed-assets",
    response_model=Page[IndexedAssetOfAsset],
    tags=["indexed assets"],
)
def find_by_asset(call: Call, pages: Pages, asset_id: str) -> Any:
    """List the indexes that hold an asset."""
    asset = get_asset(call, asset_id)
    names = {index.id: index.name for index in call.catalog.indexes(call.manage)}
    videos = [one for one in indexing.list_videos_of(call, asset.id) if one.index_id in names]
    chosen = videos[pages.offset : pages.offset + pages.limit]
    rows = [
        {"_id": video.id, "index": {"_id": video.index_id, "name": names[video.index_id]}}
        for video in chosen
    ]
    return pages.response(rows, len(videos))


@router.get(
    "/indexes/{index_id}/indexed-assets",
    response_model=Page[IndexedAssetSummary],
    response_model_exclude_none=True,
    tags=["indexed assets"],
)
def find_indexed(
    request: Request,
    call: Call,
    pages: Pages,
    index_id: str,
    sort_by: str | None = None,
    sort_option: str | None = None,
    status: Annotated[list[StatusName] | None, Query()] = None,
    filename: str | None = None,
    created_at: str | None = None,
    updated_at: str | None = None,
) -> Any:
    """List the assets of an index, whatever their status."""
    index = get_index(call, index_id)
    extra = list(deep_object(request, "user_metadata").items())
    return _list(
        call, pages, index, request, extra, status or (), sort_by, sort_option, filename,
        created_at, updated_at, indexed_asset_to_json,
    )  # fmt: skip


@router.get(
    "/indexes/{index_id}/videos",
    response_model=Page[IndexedAssetSummary],
    response_model_exclude_none=True,
)
def find_videos(
    request: Request,
    call: Call,
    pages: Pages,
    index_id: str,
    sort_by: str | None = None,
    sort_option: str | None = None,
    filename: str | None = None,
    created_at: str | None = None,
    updated_at: str | None = None,
) -> Any:
    """List the videos of an index that can be searched. Every other parameter is a key of user
    metadata to filter by."""
    index = get_index(call, index_id)
    extra = [
        (key, value)
        for key, value in request.query_params.multi_items()
        if key.partition("[")[0] not in _OWN
    ]
    extra += deep_object(request, "user_metadata").items()
    return _list(
        call, pages, index, request, extra, [VideoStatus.READY], sort_by, sort_option, filename,
        created_at, updated_at, video_to_json,
    )  # fmt: skip


#: Parameters of lists of videos that are no user metadata.
_OWN = {
    "page", "page_limit", "sort_by", "sort_option", "filename", "created_at", "updated_at",
    "user_metadata", *NUMBERS,
}  # fmt: skip


def _list(
    call: HttpCaller,
    pages: Pages,
    index: Index,
    request: Request,
    extra: Sequence[tuple[str, str]],
    status: Sequence[str],
    sort_by: str | None,
    sort_option: str | None,
    filename: str | None,
    created_at: str | None,
    updated_at: str | None,
    show: Any,
) -> Any:
    wanted = VideoFilter(
        status=status,
        name_part=filename,
        created_since=parse_time("created_at", created_at),
        updated_since=parse_time("updated_at", updated_at),
        numbers={name: number_bounds(request, name) for name in NUMBERS},
        metadata=extra,
    )
    up = is_ascending(sort_option)
    key = sort_column(sort_by, known=("created_at", "updated_at", "filename", "name", *NUMBERS))
    rows, total = indexing.list_videos(
        call, index, wanted, sort_by="name" if key == "filename" else key, ascending=up,
        offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.response([show(row) for row in rows], total)


@router.get(
    "/indexes/{index_id}/indexed-assets/{video_id}",
    response_model=IndexedAssetDetail,
    response_model_exclude_none=True,
    tags=["indexed assets"],
)
def retrieve_indexed(
    call: Call,
    index_id: str,
    video_id: str,
    embedding_option: Annotated[list[Option] | None, Query()] = None,
    transcription: bool = False,
) -> Any:
    """Look at one asset of an index, with its vectors and its words if they are asked for."""
    index = get_index(call, index_id)
    video = indexing.get_video(call, index, video_id)
    return with_details(
        call, index, video, indexed_asset_to_json(video), embedding_option, transcription
    )


@router.get(
    "/indexes/{index_id}/videos/{video_id}",
    response_model=IndexedAssetDetail,
    response_model_exclude_none=True,
)
def retrieve_video(
    call: Call,
    index_id: str,
    video_id: str,
    embedding_option: Annotated[list[Option] | None, Query()] = None,
    transcription: bool = False,
) -> Any:
    """Look at one video, with its vectors and its words if they are asked for."""
    index = get_index(call, index_id)
    video = indexing.get_video(call, index, video_id)
    return with_details(call, index, video, video_to_json(video), embedding_option, transcription)


@router.patch(
    "/indexes/{index_id}/indexed-assets/{video_id}",
    response_class=Response,
    tags=["indexed assets"],
)
@router.patch("/indexes/{index_id}/videos/{video_id}", response_class=Response)
@router.put("/indexes/{index_id}/videos/{video_id}", response_class=Response)
def update(call: Call, index_id: str, video_id: str, body: MetadataChanges) -> Response:
    """Change user metadata; null deletes a key."""
    video = indexing.get_video(call, get_index(call, index_id), video_id)
    if body.user_metadata is not None:
        new = parse_metadata(body.user_metadata, nulls=True)
        indexing.update_video_metadata(call, video, new)
    return Response(status_code=200)


@router.delete(
    "/indexes/{index_id}/indexed-assets/{video_id}",
    response_class=Response,
    tags=["indexed assets"],
)
@router.delete("/indexes/{index_id}/videos/{video_id}", response_class=Response)
def delete(call: Call, index_id: str, video_id: str) -> Response:
    """Take a video out of an index, with everything derived from it; the asset stays."""
    indexing.delete_video(call, indexing.get_video(call, get_index(call, index_id), video_id))
    return Response(status_code=200)
