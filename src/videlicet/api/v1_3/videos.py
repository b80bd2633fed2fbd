"""Videos: an asset inside an index. ``/videos`` and ``/indexed-assets`` are two views of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query, Request, Response

from videlicet.api.errors import ApiError
from videlicet.api.v1_3.assets import asset_of
from videlicet.api.v1_3.common import (
    Call,
    Caller,
    Pages,
    ascending,
    deep,
    merged,
    metadata_of,
    numbers,
    router_for,
    sorted_by,
    time_of,
)
from videlicet.api.v1_3.indexes import index_of
from videlicet.api.v1_3.schemas.common import Page
from videlicet.api.v1_3.schemas.videos import (
    ByAsset,
    Changes,
    Detail,
    Made,
    New,
    Option,
    StatusName,
    Summary,
)
from videlicet.api.v1_3.video_records import (
    NUMBERS,
    detailed,
    make,
    remove,
    shown,
    shown_older,
    video_of,
    videos_of,
)
from videlicet.errors import NotFound
from videlicet.ingest import files, videos
from videlicet.store.catalog.resources import Condition
from videlicet.types import (
    Index,
    Kind,
    Resource,
)

router = router_for("videos")

# -- the two views ------------------------------------------------------------------------------


@router.post(
    "/indexes/{index_id}/indexed-assets",
    status_code=202,
    response_model=Made,
    tags=["indexed assets"],
)
def create(call: Call, index_id: str, body: New) -> Any:
    """Index an asset."""
    index = index_of(call, index_id)
    file = asset_of(call, body.asset_id)
    if file.status == files.FAILED:
        raise ApiError(400, "asset_not_ready", "The asset could not be read; upload it again.")
    if file.status == files.READY and file.body.get("kind") not in ("video", "audio"):
        raise ApiError(400, "asset_type_not_supported", "Only videos and sounds can be indexed.")
    metadata = metadata_of(body.user_metadata or {})
    video, _ = make(call, index, file, metadata, stream=body.enable_video_stream)
    return {"_id": video.id, "asset_id": file.id}


@router.get(
    "/assets/{asset_id}/indexed-assets", response_model=Page[ByAsset], tags=["indexed assets"]
)
def find_by_asset(call: Call, pages: Pages, asset_id: str) -> Any:
    """List the indexes that hold an asset."""
    file = asset_of(call, asset_id)
    names = {index.id: index.name for index in call.catalog.indexes(call.manage)}
    held = [video for video in videos_of(call, file.id) if video.parent in names]
    chosen = held[pages.offset : pages.offset + pages.limit]
    rows = [{"_id": v.id, "index": {"_id": v.parent, "name": names[v.parent]}} for v in chosen]
    return pages.of(rows, len(held))


@router.get(
    "/indexes/{index_id}/indexed-assets",
    response_model=Page[Summary],
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
    index = index_of(call, index_id)
    extra = [
        (["user_metadata", key], value) for key, value in deep(request, "user_metadata").items()
    ]
    return _list(
        call, pages, index, request, extra, status or (), sort_by, sort_option, filename,
        created_at, updated_at, shown,
    )  # fmt: skip


@router.get(
    "/indexes/{index_id}/videos", response_model=Page[Summary], response_model_exclude_none=True
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
    index = index_of(call, index_id)
    extra = [
        (["user_metadata", key], value)
        for key, value in request.query_params.multi_items()
        if key.partition("[")[0] not in _OWN
    ]
    extra += [
        (["user_metadata", key], value) for key, value in deep(request, "user_metadata").items()
    ]
    return _list(
        call, pages, index, request, extra, [videos.READY], sort_by, sort_option, filename,
        created_at, updated_at, shown_older,
    )  # fmt: skip


#: Parameters of lists of videos that are no user metadata.
_OWN = {
    "page", "page_limit", "sort_by", "sort_option", "filename", "created_at", "updated_at",
    "user_metadata", *NUMBERS,
}  # fmt: skip


def _list(
    call: Caller,
    pages: Pages,
    index: Index,
    request: Request,
    extra: Sequence[tuple[list[str], str]],
    status: Sequence[str],
    sort_by: str | None,
    sort_option: str | None,
    filename: str | None,
    created_at: str | None,
    updated_at: str | None,
    show: Any,
) -> Any:
    body: list[Condition] = [
        ([name], operator, bound) for name in NUMBERS for operator, bound in numbers(request, name)
    ]
    wanted: dict[str, Any] = {
        "parent": index.id,
        "status": status,
        "named_like": filename,
        "since": time_of("created_at", created_at),
        "updated_since": time_of("updated_at", updated_at),
        "body": body,
        "ascending": ascending(sort_option),
    }
    key = sorted_by(sort_by, known=("created_at", "updated_at", "filename", "name", *NUMBERS))
    if key in NUMBERS:
        wanted["by_number"] = key
    else:
        wanted["sort"] = "name" if key == "filename" else key
    if not extra:
        rows, total = call.catalog.find_resources(
            call.manage, Kind.VIDEO, offset=pages.offset, limit=pages.limit, **wanted
        )
        return pages.of([show(row) for row in rows], total)
    # Values come as text and are compared by the type that was stored.
    rows, _ = call.catalog.find_resources(call.manage, Kind.VIDEO, **wanted)
    rows = [row for row in rows if all(_matches(row, path[-1], text) for path, text in extra)]
    chosen = rows[pages.offset : pages.offset + pages.limit]
    return pages.of([show(row) for row in chosen], len(rows))


def _matches(row: Resource, key: str, text: str) -> bool:
    value = (row.body.get("user_metadata") or {}).get(key)
    match value:
        case None:
            return False
        case bool():
            return text.casefold() == str(value).casefold()
        case int() | float():
            try:
                return float(text) == float(value)
            except ValueError:
                return False
        case list():
            return text in value
        case _:
            return str(value) == text


@router.get(
    "/indexes/{index_id}/indexed-assets/{video_id}",
    response_model=Detail,
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
    index = index_of(call, index_id)
    video = video_of(call, index, video_id)
    return detailed(call, index, video, shown(video), embedding_option, transcription)


@router.get(
    "/indexes/{index_id}/videos/{video_id}", response_model=Detail, response_model_exclude_none=True
)
def retrieve_video(
    call: Call,
    index_id: str,
    video_id: str,
    embedding_option: Annotated[list[Option] | None, Query()] = None,
    transcription: bool = False,
) -> Any:
    """Look at one video, with its vectors and its words if they are asked for."""
    index = index_of(call, index_id)
    video = video_of(call, index, video_id)
    return detailed(call, index, video, shown_older(video), embedding_option, transcription)


@router.patch(
    "/indexes/{index_id}/indexed-assets/{video_id}",
    response_class=Response,
    tags=["indexed assets"],
)
@router.patch("/indexes/{index_id}/videos/{video_id}", response_class=Response)
@router.put("/indexes/{index_id}/videos/{video_id}", response_class=Response)
def update(call: Call, index_id: str, video_id: str, body: Changes) -> Response:
    """Change user metadata; null deletes a key."""
    video = video_of(call, index_of(call, index_id), video_id)
    if body.user_metadata is not None:
        new = metadata_of(body.user_metadata, nulls=True)
        old = video.body.get("user_metadata") or {}
        both = merged(old, new)
        call.catalog.update_resource(
            call.manage, Kind.VIDEO, video.id, body={"user_metadata": both}
        )
        try:
            gone = {videos.field(key): None for key in old if key not in both}
            call.catalog.set_metadata(call.manage, video.id, {**videos.attached(both), **gone})
        except NotFound:
            pass  # not taken in yet: the worker attaches what it finds then
    return Response(status_code=200)


@router.delete(
    "/indexes/{index_id}/indexed-assets/{video_id}",
    response_class=Response,
    tags=["indexed assets"],
)
@router.delete("/indexes/{index_id}/videos/{video_id}", response_class=Response)
def delete(call: Call, index_id: str, video_id: str) -> Response:
    """Take a video out of an index, with everything derived from it; the asset stays."""
    remove(call, video_of(call, index_of(call, index_id), video_id))
    return Response(status_code=200)
