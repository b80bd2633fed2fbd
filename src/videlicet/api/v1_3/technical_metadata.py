"""What is known of an asset's file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from videlicet.api.parameters import format_time
from videlicet.types import Asset, MediaInfo

#: Latitude, longitude and perhaps height, as ISO 6709 writes them.
_PLACE = re.compile(r"([+-]\d{1,2}(?:\.\d+)?)([+-]\d{1,3}(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?")
_VIDEO = (
    "index", "codec", "width", "height", "fps", "avg_fps", "duration_seconds", "bitrate_bps",
    "rotation", "pixel_aspect_ratio", "display_aspect_ratio", "scan_type", "pixel_format",
    "bit_depth", "color_range", "color_transfer", "color_space", "color_primaries",
)  # fmt: skip
_AUDIO = (
    "index", "codec", "codec_long", "sample_rate", "bit_depth", "channels", "channel_layout",
    "bitrate_bps", "language", "duration_seconds",
)  # fmt: skip


def technical_metadata(asset: Asset) -> dict[str, Any]:
    """The facts of a ready asset under the names of v1.3."""
    facts: dict[str, Any] = {
        "file_size_bytes": asset.size,
        "file_mime_type": asset.media_type,
        "document_pdf_version": asset.facts.get("pdf"),
    }
    if pages := asset.facts.get("pages"):
        facts |= {
            "document_page_count": pages["count"],
            "document_page_width_pt": pages["width"],
            "document_page_height_pt": pages["height"],
        }
    if image := asset.facts.get("image"):
        facts |= {
            "file_container_format": image.get("format"),
            "image_width": image["width"],
            "image_height": image["height"],
            "image_format": image.get("format") or (asset.media_type or "").partition("/")[2],
            "image_orientation": image.get("orientation"),
            "image_color_space": image.get("color_space"),
            "image_bit_depth": image.get("bit_depth"),
            "has_alpha": image.get("alpha"),
            "is_animated": image.get("animated"),
        }
    if asset.recording is not None:
        facts |= _recording(asset.recording)
    return _known(facts)


def _recording(media: MediaInfo) -> dict[str, Any]:
    duration = float(media.span.duration)
    tags = media.details.get("tags") or {}
    videos, sounds = _videos(media, duration), _sounds(media, duration)
    facts: dict[str, Any] = {
        "file_container_format": media.container,
        "container_creation_time": _time(tags.get("creation_time")),
        "has_audio": bool(sounds),
        "total_video_streams": len(videos),
        "total_audio_streams": len(sounds),
        "start_timecode": tags.get("timecode"),
        "timecode_source": tags.get("timecode_source"),
        **_place(str(tags.get("location") or "")),
    }
    if "timecode" in tags:
        facts["drop_frame"] = ";" in str(tags["timecode"])
    if media.video is not None:
        own = _of(videos, media.video.index)
        rate = None if media.video.average_rate is None else float(media.video.average_rate)
        facts |= {
            "video_codec": own["codec"],
            "video_width": media.video.width,
            "video_height": media.video.height,
            "video_fps": rate,
            "video_duration_seconds": own["duration_seconds"],
            "video_bitrate_bps": own.get("bitrate_bps") or media.bit_rate,
            "is_hdr": media.video.hdr,
            "storage_aspect_ratio": own["width"] / own["height"],
            "has_alpha": own.get("has_alpha"),
            "video_streams": [_known({name: row.get(name) for name in _VIDEO}) for row in videos],
        }
    if media.audio:
        first = media.audio[0]
        track = _of(sounds, first.index)
        facts |= {
            "audio_codec": track["codec"],
            "audio_sample_rate": first.sample_rate,
            "audio_channels": first.channels,
            "audio_duration_seconds": track["duration_seconds"],
            "audio_streams": [_known({name: row.get(name) for name in _AUDIO}) for row in sounds],
        }
    return facts


def _videos(media: MediaInfo, duration: float) -> list[Mapping[str, Any]]:
    """A row for each stream of pictures, the one that is used among them."""
    rows = media.details.get("video") or []
    if media.video is None:
        return [{"duration_seconds": duration, **row} for row in rows]
    rate = None if media.video.average_rate is None else float(media.video.average_rate)
    usual = {
        "index": media.video.index,
        "codec": media.video.codec,
        "width": media.video.width,
        "height": media.video.height,
        "fps": rate,
        "avg_fps": rate,
        "rotation": media.video.rotation,
    }
    return _completed(rows, [usual], duration)


def _sounds(media: MediaInfo, duration: float) -> list[Mapping[str, Any]]:
    usual = [
        {
            "index": track.index,
            "codec": track.codec,
            "sample_rate": track.sample_rate,
            "channels": track.channels,
            "language": track.language,
        }
        for track in media.audio
    ]
    return _completed(media.details.get("audio") or [], usual, duration)


def _completed(
    found: Sequence[Mapping[str, Any]], usual: Sequence[Mapping[str, Any]], duration: float
) -> list[Mapping[str, Any]]:
    """The rows of ``found`` over those of ``usual`` with the same index, in order."""
    rows: dict[int, dict[str, Any]] = {
        row["index"]: {"duration_seconds": duration, **row} for row in usual
    }
    for row in found:
        rows[row["index"]] = {"duration_seconds": duration, **rows.get(row["index"], {}), **row}
    return [rows[index] for index in sorted(rows)]


def _of(rows: Sequence[Mapping[str, Any]], index: int) -> Mapping[str, Any]:
    return next(row for row in rows if row["index"] == index)


def _time(text: Any) -> str | None:
    try:
        return format_time(datetime.fromisoformat(str(text)))
    except (ValueError, OverflowError):
        return None


def _place(text: str) -> dict[str, float]:
    matched = _PLACE.match(text)
    if matched is None:
        return {}
    names = ("geospatial_latitude", "geospatial_longitude", "geospatial_altitude_meters")
    return {n: float(v) for n, v in zip(names, matched.groups(), strict=True) if v is not None}


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}
