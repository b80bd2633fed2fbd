"""Videos as v1.3 shows them: as indexed assets, and as ``/videos``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from videlicet.api.caller import HttpCaller
from videlicet.api.parameters import format_time
from videlicet.ingest.progress import printable_source
from videlicet.services.indexing import NUMBERS, video_vectors
from videlicet.services.transcripts import utterances_of
from videlicet.types import Index, Video, VideoStatus


def indexed_asset_to_json(video: Video) -> dict[str, Any]:
    """A video as an indexed asset."""
    return {
        "_id": video.id,
        "asset_id": video.asset_id,
        "created_at": format_time(video.created_at),
        "updated_at": format_time(video.updated_at),
        "indexed_at": format_time(video.indexed_at),
        "status": video.status,
        "system_metadata": {
            "filename": printable_source(video.name),
            **{name: getattr(video.asset, name) for name in NUMBERS},
        },
        "user_metadata": dict(video.metadata) or None,
    }


def video_to_json(video: Video) -> dict[str, Any]:
    """A video as ``/videos`` shows it."""
    return {**indexed_asset_to_json(video), "status": None}


def with_details(
    call: HttpCaller,
    index: Index,
    video: Video,
    row: dict[str, Any],
    embedding_option: Sequence[str] | None,
    transcription: bool,
) -> dict[str, Any]:
    """A video with what was asked for beside it."""
    error = video.error
    row = {
        **row,
        "hls": hls_to_json(call, video),
        "error": None if error is None else {"message": error["message"], "code": error["code"]},
    }
    if video.status is VideoStatus.READY and transcription:
        row["transcription"] = [
            {"start": u.start, "end": u.end, "value": u.text} for u in utterances_of(call, video)
        ]
    if video.status is VideoStatus.READY and embedding_option:
        row["embedding"] = {
            "model_name": model_name(index),
            "model": "videlicet-512",
            "video_embedding": {"segments": vectors_to_json(call, index, video, embedding_option)},
        }
    return row


def model_name(index: Index) -> str:
    """The name of the embedding model that an index was made with."""
    models = index.options.get("models") or [{"model_name": "marengo3.0"}]
    return str(models[0]["model_name"])


def hls_to_json(call: HttpCaller, video: Video) -> dict[str, Any] | None:
    """Where a video can be played, if that was asked for."""
    if not video.stream:
        return None
    if video.status is not VideoStatus.READY:
        return {"status": "ERROR" if video.status is VideoStatus.FAILED else "PROCESSING"}
    base = f"/media/assets/{video.asset_id}"
    return {
        "video_url": call.address(f"{base}/hls/index.m3u8"),
        "thumbnail_urls": []
        if video.asset.width is None
        else [call.address(f"{base}/thumbnail.jpg")],
        "status": "COMPLETE",
        "updated_at": format_time(video.updated_at),
    }


def vectors_to_json(
    call: HttpCaller, index: Index, video: Video, options: Sequence[str]
) -> list[dict[str, Any]]:
    """The vectors of a video, clip by clip and as a whole."""
    return [
        {
            "float": row["embedding"],
            "start_offset_sec": row["start"],
            "end_offset_sec": row["end"],
            "embedding_option": row["option"],
            "embedding_scope": "video" if row["scope"] == "asset" else "clip",
        }
        for row in video_vectors(call, index, video, options)
    ]
