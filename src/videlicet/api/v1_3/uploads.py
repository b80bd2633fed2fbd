"""Uploads in parts: large files, chunk by chunk, over addresses that need no key."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from videlicet.api.errors import ApiError, invalid, unknown
from videlicet.api.state import ServerState
from videlicet.api.v1_3 import assets
from videlicet.api.v1_3.common import MOST, Call, Caller, Pages, metadata_of, router_for, text_of
from videlicet.api.v1_3.schemas.common import Page
from videlicet.api.v1_3.schemas.uploads import (
    CHUNKS,
    Made,
    More,
    New,
    Progress,
    Range,
    Report,
    Reported,
    Summary,
)
from videlicet.errors import NotFound
from videlicet.ingest import files
from videlicet.rights import Grant, Purpose
from videlicet.store import Store
from videlicet.types import Kind, Resource, random_id

router = router_for("uploads")
#: The parts themselves, which come without a key.
parts = APIRouter(tags=["uploads"])

MIB = 1024 * 1024
#: Largest file; largest picture; size of a chunk, least and most.
LARGEST, LARGEST_PICTURE = 10 * 1024 * MIB, 32 * MIB
CHUNK, LARGEST_CHUNK = 8 * MIB, 64 * MIB
#: How long an upload may take.
LIFETIME = timedelta(hours=24)
#: Status of the asset while its parts are awaited.
WAITING = "waiting"
ACTIVE, COMPLETED, EXPIRED = "active", "completed", "expired"


def upload_of(call: Caller, id: str) -> Resource:
    """An upload of the caller's."""
    try:
        return call.catalog.resource(call.manage, Kind.UPLOAD, id)
    except NotFound:
        raise unknown("upload", id) from None


def status_of(upload: Resource) -> str:
    """Where an upload stands: one that took too long has expired."""
    late = upload.expires_at is not None and upload.expires_at < datetime.now(UTC)
    return EXPIRED if upload.status == ACTIVE and late else upload.status


