"""Records of ``types`` to table rows and back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from sqlalchemy import Row

from videlicet.errors import InvalidInput
from videlicet.store.catalog.schema import casefolded
from videlicet.types import (
    Asset,
    AudioStream,
    Index,
    IndexedAsset,
    MediaInfo,
    MetadataValue,
    Modality,
    Observation,
    Span,
    Status,
    Task,
    VideoStream,
)
from videlicet.types.kinds import payload_from_json, payload_to_json

#: Fields of every asset that a filter may name; users may not attach values under these names.
BUILT_IN = frozenset(
    {
        "id", "name", "source", "sha256", "size", "container", "created_at", "duration", "width",
        "height", "has_video", "has_audio", "and", "or", "not",
    }
)  # fmt: skip

_LARGEST_INT = 2**53


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
    media = asset.media
    return {
        "id": asset.id,
        "sha256": asset.sha256,
        "name": asset.name,
        "name_folded": casefolded(asset.name),
        "source": asset.source,
        "size": asset.size,
        "blob": asset.blob,
        "media": media_to_json(media),
        "created_at": asset.created_at,
        "duration": float(media.span.duration),
        "width": media.video.width if media.video else None,
        "height": media.video.height if media.video else None,
        "container": media.container,
        "has_video": int(media.video is not None),
        "has_audio": int(bool(media.audio)),
        "tenant": asset.tenant,
    }


def asset_of(row: Row[Any], values: Mapping[str, MetadataValue]) -> Asset:
    """An asset with what users attached to it."""
    return Asset(
        id=row.id,
        sha256=row.sha256,
        name=row.name,
        source=row.source,
        size=row.size,
        media=media_from_json(row.media),
        created_at=row.created_at,
        blob=row.blob,
        metadata=dict(values),
        tenant=row.tenant,
    )


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


def indexed_of(row: Row[Any]) -> IndexedAsset:
    """An indexed asset from its row, joined with its slot."""
    return IndexedAsset(
        id=row.id,
        index_id=row.index_id,
        asset_id=row.asset_id,
        status=Status(row.status),
        created_at=row.created_at,
        indexed_at=row.indexed_at,
        notes=tuple(row.notes),
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
    )


def metadata_rows(asset_id: str, values: Mapping[str, MetadataValue]) -> list[dict[str, Any]]:
    """Rows for what a user attaches to an asset.

    Raises:
        InvalidInput: a key is empty, too long or reserved, or a value is none of text, whole
            number up to 2**53, finite number, true or false.
    """
    return [_metadata_row(asset_id, key, value) for key, value in values.items()]


def _metadata_row(asset_id: str, key: str, value: MetadataValue) -> dict[str, Any]:
    def refuse(why: str) -> InvalidInput:
        return InvalidInput("invalid_argument", f"Metadata {key!r} {why}.", subject=str(key))

    if not isinstance(key, str) or not 0 < len(key) <= 200 or not _plain(key):
        raise refuse("is not a name of 1 to 200 characters")
    if key in BUILT_IN:
        raise refuse("has the name of a built-in field")
    row: dict[str, Any] = {"asset_id": asset_id, "key": key, "value": "", "number": None}
    row |= {"text": None, "text_folded": None}
    match value:
        case bool():
            row |= {"kind": "bool", "number": float(value)}
        case int():
            if abs(value) > _LARGEST_INT:
                raise refuse("is too large a number; keep it as text")
            row |= {"kind": "int", "number": float(value)}
        case float():
            if not math.isfinite(value):
                raise refuse("is not a finite number")
            row |= {"kind": "float", "number": value}
        case str():
            if not _plain(value):
                raise refuse("holds characters that are not text")
            row |= {"kind": "str", "text": value, "text_folded": casefolded(value)}
        case _:
            raise refuse("is not text, a number, true or false")
    row["value"] = json.dumps(value, ensure_ascii=True)
    return row


def metadata_of(rows: Iterable[Row[Any]]) -> dict[str, dict[str, MetadataValue]]:
    """What users attached, by asset."""
    found: dict[str, dict[str, MetadataValue]] = {}
    for row in rows:
        found.setdefault(row.asset_id, {})[row.key] = json.loads(row.value)
    return found


def _plain(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


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
