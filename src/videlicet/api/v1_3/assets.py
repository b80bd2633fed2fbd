"""Assets: uploaded or fetched files, before and beside any index."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import Annotated, Any, BinaryIO, Literal

from fastapi import File, Form, Query, Response, UploadFile

from videlicet.api.errors import ApiError, invalid, missing, unknown
from videlicet.api.v1_3.common import Call, Caller, Pages, merged, metadata_of, router_for, text_of
from videlicet.api.v1_3.schemas.assets import Detail, NewMetadata, Transcription
from videlicet.api.v1_3.schemas.common import Page
from videlicet.api.v1_3.technical import technical_metadata
from videlicet.errors import NotFound
from videlicet.ingest import files
from videlicet.ingest.indexing import remove_file
from videlicet.ingest.plan import INCOMING, staging
from videlicet.ingest.videos import FAILED, QUEUED, READY, media_of
from videlicet.media.fetch import check
from videlicet.rights import Purpose
from videlicet.telemetry import traces
from videlicet.types import Kind, Resource, random_id

router = router_for("assets")


def asset_of(call: Caller, asset_id: str) -> Resource:
    """An asset of the caller's."""
    try:
        return call.catalog.resource(call.manage, Kind.FILE, asset_id)
    except NotFound:
        raise unknown("asset", asset_id) from None


def check_url(call: Caller, url: str, name: str = "url") -> None:
    """Refuse an address that may not be fetched before anything is made of it."""
    from videlicet.errors import InvalidInput

    try:
        check(url, call.settings)
    except InvalidInput as error:
        if error.code == "url_not_allowed":
            raise ApiError(400, "url_not_allowed", f"{name}: {error.message}") from None
        # A host that does not answer now may later: the asset fails with the reason.


def make(
    call: Caller,
    *,
    method: str,
    name: str,
    source: BinaryIO | None = None,
    body: dict[str, Any],
    status: str = files.PROCESSING,
    asset_id: str | None = None,
    parent: str = "",
) -> Resource:
    """A new asset, with its bytes where there are some already. One with a ``parent`` serves that
    alone, and is not among the assets that are listed."""
    now = datetime.now(UTC)
    file = Resource(
        id=asset_id or random_id(),
        kind=Kind.FILE,
        tenant=call.tenant,
        created_at=now,
        updated_at=now,
        status=status,
        parent=parent,
        name=name[:1000],
        body={"method": method, **body, **traces.carried()},
    )
    scope = call.scope(Purpose.INGEST)
    if source is not None:
        folder = staging(call.settings, f"{INCOMING}{file.id}")
        folder.mkdir(parents=True)
        try:
            with (folder / "whole").open("wb") as out:
                shutil.copyfileobj(source, out, 1024 * 1024)
            call.store.blobs.move_in(scope, files.original(file.id), folder / "whole")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    call.catalog.put_resource(scope, file)
    return file


def name_in(url: str) -> str:
    """The last part of an address's path."""
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.netloc


@router.post("/assets", status_code=201, response_model=Detail, response_model_exclude_none=True)
def create(
    call: Call,
    method: Annotated[Literal["direct", "url"], Form()],
    url: Annotated[str | None, Form()] = None,
    filename: Annotated[str | None, Form()] = None,
    enable_hls: Annotated[bool, Form()] = True,
    enable_thumbnail: Annotated[bool, Form()] = True,
    user_metadata: Annotated[str | None, Form()] = None,
    file: Annotated[UploadFile | None, File()] = None,
) -> Any:
    """Upload a file, or have one fetched. It is ``processing`` until it is ``ready`` or
    ``failed``."""
    body: dict[str, Any] = {
        "user_metadata": {} if user_metadata is None else metadata_of(user_metadata),
        "hls": enable_hls,
        "thumbnail": enable_thumbnail,
    }
    if method == "direct":
        if file is None:
            raise missing("file")
        made = make(
            call, method=method, name=filename or file.filename or "upload", source=file.file,
            body=body,
        )  # fmt: skip
    else:
        if not url:
            raise missing("url")
        check_url(call, url)
        made = make(call, method=method, name=filename or name_in(url), body={**body, "url": url})
    call.service.work.wake()
    return shown(call, made)


