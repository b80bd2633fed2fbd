"""What is known of a file's own form."""

from __future__ import annotations

from typing import Any

from videlicet.ingest.videos import media_of
from videlicet.types import Resource


def technical_metadata(file: Resource) -> dict[str, Any]:
    """The facts of a ready file under the names of v1.3."""
    facts: dict[str, Any] = {
        "file_size_bytes": file.body.get("size"),
        "file_mime_type": file.body.get("file_type"),
    }
    if image := file.body.get("image"):
        facts |= {
            "image_width": image["width"],
            "image_height": image["height"],
            "image_format": (file.body.get("file_type") or "").partition("/")[2],
        }
    media = media_of(file)
    if media is None:
        return _known(facts)
    duration = float(media.span.duration)
    facts |= {
        "file_container_format": media.container,
        "has_audio": bool(media.audio),
        "total_video_streams": int(media.video is not None),
        "total_audio_streams": len(media.audio),
    }
    if media.video is not None:
        rate = None if media.video.average_rate is None else float(media.video.average_rate)
        facts |= {
            "video_codec": media.video.codec,
            "video_width": media.video.width,
            "video_height": media.video.height,
            "video_fps": rate,
            "video_duration_seconds": duration,
            "video_bitrate_bps": media.bit_rate,
            "is_hdr": media.video.hdr,
            "storage_aspect_ratio": media.video.width / media.video.height,
            "video_streams": [
                _known(
                    {
                        "index": media.video.index,
                        "codec": media.video.codec,
                        "width": media.video.width,
                        "height": media.video.height,
                        "fps": rate,
                        "avg_fps": rate,
                        "duration_seconds": duration,
                        "rotation": media.video.rotation,
                    }
                )
            ],
        }
    if media.audio:
        first = media.audio[0]
        facts |= {
            "audio_codec": first.codec,
            "audio_sample_rate": first.sample_rate,
            "audio_channels": first.channels,
            "audio_duration_seconds": duration,
            "audio_streams": [
                _known(
                    {
                        "index": track.index,
                        "codec": track.codec,
                        "sample_rate": track.sample_rate,
                        "channels": track.channels,
                        "language": track.language,
                    }
                )
                for track in media.audio
            ],
        }
    return _known(facts)


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}
