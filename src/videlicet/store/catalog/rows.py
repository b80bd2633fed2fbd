"""Records of ``types`` to table rows and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from typing import Any

from sqlalchemy import Row, RowMapping

from videlicet.store.catalog.schema import casefolded
from videlicet.types import (
    Asset,
    AssetOwner,
    AssetStatus,
    AudioStream,
    Index,
    MediaInfo,
    Modality,
    Observation,
    Span,
    Status,
    Task,
    Video,
    VideoStatus,
    VideoStream,
)
from videlicet.types.kinds import payload_from_json, payload_to_json


def span_text(span: Span) -> str:
    """Exact text of a span; ``span_of`` reads it."""
    return f"{span.start} {span.end}"


def span_of(text: str) -> Span:
    """The span that ``span_text`` wrote."""
    start, end = text.split(" ")
    return Span(_fraction(start), _fraction(end))


def _fraction(text: str) -> Fraction:
    # ``Fraction(text)`` matches a pattern first, which takes three times as long.
    over, _, under = text.partition("/")
    return Fraction(int(over), int(under) if under else 1)


def asset_row(asset: Asset) -> dict[str, Any]:
    """Columns of ``assets``."""
    recording, connector = asset.recording, asset.connector
    return {
        "id": asset.id,
        "tenant": asset.tenant,
        "name": asset.name,
        "name_folded": casefolded(asset.name),
        "status": asset.status.value,
        "owner": asset.owner.value,
        "method": asset.method,
        "source": asset.source,
        "blob": asset.blob,
        "size": asset.size,
        "sha256": asset.sha256,
        "type": asset.type,
        "media_type": asset.media_type,
        "recording": None if recording is None else media_to_json(recording),
        "facts": dict(asset.facts),
        "metadata": dict(asset.metadata),
        "hls": int(asset.hls),
        "thumbnail": int(asset.thumbnail),
        "chunks": asset.chunks,
        "connector": None if connector is None else dict(connector),
        "connector_key": None if connector is None else connector_key(connector),
        "error": None if asset.error is None else dict(asset.error),
        "trace": asset.trace,
        "created_at": asset.created_at,
        "updated_at": asset.updated_at or asset.created_at,
        "duration": asset.duration,
        "width": asset.width,
        "height": asset.height,
        "fps": asset.fps,
        "container": None if recording is None else recording.container,
        "has_video": None if recording is None else int(recording.video is not None),
        "has_audio": None if recording is None else int(bool(recording.audio)),
    }


def connector_key(connector: Mapping[str, Any]) -> str:
    """What an imported file is looked up by."""
    return json.dumps([connector["account_id"], connector["source_id"]])


def asset_of(row: RowMapping, prefix: str = "") -> Asset:
    """An asset from its columns, whose names begin with ``prefix``."""
    values = {name: row[prefix + name] for name in _ASSET_FIELDS}
    recording = values["recording"]
    return Asset(
        **{
            **values,
            "status": AssetStatus(values["status"]),
            "owner": AssetOwner(values["owner"]),
            "recording": None if recording is None else media_from_json(recording),
            "hls": bool(values["hls"]),
            "thumbnail": bool(values["thumbnail"]),
        }
    )


_ASSET_FIELDS = tuple(field.name for field in fields(Asset))


def index_of(row: Row[Any]) -> Index:
    """An index from its row."""
    return Index(
        id=row.id,
        name=row.name,
        cards=dict(row.cards),
        created_at=row.created_at,
        tenant=row.tenant,
        options=dict(row.options),
        updated_at=row.updated_at,
    )


def video_row(video: Video) -> dict[str, Any]:
    """Columns of ``videos``, without the slot."""
    return {
        "id": video.id,
        "status": video.status.value,
        "metadata": dict(video.metadata),
        "notes": list(video.notes),
        "stream": int(video.stream),
        "error": None if video.error is None else dict(video.error),
        "store_id": video.store_id,
        "item_id": video.item_id,
        "item_type": video.item_type,
        "enrichment": video.enrichment,
        "created_at": video.created_at,
        "updated_at": video.updated_at,
        "indexed_at": video.indexed_at,
    }


def video_of(row: RowMapping) -> Video:
    """A video from its columns, with those of its asset under ``asset_...``."""
    return Video(
        id=row["id"],
        index_id=row["index_id"],
        asset=asset_of(row, "asset_"),
        status=VideoStatus(row["status"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        indexed_at=row["indexed_at"],
        metadata=row["metadata"],
        notes=tuple(row["notes"]),
        stream=bool(row["stream"]),
        error=row["error"],
        store_id=row["store_id"],
        item_id=row["item_id"],
        item_type=row["item_type"],
        enrichment=row["enrichment"],
    )


def task_row(task: Task) -> dict[str, Any]:
    """Columns of ``tasks``."""
    return {
        "id": task.id,
        "index_id": task.index_id,
        "source": task.source,
        "status": task.status.value,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "asset_id": task.asset_id,
        "stage": task.stage,
        "done_s": task.done_s,
        "total_s": task.total_s,
        "attempts": task.attempts,
        "error": None if task.error is None else dict(task.error),
        "tenant": task.tenant,
        "video_id": task.video_id,
        "trace": task.trace,
    }


def task_of(row: Row[Any]) -> Task:
    """A task from its row."""
    return Task(**{**row._mapping, "status": Status(row.status)})


def observation_row(seen: Observation) -> dict[str, Any]:
    """Columns of ``observations``, without the slot."""
    return {
        "id": seen.id,
        "modality": seen.modality.value,
        "card": seen.card,
        "start": float(seen.span.start),
        "finish": float(seen.span.end),
        "span": span_text(seen.span),
        "payload": json.dumps(
            payload_to_json(seen.payload), ensure_ascii=True, separators=(",", ":")
        ),
    }


def observation_of(row: Row[Any]) -> Observation:
    """An observation from its row, joined with its slot."""
    return Observation(
        asset_id=row.asset_id,
        span=span_of(row.span),
        modality=Modality(row.modality),
        card=row.card,
        payload=payload_from_json(json.loads(row.payload)),
        stored_id=row.id,
    )


def media_to_json(media: MediaInfo) -> dict[str, Any]:
    """Container facts as JSON-ready values."""
    video = media.video
    return {
        "container": media.container,
        "span": media.span.to_json(),
        "video": None
        if video is None
        else {
            "index": video.index,
            "codec": video.codec,
            "width": video.width,
            "height": video.height,
            "rotation": video.rotation,
            "time_base": str(video.time_base),
            "average_rate": None if video.average_rate is None else str(video.average_rate),
            "frames": video.frames,
            "hdr": video.hdr,
        },
        "audio": [
            {
                "index": track.index,
                "codec": track.codec,
                "sample_rate": track.sample_rate,
                "channels": track.channels,
                "language": track.language,
                "default": track.default,
            }
            for track in media.audio
        ],
        "bit_rate": media.bit_rate,
        "tags": dict(media.tags),
        "details": dict(media.details),
    }


def media_from_json(row: Mapping[str, Any]) -> MediaInfo:
    """The container facts that ``media_to_json`` wrote."""
    video = row["video"]
    if video is not None:
        rate = video["average_rate"]
        video = VideoStream(
            **{
                **video,
                "time_base": Fraction(video["time_base"]),
                "average_rate": None if rate is None else Fraction(rate),
            }
        )
    return MediaInfo(
        container=row["container"],
        span=Span.from_json(row["span"]),
        video=video,
        audio=tuple(AudioStream(**track) for track in row["audio"]),
        bit_rate=row["bit_rate"],
        tags=dict(row["tags"]),
        details=dict(row.get("details") or {}),  # rows of older versions have none
    )
