"""Videos as the service keeps them: making, removing and showing them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from videlicet.api.errors import unknown
from videlicet.api.v1_3.common import Caller, text_of
from videlicet.api.v1_3.indexes import options_of
from videlicet.api.v1_3.transcripts import speech_of
from videlicet.embedding.clips import vectors_of
from videlicet.embedding.spans import Strip
from videlicet.errors import Conflict, NotFound
from videlicet.ingest import videos
from videlicet.ingest.client.requests import call_off
from videlicet.rights import Purpose
from videlicet.telemetry import traces
from videlicet.types import (
    Index,
    Kind,
    Modality,
    Resource,
    Status,
    Task,
    derived_id,
    random_id,
)

#: Seconds of a clip that has an embedding of its own.
CLIP = 6.0
_MAKING = threading.Lock()


#: What is known of a video in numbers.
NUMBERS = ("duration", "fps", "width", "height", "size")


# -- making -------------------------------------------------------------------------------------


def make(
    call: Caller, index: Index, file: Resource, metadata: dict[str, Any], *, stream: bool
) -> tuple[Resource, Task]:
    """The video of a file in an index, with the task that takes it in. The same file in the same
    index is the same video: one that failed is tried again."""
    video_id = derived_id("video", index.id, file.id)
    # Of two requests at once, to this server or to two, one makes it and the other finds it.
    with _MAKING, call.store.database.held(f"video {video_id}"):
        return _make(call, index, file, metadata, video_id, stream)


def _make(
    call: Caller,
    index: Index,
    file: Resource,
    metadata: dict[str, Any],
    video_id: str,
    stream: bool,
) -> tuple[Resource, Task]:
    now = datetime.now(UTC)
    grant = call.grant(Purpose.INGEST)
    try:
        video = call.catalog.resource(grant, Kind.VIDEO, video_id)
    except NotFound:
        video = None
    tasks = call.catalog.tasks(grant, index.id, source=videos.source_of(video_id))
    if video is not None and video.status != videos.FAILED and tasks:
        return video, tasks[0]
    video = Resource(
        id=video_id,
        kind=Kind.VIDEO,
        tenant=call.tenant,
        created_at=now,
        updated_at=now,
        status=videos.QUEUED,
        parent=index.id,
        name=file.name,
        body={
            "file_id": file.id,
            "user_metadata": metadata,
            "video_stream": stream,
            **videos.facts(file),
            **traces.carried(),
        },
    )
    task = Task(
        id=random_id(),
        index_id=index.id,
        source=videos.source_of(video_id),
        status=Status.QUEUED,
        created_at=now,
        updated_at=now,
        attempts=1,
        tenant=call.tenant,
    )
    # Both or neither: a server may be killed at any instant.
    call.catalog.put_resource(grant, video, task)
    call.service.work.wake()
    return video, task


def remove(call: Caller, video: Resource) -> None:
    """Delete a video with everything derived from it. Its tasks stay, for whoever asks how they
    ended; those that have not are called off."""
    for task in call.catalog.tasks(call.manage, source=videos.source_of(video.id)):
        if not task.status.ended:
            with suppress(Conflict):  # it has just ended
                call_off(call.manage, call.store, task.id)
        # Tasks that name an asset go with it; and what was said of a failure names the file.
        error = task.error and {
            "code": task.error["code"], "message": "It failed; its video was deleted since.",
        }  # fmt: skip
        call.catalog.update_task(call.manage, task.id, asset_id=None, error=error)
    call.catalog.delete_resource(call.manage, Kind.VIDEO, video.id)
    if call.catalog.indexed(call.manage, video.parent, video.id) is not None:
        call.store.remove_asset(call.manage, video.parent, video.id)


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
    """The videos of an asset in all indexes."""
    found, _ = call.catalog.find_resources(
        call.manage, Kind.VIDEO, body=[(["file_id"], "==", file_id)]
    )
    return found


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
    span = call.catalog.asset(call.grant(Purpose.EMBED_EXPORT), video.id).media.span
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
    grant = call.grant(Purpose.EMBED_EXPORT)
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
        batch = call.store.vectors.of_asset(grant, index.id, modality, space, video_id)
        if batch is not None:
            found[name] = Strip(batch.spans, batch.vectors)
    return found