@router.get("/assets", response_model=Page[Detail], response_model_exclude_none=True)
def find(
    call: Call,
    pages: Pages,
    asset_ids: Annotated[list[str] | None, Query()] = None,
    asset_types: Annotated[
        list[Literal["image", "video", "audio", "document"]] | None, Query()
    ] = None,
    filename: str | None = None,
) -> Any:
    """List assets, newest first."""
    if asset_types and len(set(asset_types)) > 1:
        # Few enough kinds to ask for one after the other would page wrongly: filter all at once.
        rows, _ = call.catalog.find_resources(
            call.manage, Kind.FILE, ids=asset_ids, parent="", named_like=filename
        )
        rows = [row for row in rows if row.body.get("kind") in asset_types]
        total = len(rows)
        rows = rows[pages.offset : pages.offset + pages.limit]
    else:
        rows, total = call.catalog.find_resources(
            call.manage, Kind.FILE, ids=asset_ids, parent="", named_like=filename,
            body=[(["kind"], "==", asset_types[0])] if asset_types else (),
            offset=pages.offset, limit=pages.limit,
        )  # fmt: skip
    return pages.of([detailed(call, row) for row in rows], total)


@router.get("/assets/{asset_id}", response_model=Detail, response_model_exclude_none=True)
def retrieve(call: Call, asset_id: str) -> Any:
    """Look at one asset."""
    return detailed(call, asset_of(call, asset_id))


@router.delete("/assets/{asset_id}", status_code=200, response_class=Response)
def delete(call: Call, asset_id: str, force: bool = False) -> Response:
    """Delete an asset; with ``force`` its videos in all indexes and its items in all knowledge
    stores too."""
    from videlicet.api.v1_3.knowledge.collections import items_of_file, leave
    from videlicet.api.v1_3.video_records import videos_of

    file = asset_of(call, asset_id)
    if not force and videos_of(call, file.id):
        raise ApiError(
            409, "resource_conflict", "The asset is indexed; delete its videos first, or use force."
        )
    items = items_of_file(call, file.id)
    if not force and items:
        raise ApiError(
            409, "resource_conflict",
            "The asset is an item of a knowledge store; delete that first, or use force.",
        )  # fmt: skip
    _unlink(call, file.id)
    remove_file(call.manage, call.store, file.id)
    for store_id, item_id in items:
        leave(call, store_id, item_id)
    call.server.segments.forget(file.id)
    return Response(status_code=200)


@router.get(
    "/assets/{asset_id}/transcription",
    response_model=Transcription,
    response_model_exclude_none=True,
)
def transcription(
    call: Call,
    asset_id: str,
    include: Annotated[list[str] | None, Query()] = None,
) -> Any:
    """What is said in an asset, from any index that listened to it."""
    from videlicet.api.v1_3.transcripts import sentences_of, speech_of, words_of
    from videlicet.ingest.indexing import videos_of

    file = asset_of(call, asset_id)
    wanted = {one for part in include or ["words"] for one in part.split(",")}
    if strange := wanted - {"words", "sentences", "utterances"}:
        raise invalid(f"include: there is no {min(strange)!r}.")
    held = videos_of(call.manage, call.store, file.id)
    said = next((one for v in held if v.status == READY and (one := speech_of(call, v))), None)
    if said is None:
        waiting = {video.status for video in held} - {READY, FAILED}
        if waiting:
            return {"status": "pending" if waiting == {QUEUED} else "processing"}
        if held and all(video.status == FAILED for video in held):
            return {"status": "failed", "error": {"message": "The asset could not be indexed."}}
        raise unknown("transcription of asset", asset_id)
    answer: dict[str, Any] = {"status": "ready"}
    if "words" in wanted:
        answer["words"] = [word.model_dump() for word in words_of(said)]
    if "sentences" in wanted:
        answer["sentences"] = [one.model_dump() for one in sentences_of(said)]
    if "utterances" in wanted:
        answer["utterances"] = [{"start": u.start, "end": u.end, "value": u.text} for u in said]
    return answer


