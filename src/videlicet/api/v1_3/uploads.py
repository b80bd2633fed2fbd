"""Uploads in parts: large files, chunk by chunk, over addresses that need no key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import ApiError, invalid_parameter
from videlicet.api.parameters import MAX_PAGE_SIZE, Pages, format_time
from videlicet.api.routing import V1_3, router_for
from videlicet.api.schemas import Page
from videlicet.api.state import ServerState
from videlicet.api.v1_3.common import parse_metadata
from videlicet.api.v1_3.schemas.uploads import (
    ChunkRange,
    ChunkReport,
    ChunkReportResult,
    IncompleteUpload,
    NewUpload,
    PresignedUrls,
    UploadCreated,
    UploadStatus,
)
from videlicet.services import uploads
from videlicet.services.assets import NewAsset
from videlicet.services.uploads import ChunkProof
from videlicet.types import Resource

router = router_for("uploads", V1_3)
#: The parts themselves, which come without a key.
chunk_router = APIRouter(tags=["uploads"])


@router.post(
    "/assets/multipart-uploads",
    status_code=201,
    response_model=UploadCreated,
    response_model_exclude_none=True,
)
def create(call: Call, body: NewUpload) -> Any:
    """Begin an upload in parts. The asset's id is known at once."""
    metadata = parse_metadata(body.user_metadata or {})
    new = NewAsset(body.filename, metadata, body.enable_hls, body.enable_thumbnail)
    upload = uploads.create_upload(call, new, body.total_size, is_picture=body.type == "image")
    total = uploads.total_chunks(upload)
    return {
        "upload_id": upload.id,
        "asset_id": upload.parent,
        "upload_urls": _addresses(call, upload, range(1, min(total, MAX_PAGE_SIZE) + 1)),
        "upload_headers": {"Content-Type": "application/octet-stream"},
        "chunk_size": upload.body["chunk_size"],
        "total_chunks": total,
        "expires_at": format_time(upload.expires_at),
    }


@router.get("/assets/multipart-uploads", response_model=Page[IncompleteUpload])
def find(call: Call, pages: Pages) -> Any:
    """List uploads that are not complete."""
    rows, total = uploads.list_uploads(call, offset=pages.offset, limit=pages.limit)
    return pages.response(
        [
            {
                "upload_id": row.id,
                "status": uploads.status_of(row),
                **{k: row.body[k] for k in ("total_size", "chunk_size", "total_chunks")},
                "created_at": format_time(row.created_at),
                "expires_at": format_time(row.expires_at),
            }
            for row in rows
        ],
        total,
    )


@router.post(
    "/assets/multipart-uploads/{upload_id}",
    response_model=ChunkReportResult,
    response_model_exclude_none=True,
)
def report(call: Call, upload_id: str, body: ChunkReport) -> Any:
    """Say which chunks are sent. The answer to the last ones has the asset's address."""
    proofs = [
        ChunkProof(one.chunk_index, one.proof.strip('"'), one.chunk_size)
        for one in body.completed_chunks
    ]
    done = uploads.report_chunks(call, upload_id, proofs)
    answer: dict[str, Any] = {
        "asset_id": done.upload.parent,
        "processed_chunks": done.processed,
        "duplicate_chunks": done.duplicates,
        "total_completed": done.completed,
    }
    if done.complete:
        answer["url"] = f"{call.base}/v1.3/assets/{done.upload.parent}"
    return answer


@router.get("/assets/multipart-uploads/{upload_id}", response_model=UploadStatus)
def status(call: Call, pages: Pages, upload_id: str) -> Any:
    """How far an upload is, chunk by chunk."""
    found = uploads.upload_progress(call, upload_id)
    upload, total = found.upload, len(found.chunks)
    return {
        "upload_id": upload.id,
        "status": uploads.status_of(upload),
        "uploaded_chunks": [
            {
                "index": chunk.number,
                "status": chunk.status,
                "uploaded_at": format_time(chunk.updated_at),
                "updated_at": format_time(chunk.updated_at),
            }
            for chunk in found.chunks[pages.offset : pages.offset + pages.limit]
        ],
        "chunks_completed": found.completed,
        "chunks_failed": 0,
        "chunks_pending": total - found.completed,
        "page_info": pages.page_info(total),
        "total_size": upload.body["total_size"],
        "uploaded_size": found.size,
        "created_at": format_time(upload.created_at),
        "updated_at": format_time(upload.updated_at),
    }


@router.post("/assets/multipart-uploads/{upload_id}/presigned-urls", response_model=PresignedUrls)
def create_presigned_urls(call: Call, upload_id: str, body: ChunkRange) -> Any:
    """Addresses for further chunks."""
    upload = uploads.get_upload(call, upload_id)
    uploads.require_active(upload)
    total = uploads.total_chunks(upload)
    if body.start > total:
        raise invalid_parameter(f"start is {total} at most.")
    numbers = range(body.start, min(total, body.start + body.count - 1) + 1)
    return {
        "upload_id": upload.id,
        "start_index": body.start,
        "count": len(numbers),
        "upload_urls": _addresses(call, upload, numbers),
        "generated_at": format_time(datetime.now(UTC)),
        "expires_at": format_time(upload.expires_at),
    }


@chunk_router.put("/uploads/{upload_id}/{number}", response_class=Response)
async def put_chunk(
    request: Request,
    upload_id: str,
    number: int,
    expires: Annotated[str, Query()] = "",
    signature: Annotated[str, Query()] = "",
) -> Response:
    """Take one chunk in. The address itself is the permission."""
    import anyio

    server: ServerState = request.app.state.server
    path = f"/uploads/{upload_id}/{number}"
    if not server.signer.allows(path, expires, signature):
        raise ApiError(403, "signature_invalid", "The address is not valid, or has expired.")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > uploads.MAX_CHUNK_SIZE:
            raise ApiError(413, "payload_too_large", "The chunk is too large.")
    etag = await anyio.to_thread.run_sync(
        uploads.store_chunk, server.platform.store, upload_id, number, bytes(data)
    )
    return Response(status_code=200, headers={"ETag": f'"{etag}"'})


def _addresses(call: HttpCaller, upload: Resource, numbers: Sequence[int]) -> list[dict[str, Any]]:
    assert upload.expires_at is not None
    left = (upload.expires_at - datetime.now(UTC)).total_seconds()
    return [
        {
            "chunk_index": n,
            "url": call.address(f"/uploads/{upload.id}/{n}", max(60.0, left)),
            "expires_at": format_time(upload.expires_at),
        }
        for n in numbers
    ]