@router.post(
    "/assets/multipart-uploads",
    status_code=201,
    response_model=Made,
    response_model_exclude_none=True,
)
def create(call: Call, body: New) -> Any:
    """Begin an upload in parts. The asset's id is known at once."""
    largest = LARGEST_PICTURE if body.type == "image" else LARGEST
    if body.total_size > largest:
        raise invalid(f"total_size is {largest} at most.")
    size = CHUNK
    while -(-body.total_size // size) > CHUNKS:
        size *= 2
    total = -(-body.total_size // size)
    file = assets.make(
        call, method="multipart", name=body.filename, status=WAITING,
        body={
            "user_metadata": metadata_of(body.user_metadata or {}),
            "hls": body.enable_hls,
            "thumbnail": body.enable_thumbnail,
            "parts": total,
        },
    )  # fmt: skip
    now = datetime.now(UTC)
    upload = Resource(
        id=random_id(), kind=Kind.UPLOAD, tenant=call.tenant, created_at=now, updated_at=now,
        status=ACTIVE, parent=file.id, name=body.filename, expires_at=now + LIFETIME,
        body={"total_size": body.total_size, "chunk_size": size, "total_chunks": total},
    )  # fmt: skip
    call.catalog.put_resource(call.scope(Purpose.INGEST), upload)
    return {
        "upload_id": upload.id,
        "asset_id": file.id,
        "upload_urls": _addresses(call, upload, range(1, min(total, MOST) + 1)),
        "upload_headers": {"Content-Type": "application/octet-stream"},
        "chunk_size": size,
        "total_chunks": total,
        "expires_at": text_of(upload.expires_at),
    }


@router.get("/assets/multipart-uploads", response_model=Page[Summary])
def find(call: Call, pages: Pages) -> Any:
    """List uploads that are not complete."""
    rows, total = call.catalog.find_resources(
        call.manage, Kind.UPLOAD, status=[ACTIVE], offset=pages.offset, limit=pages.limit
    )
    return pages.of(
        [
            {
                "upload_id": row.id,
                "status": status_of(row),
                **{k: row.body[k] for k in ("total_size", "chunk_size", "total_chunks")},
                "created_at": text_of(row.created_at),
                "expires_at": text_of(row.expires_at),
            }
            for row in rows
        ],
        total,
    )


@router.post(
    "/assets/multipart-uploads/{upload_id}",
    response_model=Reported,
    response_model_exclude_none=True,
)
def report(call: Call, upload_id: str, body: Report) -> Any:
    """Say which chunks are sent. The answer to the last ones has the asset's address."""
    upload = upload_of(call, upload_id)
    if upload.status == COMPLETED:
        return _reported(call, upload_id, 0, len(body.completed_chunks))
    held = _held(call, upload_id)
    if status_of(upload) == EXPIRED:
        raise invalid("The upload has expired; begin it anew.")
    # All of a report counts, or nothing.
    for one in body.completed_chunks:
        chunk = held.get(one.chunk_index)
        if chunk is None:
            raise invalid(f"completed_chunks: chunk {one.chunk_index} has not arrived.")
        if one.proof.strip('"') != chunk.body["etag"] or one.chunk_size != chunk.body["size"]:
            raise invalid(
                f"completed_chunks: proof or size of chunk {one.chunk_index} is not that of what "
                "arrived."
            )
    fresh = {
        one.chunk_index
        for one in body.completed_chunks
        if held[one.chunk_index].status != "completed"
    }
    try:
        for number in sorted(fresh):
            chunk_id = held[number].id
            call.catalog.update_resource(call.manage, Kind.CHUNK, chunk_id, status="completed")
    except NotFound:
        pass  # another request has just completed the upload
    done, duplicates = len(fresh), len(body.completed_chunks) - len(fresh)
    return _reported(call, upload_id, done, duplicates)


def _reported(call: Caller, upload_id: str, done: int, duplicates: int) -> dict[str, Any]:
    """The answer to a report. Whichever request sees that all chunks are there completes the
    upload: they may have been reported to several servers at once."""
    held = _held(call, upload_id)
    upload = upload_of(call, upload_id)
    total = int(upload.body["total_chunks"])
    complete = sum(chunk.status == "completed" for chunk in held.values())
    if upload.status == COMPLETED:
        complete = total
    elif complete == total:
        _finish(call, upload)
    answer: dict[str, Any] = {
        "asset_id": upload.parent,
        "processed_chunks": done,
        "duplicate_chunks": duplicates,
        "total_completed": complete,
    }
    if complete == total:
        answer["url"] = f"{call.base}/v1.3/assets/{upload.parent}"
    return answer


@router.get("/assets/multipart-uploads/{upload_id}", response_model=Progress)
def status(call: Call, pages: Pages, upload_id: str) -> Any:
    """How far an upload is, chunk by chunk."""
    upload = upload_of(call, upload_id)
    held = _held(call, upload_id)
    if upload.status == COMPLETED:
        total = int(upload.body["total_chunks"])
        states: dict[int, tuple[str, datetime | None]] = dict.fromkeys(
            range(1, total + 1), ("completed", upload.updated_at)
        )
        size = int(upload.body["total_size"])
    else:
        total = int(upload.body["total_chunks"])
        states = {
            n: (held[n].status, held[n].updated_at) if n in held else ("pending", None)
            for n in range(1, total + 1)
        }
        size = sum(
            int(chunk.body["size"]) for chunk in held.values() if chunk.status == "completed"
        )
    numbers = sorted(states)[pages.offset : pages.offset + pages.limit]
    complete = sum(state == "completed" for state, _ in states.values())
    return {
        "upload_id": upload.id,
        "status": status_of(upload),
        "uploaded_chunks": [
            {
                "index": n,
                "status": states[n][0],
                "uploaded_at": text_of(states[n][1]),
                "updated_at": text_of(states[n][1]),
            }
            for n in numbers
        ],
        "chunks_completed": complete,
        "chunks_failed": 0,
        "chunks_pending": total - complete,
        "page_info": pages.info(total),
        "total_size": upload.body["total_size"],
        "uploaded_size": size,
        "created_at": text_of(upload.created_at),
        "updated_at": text_of(upload.updated_at),
    }


@router.post("/assets/multipart-uploads/{upload_id}/presigned-urls", response_model=More)
def more(call: Call, upload_id: str, body: Range) -> Any:
    """Addresses for further chunks."""
    upload = upload_of(call, upload_id)
    if status_of(upload) != ACTIVE:
        raise invalid(f"The upload is {status_of(upload)}.")
    total = int(upload.body["total_chunks"])
    if body.start > total:
        raise invalid(f"start is {total} at most.")
    numbers = range(body.start, min(total, body.start + body.count - 1) + 1)
    return {
        "upload_id": upload.id,
        "start_index": body.start,
        "count": len(numbers),
        "upload_urls": _addresses(call, upload, numbers),
        "generated_at": text_of(datetime.now(UTC)),
        "expires_at": text_of(upload.expires_at),
    }


@parts.put("/uploads/{upload_id}/{number}", response_class=Response)
async def put(
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
    async for piece in request.stream():
        data += piece
        if len(data) > LARGEST_CHUNK:
            raise ApiError(413, "payload_too_large", "The chunk is too large.")
    etag = await anyio.to_thread.run_sync(
        _take, server.platform.store, upload_id, number, bytes(data)
    )
    return Response(status_code=200, headers={"ETag": f'"{etag}"'})


def _take(store: Store, upload_id: str, number: int, data: bytes) -> str:
    """Keep a chunk, and return what stands for it."""
    from videlicet.rights import EVERY_TENANT

    catalog = store.catalog
    server = store.scope(Grant("server", Purpose.INGEST, EVERY_TENANT))
    upload = catalog.resource(server, Kind.UPLOAD, upload_id)
    scope = store.scope(Grant("upload", Purpose.INGEST, upload.tenant))
    size, total = int(upload.body["chunk_size"]), int(upload.body["total_chunks"])
    expected = size if number < total else int(upload.body["total_size"]) - size * (total - 1)
    if not 1 <= number <= total or status_of(upload) != ACTIVE:
        raise invalid("The upload does not take this chunk.")
    if len(data) != expected:
        raise invalid(f"Chunk {number} has {expected} bytes, not {len(data)}.")
    etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
    now = datetime.now(UTC)
    store.blobs.put(scope, files.part(upload.parent, number), data)
    catalog.put_resource(
        scope,
        Resource(
            id=f"{upload.id}-{number}", kind=Kind.CHUNK, tenant=upload.tenant, created_at=now,
            updated_at=now, status="pending", parent=upload.id,
            body={"number": number, "etag": etag, "size": len(data)},
        ),
    )  # fmt: skip
    try:
        catalog.resource(scope, Kind.UPLOAD, upload_id)
    except NotFound:
        # It was deleted while the chunk was on its way, and its file with it.
        catalog.delete_resources(scope, Kind.CHUNK, parent=upload_id)
        store.blobs.delete(scope, files.part(upload.parent, number))
        raise
    return etag


def _held(call: Caller, upload_id: str) -> dict[int, Resource]:
    rows, _ = call.catalog.find_resources(call.manage, Kind.CHUNK, parent=upload_id)
    return {int(row.body["number"]): row for row in rows}


def _finish(call: Caller, upload: Resource) -> None:
    """All is there: the asset goes on to be read. Done twice it changes nothing."""
    scope = call.scope(Purpose.INGEST)
    call.catalog.update_resource(
        scope, Kind.FILE, upload.parent, when=[WAITING], status=files.PROCESSING
    )
    call.catalog.update_resource(scope, Kind.UPLOAD, upload.id, status=COMPLETED)
    call.catalog.delete_resources(scope, Kind.CHUNK, parent=upload.id)
    call.service.work.wake()


def _addresses(call: Caller, upload: Resource, numbers: Sequence[int]) -> list[dict[str, Any]]:
    assert upload.expires_at is not None
    left = (upload.expires_at - datetime.now(UTC)).total_seconds()
    return [
        {
            "chunk_index": n,
            "url": call.address(f"/uploads/{upload.id}/{n}", max(60.0, left)),
            "expires_at": text_of(upload.expires_at),
        }
        for n in numbers
    ]
