"""What a container says of each of its streams, in the words of ffprobe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame

#: Names of ffmpeg's numbers.
_RANGES = {1: "tv", 2: "pc"}
_PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020",
    10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213",
}  # fmt: skip
_TRANSFERS = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "linear",
    11: "iec61966-2-4", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084",
    17: "smpte428", 18: "arib-std-b67",
}  # fmt: skip
_SPACES = {
    0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc",
    10: "bt2020c", 14: "ictcp",
}  # fmt: skip
#: Codecs whose samples have a depth of their own.
_EXACT = ("pcm_", "flac", "alac")


def stream_details(
    container: InputContainer, stream: Any | None, frame: VideoFrame | None
) -> dict[str, list[dict[str, Any]] | dict[str, str]]:
    """A row for each stream of pictures or sound that anything is known of; ``frame`` is the first
    picture of the stream ``shown``."""
    streams = [one for one in container.streams if getattr(one, "codec_context", None) is not None]
    pictures = [one for one in streams if one.type == "video" and not is_cover(one)]
    return {
        "video": [
            row
            for one in pictures
            if (row := _read_or_none(_video, one, frame if one is stream else None))
        ],
        "audio": [
            row for one in streams if one.type == "audio" and (row := _read_or_none(_audio, one))
        ],
        "tags": _tags(container, pictures),
    }


def is_cover(stream: Any) -> bool:
    """Whether a stream of pictures is only an illustration."""
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _read_or_none(look: Callable[..., dict[str, Any]], *stream: Any) -> dict[str, Any] | None:
    try:
        return {name: value for name, value in look(*stream).items() if value is not None}
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None  # headers say anything


def _video(stream: Any, frame: VideoFrame | None) -> dict[str, Any]:
    context = stream.codec_context
    pixels = getattr(context, "format", None)
    depths = [part.bits for part in pixels.components] if pixels is not None else []
    order = int(context.field_order)
    interlaced = order > 1 if order else frame is not None and bool(frame.interlaced_frame)
    known = bool(order) or frame is not None
    return {
        "index": stream.index,
        "codec": context.codec.canonical_name,
        "width": context.width,
        "height": context.height,
        "fps": _rate(stream.base_rate or stream.average_rate),
        "avg_fps": _rate(stream.average_rate),
        "duration_seconds": _duration(stream),
        "bitrate_bps": context.bit_rate or None,
        "rotation": 0 if frame is None else round(frame.rotation / 90) * 90 % 360,
        "pixel_aspect_ratio": _ratio(stream.sample_aspect_ratio or 1),
        "display_aspect_ratio": _ratio(
            stream.display_aspect_ratio
            or (context.width and context.height and f"{context.width}/{context.height}")
        ),
        "scan_type": ("interlaced" if interlaced else "progressive") if known else None,
        "pixel_format": context.pix_fmt,
        "bit_depth": max(depths, default=None),
        "color_range": _RANGES.get(int(context.color_range)),
        "color_transfer": _TRANSFERS.get(int(context.color_trc)),
        "color_space": _SPACES.get(int(context.colorspace))
        if int(context.colorspace) or str(context.pix_fmt).startswith("gbr")
        else None,
        "color_primaries": _PRIMARIES.get(int(context.color_primaries)),
        "has_alpha": bool(pixels is not None and any(part.is_alpha for part in pixels.components)),
    }


def _audio(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    name = str(context.codec.canonical_name)
    return {
        "index": stream.index,
        "codec": name,
        "codec_long": context.codec.long_name,
        "sample_rate": context.sample_rate,
        "bit_depth": context.format.bits if name.startswith(_EXACT) and context.format else None,
        "channels": context.channels,
        "channel_layout": context.layout.name,
        "bitrate_bps": context.bit_rate or None,
        "language": stream.language if stream.language != "und" else None,
        "duration_seconds": _duration(stream),
    }


def _tags(container: InputContainer, videos: Sequence[Any]) -> dict[str, str]:
    """Tags that have a place of their own: when, where, and which timecode it begins at."""
    own = {str(k).lower(): str(v) for k, v in container.metadata.items()}
    found = {}
    for key in ("creation_time", "location", "com.apple.quicktime.location.iso6709", "timecode"):
        if key in own:
            found[key.rpartition(".")[2].replace("iso6709", "location")] = own[key][:100]
    for stream in videos:
        if "timecode" in stream.metadata:
            found["timecode"] = str(stream.metadata["timecode"])[:100]
            found["timecode_source"] = "video_stream"
            break
    if "timecode" in found:
        found.setdefault("timecode_source", "container")
    return found


def _rate(rate: Any) -> float | None:
    return float(rate) if rate else None


def _duration(stream: Any) -> float | None:
    if stream.duration is not None and stream.duration > 0:
        return float(stream.duration * stream.time_base)
    # Matroska has it in a tag.
    parts = str(stream.metadata.get("DURATION", "")).split(":")
    if len(parts) != 3:
        return None
    hours, minutes, seconds = map(float, parts)
    return (hours * 3600 + minutes * 60 + seconds) or None


def _ratio(value: Any) -> str | None:
    if not value:
        return None
    ratio = Fraction(value)
    return f"{ratio.numerator}:{ratio.denominator}"
