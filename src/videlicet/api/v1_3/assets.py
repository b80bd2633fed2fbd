"""Assets: uploaded or fetched files, before and beside any index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import File, Form, Query, Response, UploadFile

from videlicet.api.caller import Call, HttpCaller
from videlicet.api.errors import invalid_parameter, missing_parameter
from videlicet.api.parameters import Pages, format_time
from videlicet.api.routing import V1_3, router_for
from videlicet.api.schemas import Page
from videlicet.api.v1_3.common import parse_metadata
from videlicet.api.v1_3.schemas.assets import AssetDetail, NewMetadata, Transcription
from videlicet.api.v1_3.technical_metadata import technical_metadata
from videlicet.ingest.progress import printable_source
from videlicet.services import assets, transcripts
from videlicet.services.assets import NewAsset
from videlicet.services.transcripts import TimedText
from videlicet.services.user_metadata import merge_metadata
from videlicet.types import Asset, AssetStatus

router = router_for("assets", V1_3)


@router.post(
    "/assets", status_code=201, response_model=AssetDetail, response_model_exclude_none=True
)
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
    metadata = {} if user_metadata is None else parse_metadata(user_metadata)
    if method == "direct":
        if file is None:
            raise missing_parameter("file")
        name = filename or file.filename or "upload"
        new = NewAsset(name, metadata, enable_hls, enable_thumbnail)
        made = assets.upload_asset(call, new, file.file)
    else:
        if not url:
            raise missing_parameter("url")
        name = filename or assets.name_in(url)
        new = NewAsset(name, metadata, enable_hls, enable_thumbnail)
        made = assets.fetch_asset(call, new, url)
    assets.start_processing(call)
    return asset_to_json(made)


@router.get("/assets", response_model=Page[AssetDetail], response_model_exclude_none=True)
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
    rows, total = assets.list_assets(
        call, ids=asset_ids, types=asset_types or (), name_part=filename,
        offset=pages.offset, limit=pages.limit,
    )  # fmt: skip
    return pages.response([asset_detail_to_json(call, row) for row in rows], total)


@router.get("/assets/{asset_id}", response_model=AssetDetail, response_model_exclude_none=True)
def retrieve(call: Call, asset_id: str) -> Any:
    """Look at one asset."""
    return asset_detail_to_json(call, assets.get_asset(call, asset_id))


@router.delete("/assets/{asset_id}", status_code=200, response_class=Response)
def delete(call: Call, asset_id: str, force: bool = False) -> Response:
    """Delete an asset; with ``force`` its videos in all indexes and its items in all knowledge
    stores too."""
    assets.delete_asset(call, asset_id, force=force)
    call.server.segments.discard(asset_id)
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
    """What is said in an asset, from any index that listened to it. Where none did, that begins
    now: ask again until it is ``ready``."""
    wanted = {one for part in include or ["words"] for one in part.split(",")}
    if strange := wanted - {"words", "sentences", "utterances"}:
        raise invalid_parameter(f"include: there is no {min(strange)!r}.")
    found = transcripts.transcribe_asset(call, asset_id)
    answer: dict[str, Any] = {"status": found.status}
    if found.status == transcripts.FAILED:
        answer["error"] = {"message": found.error or "The asset could not be indexed."}
    if found.status != transcripts.READY:
        return answer
    if "words" in wanted:
        answer["words"] = timed_texts_to_json(transcripts.words_of(found.utterances))
    if "sentences" in wanted:
        answer["sentences"] = timed_texts_to_json(transcripts.sentences_of(found.utterances))
    if "utterances" in wanted:
        answer["utterances"] = timed_texts_to_json(found.utterances)
    return answer


def timed_texts_to_json(rows: Sequence[TimedText]) -> list[dict[str, Any]]:
    """Words with their times as v1.3 shows them."""
    return [{"start": one.start, "end": one.end, "value": one.text} for one in rows]


@router.put("/assets/{asset_id}/user-metadata", status_code=200, response_class=Response)
def replace_metadata(call: Call, asset_id: str, body: NewMetadata) -> Response:
    """Replace all user metadata of an asset."""
    assets.get_asset(call, asset_id)  # an unknown asset goes before metadata that are not good
    assets.set_asset_metadata(call, asset_id, parse_metadata(body.user_metadata))
    return Response(status_code=200)


@router.patch("/assets/{asset_id}/user-metadata", status_code=200, response_class=Response)
def update_metadata(call: Call, asset_id: str, body: NewMetadata) -> Response:
    """Change some user metadata of an asset; null deletes a key."""
    asset = assets.get_asset(call, asset_id)
    new = parse_metadata(body.user_metadata, nulls=True)
    assets.set_asset_metadata(call, asset_id, merge_metadata(asset.metadata, new))
    return Response(status_code=200)


@router.delete("/assets/{asset_id}/user-metadata", status_code=200, response_class=Response)
def delete_metadata(call: Call, asset_id: str) -> Response:
    """Delete all user metadata of an asset."""
    assets.set_asset_metadata(call, asset_id, {})
    return Response(status_code=200)


def asset_status(asset: Asset) -> str:
    """``processing``, ``ready`` or ``failed``: an upload that waits for its parts is processing."""
    return AssetStatus.PROCESSING if asset.status is AssetStatus.WAITING else asset.status


def asset_to_json(asset: Asset) -> dict[str, Any]:
    """An asset as lists of v1.3 show it."""
    return {
        "_id": asset.id,
        # Clients know of no paths on the server.
        "method": "direct" if asset.method == "path" else asset.method,
        "status": asset_status(asset),
        "filename": printable_source(asset.name),
        "file_type": asset.media_type,
        "created_at": format_time(asset.created_at),
        "user_metadata": dict(asset.metadata) or None,
        "source": _source(asset),
    }


def _source(asset: Asset) -> dict[str, Any] | None:
    """Where an imported asset came from."""
    if asset.connector is None:
        return None
    names = ("provider", "source_id", "original_filename", "source_link")
    return {"type": "connector", "details": {name: asset.connector[name] for name in names}}


def asset_detail_to_json(call: HttpCaller, asset: Asset) -> dict[str, Any]:
    """An asset with all that is known of it."""
    error = asset.error
    is_ready = asset.status is AssetStatus.READY
    base = f"/media/assets/{asset.id}"
    waiting = {"status": "error" if asset.status is AssetStatus.FAILED else "processing"}
    return {
        **asset_to_json(asset),
        "size": asset.size,
        "duration": asset.duration,
        "error": None if error is None else {"message": error["message"], "code": error["code"]},
        "technical_metadata": technical_metadata(asset) if is_ready else None,
        "hls": (
            {"status": "ready", "manifest_url": call.address(f"{base}/hls/index.m3u8")}
            if is_ready
            else waiting
        )
        if asset.hls and asset.type in (None, "video", "audio")
        else None,
        "thumbnail": (
            {"status": "ready", "representative_url": call.address(f"{base}/thumbnail.jpg")}
            if is_ready
            else waiting
        )
        if asset.thumbnail and asset.type in (None, "video", "image")
        else None,
        "original": {"url": call.address(f"{base}/original")} if is_ready else None,
    }
