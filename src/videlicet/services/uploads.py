"""Uploads of large files in chunks. Chunks come by signed URLs: storing one needs no key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from videlicet.errors import NotFound
from videlicet.ingest import files
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.services.assets import NewAsset, expect_asset
from videlicet.services.problems import invalid, unknown
from videlicet.types import AssetStatus, Kind, Resource, random_id

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.store import Store

MIB = 1024 * 1024
#: Bytes of the largest file, and of the largest picture.
MAX_SIZE, MAX_PICTURE_SIZE = 10 * 1024 * MIB, 32 * MIB
#: Bytes of a chunk: usual, and most.
CHUNK_SIZE, MAX_CHUNK_SIZE = 8 * MIB, 64 * MIB
MAX_CHUNKS = 1000
#: How long an upload may take.
LIFETIME = timedelta(hours=24)
ACTIVE, COMPLETED, EXPIRED = "active", "completed", "expired"
CHUNK_PENDING, CHUNK_COMPLETED = "pending", "completed"


@dataclass(frozen=True, slots=True)
class ChunkProof:
    """What a client says of a chunk that it has sent."""

    number: int
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class UploadReport:
    """How far an upload is after a report."""

    upload: Resource
    processed: int
    duplicates: int
    completed: int

    @property
    def complete(self) -> bool:
        return self.completed == total_chunks(self.upload)


@dataclass(frozen=True, slots=True)
class ChunkStatus:
    number: int
    status: str
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """The chunks of an upload in order, and the bytes that have arrived."""

    upload: Resource
    chunks: Sequence[ChunkStatus]
    size: int

    @property
    def completed(self) -> int:
        return sum(chunk.status == CHUNK_COMPLETED for chunk in self.chunks)


def create_upload(caller: Caller, new: NewAsset, size: int, *, is_picture: bool) -> Resource:
    """An upload in chunks, with the asset (its ``parent``) that they will be.

    Raises:
        InvalidInput: ``invalid_argument``, it is too large.
    """
    most = MAX_PICTURE_SIZE if is_picture else MAX_SIZE
    if size > most:
        raise invalid(f"total_size is {most} at most.")
    chunk_size = CHUNK_SIZE
    while -(-size // chunk_size) > MAX_CHUNKS:
        chunk_size *= 2
    total = -(-size // chunk_size)
    asset = expect_asset(caller, new, total)
    now = datetime.now(UTC)
    upload = Resource(
        id=random_id(), kind=Kind.UPLOAD, tenant=caller.tenant, created_at=now, updated_at=now,
        status=ACTIVE, parent=asset.id, name=new.name, expires_at=now + LIFETIME,
        body={"total_size": size, "chunk_size": chunk_size, "total_chunks": total},
    )  # fmt: skip
    caller.catalog.put_resource(caller.scope(Purpose.INGEST), upload)
    return upload


def get_upload(caller: Caller, upload_id: str) -> Resource:
    """An upload of the caller's.

    Raises:
        NotFound: ``resource_not_found``.
    """
    try:
        return caller.catalog.resource(caller.manage, Kind.UPLOAD, upload_id)
    except NotFound:
        raise unknown("upload", upload_id) from None


def list_uploads(caller: Caller, *, offset: int, limit: int) -> tuple[list[Resource], int]:
    """A page of the uploads that are not complete, and how many there are in all."""
    return caller.catalog.find_resources(
        caller.manage, Kind.UPLOAD, status=[ACTIVE], offset=offset, limit=limit
    )


def status_of(upload: Resource) -> str:
    """``active``, ``completed`` or ``expired``."""
    late = upload.expires_at is not None and upload.expires_at < datetime.now(UTC)
    return EXPIRED if upload.status == ACTIVE and late else upload.status


def total_chunks(upload: Resource) -> int:
    """How many chunks an upload has."""
    return int(upload.body["total_chunks"])


def store_chunk(store: Store, upload_id: str, number: int, data: bytes) -> str:
    """Store one chunk of whichever tenant's upload; its ETag. The signed URL was the permission.

    Raises:
        NotFound: ``resource_not_found``; also where the upload was deleted meanwhile.
        InvalidInput: ``invalid_argument``, the upload takes no such chunk.
    """
    catalog = store.catalog
    everyone = store.scope(Grant("server", Purpose.INGEST, EVERY_TENANT))
    upload = catalog.resource(everyone, Kind.UPLOAD, upload_id)
    scope = store.scope(Grant("upload", Purpose.INGEST, upload.tenant))
    size, total = int(upload.body["chunk_size"]), total_chunks(upload)
    expected = size if number < total else int(upload.body["total_size"]) - size * (total - 1)
    if not 1 <= number <= total or status_of(upload) != ACTIVE:
        raise invalid("The upload does not take this chunk.")
    if len(data) != expected:
        raise invalid(f"Chunk {number} has {expected} bytes, not {len(data)}.")
    etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
    now = datetime.now(UTC)
    store.blobs.put(scope, files.part_key(upload.parent, number), data)
    catalog.put_resource(
        scope,
        Resource(
            id=f"{upload.id}-{number}", kind=Kind.CHUNK, tenant=upload.tenant, created_at=now,
            updated_at=now, status=CHUNK_PENDING, parent=upload.id,
            body={"number": number, "etag": etag, "size": len(data)},
        ),
    )  # fmt: skip
    try:
        catalog.resource(scope, Kind.UPLOAD, upload_id)
    except NotFound:
        # It was deleted while the chunk was on its way, and its file with it.
        catalog.delete_resources(scope, Kind.CHUNK, parent=upload_id)
        store.blobs.delete(scope, files.part_key(upload.parent, number))
        raise
    return etag


def report_chunks(caller: Caller, upload_id: str, proofs: Sequence[ChunkProof]) -> UploadReport:
    """Confirm chunks. Whichever report completes the upload has the asset processed: chunks may be
    reported to several servers at once. All of a report counts, or nothing.

    Raises:
        NotFound: ``resource_not_found``.
        InvalidInput: ``invalid_argument``, a chunk has not arrived, or is another.
    """
    upload = get_upload(caller, upload_id)
    if upload.status == COMPLETED:
        return _report(caller, upload_id, 0, len(proofs))
    arrived = _arrived(caller, upload_id)
    if status_of(upload) == EXPIRED:
        raise invalid("The upload has expired; begin it anew.")
    for proof in proofs:
        _check_proof(proof, arrived.get(proof.number))
    fresh = {one.number for one in proofs if arrived[one.number].status != CHUNK_COMPLETED}
    try:
        for number in sorted(fresh):
            caller.catalog.update_resource(
                caller.manage, Kind.CHUNK, arrived[number].id, status=CHUNK_COMPLETED
            )
    except NotFound:
        pass  # another request has just completed the upload
    return _report(caller, upload_id, len(fresh), len(proofs) - len(fresh))


def upload_progress(caller: Caller, upload_id: str) -> UploadProgress:
    """How far an upload is, chunk by chunk.

    Raises:
        NotFound: ``resource_not_found``.
    """
    upload = get_upload(caller, upload_id)
    numbers = range(1, total_chunks(upload) + 1)
    if upload.status == COMPLETED:
        done = [ChunkStatus(n, CHUNK_COMPLETED, upload.updated_at) for n in numbers]
        return UploadProgress(upload, done, int(upload.body["total_size"]))
    arrived = _arrived(caller, upload_id)
    chunks = [
        ChunkStatus(n, arrived[n].status, arrived[n].updated_at)
        if n in arrived
        else ChunkStatus(n, CHUNK_PENDING, None)
        for n in numbers
    ]
    complete = [one for one in arrived.values() if one.status == CHUNK_COMPLETED]
    return UploadProgress(upload, chunks, sum(int(one.body["size"]) for one in complete))


def require_active(upload: Resource) -> None:
    """Refuse an upload that takes no more chunks.

    Raises:
        InvalidInput: ``invalid_argument``.
    """
    if status_of(upload) != ACTIVE:
        raise invalid(f"The upload is {status_of(upload)}.")


def _check_proof(proof: ChunkProof, chunk: Resource | None) -> None:
    if chunk is None:
        raise invalid(f"completed_chunks: chunk {proof.number} has not arrived.")
    if proof.etag != chunk.body["etag"] or proof.size != chunk.body["size"]:
        raise invalid(
            f"completed_chunks: proof or size of chunk {proof.number} is not that of what arrived."
        )


def _report(caller: Caller, upload_id: str, processed: int, duplicates: int) -> UploadReport:
    arrived = _arrived(caller, upload_id)
    upload = get_upload(caller, upload_id)
    completed = sum(chunk.status == CHUNK_COMPLETED for chunk in arrived.values())
    if upload.status == COMPLETED:
        completed = total_chunks(upload)
    elif completed == total_chunks(upload):
        _finish(caller, upload)
    return UploadReport(upload, processed, duplicates, completed)


def _finish(caller: Caller, upload: Resource) -> None:
    """Have the asset of a complete upload processed. Done twice it changes nothing."""
    scope = caller.scope(Purpose.INGEST)
    caller.catalog.update_asset(
        scope, upload.parent, when=[AssetStatus.WAITING], status=AssetStatus.PROCESSING
    )
    caller.catalog.update_resource(scope, Kind.UPLOAD, upload.id, status=COMPLETED)
    caller.catalog.delete_resources(scope, Kind.CHUNK, parent=upload.id)
    caller.platform.worker_client.notify()


def _arrived(caller: Caller, upload_id: str) -> Mapping[int, Resource]:
    rows, _ = caller.catalog.find_resources(caller.manage, Kind.CHUNK, parent=upload_id)
    return {int(row.body["number"]): row for row in rows}