@router.put("/assets/{asset_id}/user-metadata", status_code=200, response_class=Response)
def replace_metadata(call: Call, asset_id: str, body: NewMetadata) -> Response:
    """Replace all user metadata of an asset."""
    return _set(call, asset_of(call, asset_id), metadata_of(body.user_metadata))


@router.patch("/assets/{asset_id}/user-metadata", status_code=200, response_class=Response)
def update_metadata(call: Call, asset_id: str, body: NewMetadata) -> Response:
    """Change some user metadata of an asset; null deletes a key."""
    file = asset_of(call, asset_id)
    new = metadata_of(body.user_metadata, nulls=True)
    return _set(call, file, merged(file.body.get("user_metadata") or {}, new))


@router.delete("/assets/{asset_id}/user-metadata", status_code=200, response_class=Response)
def delete_metadata(call: Call, asset_id: str) -> Response:
    """Delete all user metadata of an asset."""
    return _set(call, asset_of(call, asset_id), {})


def _set(call: Caller, file: Resource, metadata: dict[str, Any]) -> Response:
    call.catalog.update_resource(call.manage, Kind.FILE, file.id, body={"user_metadata": metadata})
    return Response(status_code=200)


def _unlink(call: Caller, asset_id: str) -> None:
    """Take an asset out of the entities that show it."""
    rows, _ = call.catalog.find_resources(call.manage, Kind.ENTITY)
    for row in rows:
        if asset_id in row.body["asset_ids"]:
            left = [one for one in row.body["asset_ids"] if one != asset_id]
            call.catalog.update_resource(call.manage, Kind.ENTITY, row.id, body={"asset_ids": left})


def status_of(file: Resource) -> str:
    """``processing``, ``ready`` or ``failed``: an upload that waits for its parts is processing."""
    return file.status if file.status in (files.READY, files.FAILED) else files.PROCESSING


def shown(call: Caller, file: Resource) -> dict[str, Any]:
    """An asset as lists of v1.3 show it."""
    return {
        "_id": file.id,
        "method": file.body["method"],
        "status": status_of(file),
        "filename": file.name,
        "file_type": file.body.get("file_type"),
        "created_at": text_of(file.created_at),
        "user_metadata": file.body.get("user_metadata") or None,
    }


def detailed(call: Caller, file: Resource) -> dict[str, Any]:
    """An asset with all that is known of it."""
    media = media_of(file)
    error = file.body.get("error")
    ready = file.status == files.READY
    kind = file.body.get("kind")
    base = f"/media/assets/{file.id}"
    waiting = (
        {"status": "processing"} if status_of(file) == files.PROCESSING else {"status": "error"}
    )
    return {
        **shown(call, file),
        "size": file.body.get("size"),
        "duration": None if media is None else float(media.span.duration),
        "error": None if error is None else {"message": error["message"], "code": error["code"]},
        "technical_metadata": technical_metadata(file) if ready else None,
        "hls": (
            {"status": "ready", "manifest_url": call.address(f"{base}/hls/index.m3u8")}
            if ready
            else waiting
        )
        if file.body.get("hls") and kind in (None, "video", "audio")
        else None,
        "thumbnail": (
            {"status": "ready", "representative_url": call.address(f"{base}/thumbnail.jpg")}
            if ready
            else waiting
        )
        if file.body.get("thumbnail") and kind in (None, "video", "image")
        else None,
        "original": {"url": call.address(f"{base}/original")} if ready else None,
    }
