"""Videos as the service keeps them: making, removing and showing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from videlicet.api.errors import unknown
from videlicet.api.v1_3.common import Caller, text_of
from videlicet.api.v1_3.indexes import options_of
from videlicet.api.v1_3.transcripts import speech_of
from videlicet.embedding.clips import vectors_of
from videlicet.embedding.spans import Strip
from videlicet.errors import NotFound
from videlicet.ingest import videos
from videlicet.ingest.indexing import enter, remove_video
from videlicet.ingest.indexing import videos_of as every_video_of
from videlicet.rights import Purpose
from videlicet.types import (
    Index,
    Kind,
    Modality,
    Resource,
    Task,
)

#: Seconds of a clip that has an embedding of its own.
CLIP = 6.0


#: What is known of a video in numbers.
NUMBERS = ("duration", "fps", "width", "height", "size")


# -- making -------------------------------------------------------------------------------------


def make(
    call: Caller, index: Index, file: Resource, metadata: dict[str, Any], *, stream: bool
) -> tuple[Resource, Task]:
    """The video of a file in an index, with the task that takes it in."""
    made = enter(call.scope(Purpose.INGEST), call.store, index, file, metadata, stream=stream)
    call.service.work.wake()
    return made


def remove(call: Caller, video: Resource) -> None:
    """Delete a video with everything derived from it."""
    remove_video(call.manage, call.store, video)


def video_of(call: Caller, index: Index, video_id: str) -> Resource:
    """A video of an index."""
    try:
        found = call.catalog.resource(call.manage, Kind.VIDEO, video_id)
    except NotFound:
        raise unknown("video", video_id) from None
    if found.parent != index.id:
        raise unknown("video", video_id)
    return found


def videos_of(call: Caller, file_id: str) -> list[Resource]:
    """The videos of an asset in the caller's indexes."""
    named = {index.id for index in call.catalog.indexes(call.manage)}
    return [v for v in every_video_of(call.manage, call.store, file_id) if v.parent in named]


# -- showing ------------------------------------------------------------------------------------


def shown(video: Resource) -> dict[str, Any]:
    """A video as an indexed asset."""
    return {
        "_id": video.id,
        "asset_id": video.body["file_id"],
        "created_at": text_of(video.created_at),
        "updated_at": text_of(video.updated_at),
        "indexed_at": text_of(video.body.get("indexed_at")),
        "status": video.status,
        "system_metadata": {
            "filename": video.name,
            **{name: video.body.get(name) for name in NUMBERS},
        },
        "user_metadata": video.body.get("user_metadata") or None,
    }


def shown_older(video: Resource) -> dict[str, Any]:
    """A video as ``/videos`` shows it."""
    return {**shown(video), "status": None}


def detailed(
    call: Caller,
    index: Index,
    video: Resource,
    row: dict[str, Any],
    embedding_option: Sequence[str] | None,
    transcription: bool,
) -> dict[str, Any]:
    """A video with what was asked for beside it."""
    error = video.body.get("error")
    row = {
        **row,
        "hls": hls_of(call, video),
        "error": None if error is None else {"message": error["message"], "code": error["code"]},
    }
    if video.status == videos.READY and transcription:
        row["transcription"] = [
            {"start": u.start, "end": u.end, "value": u.text} for u in speech_of(call, video)
        ]
    if video.status == videos.READY and embedding_option:
        row["embedding"] = {
            "model_name": model_name(index),
            "model": "videlicet-512",
            "video_embedding": {"segments": segments_of(call, index, video, embedding_option)},
        }
    return row


def model_name(index: Index) -> str:
    """The name of the embedding model that an index was made with."""
    models = index.options.get("models") or [{"model_name": "marengo3.0"}]
    return str(models[0]["model_name"])


def hls_of(call: Caller, video: Resource) -> dict[str, Any] | None:
    """Where a video can be played, if that was asked for."""
    if not video.body.get("video_stream"):
        return None
    if video.status != videos.READY:
        return {"status": "ERROR" if video.status == videos.FAILED else "PROCESSING"}
    base = f"/media/assets/{video.body['file_id']}"
    return {
        "video_url": call.address(f"{base}/hls/index.m3u8"),
        "thumbnail_urls": []
        if video.body.get("width") is None
        else [call.address(f"{base}/thumbnail.jpg")],
        "status": "COMPLETE",
        "updated_at": text_of(video.updated_at),
    }


def segments_of(
    call: Caller, index: Index, video: Resource, options: Sequence[str]
) -> list[dict[str, Any]]:
    """The vectors of a video, clip by clip and as a whole."""
    span = call.catalog.asset(call.scope(Purpose.EMBED_EXPORT), video.id).media.span
    request = {
        "options": [o for o in options if o in options_of(index) or o != "audio"],
        "scopes": ["clip", "asset"],
        "types": ["separate"],
        "clip": CLIP,
    }
    return [
        {
            "float": row["embedding"],
            "start_offset_sec": row["start"],
            "end_offset_sec": row["end"],
            "embedding_option": row["option"],
            "embedding_scope": "video" if row["scope"] == "asset" else "clip",
        }
        for row in vectors_of(strips_of(call, index, video.id), span, request)
    ]


def strips_of(call: Caller, index: Index, video_id: str) -> dict[str, Strip]:
    """What the models said along a video, as the store holds it."""
    scope = call.scope(Purpose.EMBED_EXPORT)
    encoders = call.service.encoders(index.cards)
    text = index.cards["text"]
    wanted = {"words": (Modality.SPEECH, text), "screen": (Modality.TEXT, text)}
    if "vision" in index.cards:
        wanted["meaning"] = (Modality.VISUAL, text)
        wanted["looks"] = (Modality.VISUAL, encoders.vision.feature_space)
    if "sound" in index.cards:
        wanted["sounds"] = (Modality.SOUND, encoders.sound.space)
    found = {}
    for name, (modality, space) in wanted.items():
        batch = call.store.vectors.of_asset(
            call.store.scope(scope, index.id), modality, space, video_id
        )
        if batch is not None:
            found[name] = Strip(batch.spans, batch.vectors)
    return found
