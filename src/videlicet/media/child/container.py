"""Opening a container inside the child, and every reason to refuse it."""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.error
import av.logging
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame

from videlicet.media.child.channel import ChildChannel, MediaRefusal
from videlicet.media.child.containers import ContainerOutline, read_outline
from videlicet.media.child.details import is_cover, stream_details
from videlicet.media.sandbox import AUDIO_CODECS, FORMATS, VIDEO_CODECS, Limits

#: Bytes of address space that the pictures of one decoder may want at once.
_ROOM = 128 * 1024 * 1024
#: Fewer bytes a second than any codec needs, over so many seconds: the header is not believed.
_FEWEST_BYTES = 100
_LONG = 600
#: Packets tried for the first picture while probing.
_TRIED = 256
_PQ, _HLG = 16, 18
_MICRO = Fraction(1, 1_000_000)
_ERRORS = (av.error.FFmpegError, ValueError, OSError)


@dataclass(frozen=True)
class OpenContainer:
    """An open container with the streams chosen for reading."""

    container: InputContainer
    video: Any
    audio: Sequence[Any]
    start: Fraction
    end: Fraction | None
    size: int


@contextlib.contextmanager
def open_container(descriptor: int, limits: Limits) -> Iterator[OpenContainer]:
    """The container behind a descriptor, refused where it should not be read at all."""
    found = read_outline(descriptor)
    size = os.fstat(descriptor).st_size
    if found.missing or not found.has_header:
        _refuse_truncated(found, size)
    if found.encrypted:
        raise MediaRefusal("media_encrypted", "the streams are encrypted.")
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        container = av.open(
            "fd:",
            options={
                "fd": str(descriptor),
                "protocol_whitelist": "fd",
                "format_whitelist": FORMATS,
                "codec_whitelist": ",".join(sorted(VIDEO_CODECS | AUDIO_CODECS)),
            },
            metadata_errors="replace",
        )
    except MemoryError:
        raise
    except _ERRORS as error:
        raise MediaRefusal(
            "media_not_recognised",
            f"it is not a video or sound that can be read ({_describe_error(error)}).",
        ) from error
    with container:
        yield _checked(container, found, size, limits)


def _refuse_truncated(found: ContainerOutline, size: int) -> None:
    if not found.has_header:
        raise MediaRefusal("media_truncated", "the index (moov) that players need is missing.")
    raise MediaRefusal(
        "media_truncated",
        f"it is cut short: {found.missing} of {size + found.missing} bytes are missing.",
    )


def _checked(
    container: InputContainer, found: ContainerOutline, size: int, limits: Limits
) -> OpenContainer:
    streams: list[Any] = list(container.streams)
    if len(streams) > limits.streams:
        raise MediaRefusal(
            "media_too_large",
            f"it has {len(streams)} streams; max_streams is {limits.streams}.",
        )
    pictures = [s for s in streams if s.type == "video" and not is_cover(s)]
    sounds = [s for s in streams if s.type == "audio"]
    if not pictures and not sounds:
        raise MediaRefusal("media_no_stream", "it has neither pictures nor sound.")
    if any(_key(s) for s in pictures + sounds):
        raise MediaRefusal("media_encrypted", "the streams are encrypted.")
    readable = [s for s in pictures if _codec(s) in VIDEO_CODECS]
    audible = [s for s in sounds if _codec(s) in AUDIO_CODECS]
    if (pictures and not readable) or (not pictures and not audible):
        names = ", ".join(sorted({_name(s) for s in (pictures or sounds)}))
        raise MediaRefusal(
            "media_codec_unsupported", f"its codec cannot be decoded here ({names})."
        )
    video = max(readable, key=_preference, default=None)
    audible.sort(key=lambda s: (not s.disposition & Disposition.default, s.index))
    if video is not None:
        _check_size(video, limits)
        if not video.codec_context.width or not video.codec_context.height:
            raise undecodable()
    start, end = _time_range(container, [s for s in (video, *audible) if s is not None])
    claimed = max(found.duration or Fraction(0), Fraction(0) if end is None else end - start)
    if claimed > _LONG and size < claimed * _FEWEST_BYTES:
        raise MediaRefusal(
            "media_duration_implausible",
            f"its header claims {float(claimed):.0f} s, but it has only {size} bytes.",
        )
    if claimed > limits.duration:
        raise MediaRefusal(
            "media_too_large",
            f"it lasts {float(claimed):.0f} s; max_duration is {limits.duration:.0f}.",
        )
    return OpenContainer(container, video, audible, start, end, size)


def _check_size(stream: Any, limits: Limits) -> None:
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > limits.pixels:
        raise MediaRefusal(
            "media_too_large",
            f"its pictures are {width}x{height}; max_pixels is {limits.pixels}.",
        )


def _describe_error(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or "unreadable").lower()


def _codec(stream: Any) -> str | None:
    return None if stream.codec_context is None else str(stream.codec_context.name)


def _name(stream: Any) -> str:
    return _codec(stream) or _tag(stream) or "unknown"


def _tag(stream: Any) -> str:
    with contextlib.suppress(AttributeError, UnicodeDecodeError):
        return "".join(c if c.isprintable() else "?" for c in str(stream.codec_tag))
    return ""


def _key(stream: Any) -> bool:
    return any(name.lower() == "enc_key_id" for name in stream.metadata)


def _preference(stream: Any) -> tuple[bool, int, int]:
    context = stream.codec_context
    is_default = bool(stream.disposition & Disposition.default)
    return is_default, context.width * context.height, -stream.index


def _time_range(container: InputContainer, streams: list[Any]) -> tuple[Fraction, Fraction | None]:
    """Start and declared end of the timeline; the end is ``None`` where nothing declares it."""
    starts = [s.start_time * s.time_base for s in streams if s.start_time is not None]
    start = min(starts, default=Fraction(0))
    if -Fraction(1, 5) < start < 0:
        start = Fraction(0)  # an encoder's priming samples, which the decoder drops
    ends = [
        (s.start_time or 0) * s.time_base + s.duration * s.time_base
        for s in streams
        if s.duration is not None and s.duration > 0
    ]
    if not ends and container.duration is not None and container.duration > 0:
        ends = [(container.start_time or 0) * _MICRO + container.duration * _MICRO]
    end = max(ends, default=None)
    return start, end if end is None or end > start else None


def nominal(stream: Any) -> Fraction:
    """The usual length of one picture in seconds."""
    for rate in (stream.average_rate, stream.guessed_rate):
        # A rate beyond any camera's is a time base, taken for want of better.
        if rate and Fraction(1, 60) <= rate <= 480:
            return 1 / Fraction(rate)
    return Fraction(1, 25)


def rotation(frame: VideoFrame) -> int:
    """Quarter turns to make a picture upright, counter-clockwise, as 0, 90, 180 or 270 degrees."""
    return round(frame.rotation / 90) * 90 % 360


def is_hdr(source: Any) -> bool:
    """Whether a frame or a codec context is graded for high dynamic range (PQ or HLG)."""
    return int(source.color_trc) in (_PQ, _HLG)


def display_size(stream: Any, turn: int) -> tuple[int, int]:
    """Width and height in square pixels, upright."""
    context = stream.codec_context
    width, height = square(context.width, context.height, context.sample_aspect_ratio)
    return (height, width) if turn % 180 else (width, height)


def square(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """A picture's size once its pixels are square; an absurd aspect is ignored."""
    if aspect and Fraction(1, 4) <= aspect <= 4:
        return max(1, round(width * aspect)), height
    return width, height


def run_probe(
    channel: ChildChannel, limits: Limits, files: Sequence[int], arguments: Mapping[str, Any]
) -> None:
    """Send one ``info`` message with the container's facts."""
    av.logging.set_level(av.logging.ERROR)  # errors then carry what ffmpeg logged
    logging.disable()
    with open_container(files[0], limits) as opened:
        start, end, size = opened.start, opened.end, opened.size
        if end is None:
            end = _scan(channel, opened)
    if end is None or end <= start:
        raise MediaRefusal("media_zero_duration", "it lasts no time at all.")
    if end - start > limits.duration:
        raise MediaRefusal(
            "media_too_large",
            f"it lasts {float(end - start):.0f} s; max_duration is {limits.duration:.0f}.",
        )
    with open_container(files[0], limits) as opened:
        facts = _media_facts(opened, limits)
    facts["bit_rate"] = facts["bit_rate"] or round(size * 8 / (end - start))
    channel.send("info", span=[str(start), str(end)], **facts)


def _decode_first_frame(opened: OpenContainer, limits: Limits) -> Any:
    stream = opened.video
    stream.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(limits.pixels)}
    tried = 0
    try:
        for packet in opened.container.demux(stream):
            try:
                for frame in packet.decode():
                    return frame
            except av.error.FFmpegError as error:
                _refuse_size(error, limits)
                if not isinstance(error, av.error.InvalidDataError):
                    raise
            tried += 1
            if tried >= _TRIED:
                return None
    except MemoryError:
        raise
    except av.error.FFmpegError:
        return None
    raise undecodable()


def undecodable() -> MemoryError | MediaRefusal:
    """Why not one picture could be decoded: some decoders call data damaged that they had no room
    for."""
    try:
        mmap.mmap(-1, _ROOM).close()
    except OSError:
        return MemoryError()
    return MediaRefusal("media_corrupt", "not one picture in it can be decoded.")


def _refuse_size(error: av.error.FFmpegError, limits: Limits) -> None:
    """The stream's own header may say more than the container's; only ffmpeg's log tells."""
    log: Any = error.log
    said = str(log[2]).strip() if log else ""
    if said.startswith("Picture size"):
        size = said.removeprefix("Picture size").split()[0]
        raise MediaRefusal(
            "media_too_large", f"its pictures are {size}; max_pixels is {limits.pixels}."
        ) from error


def _scan(channel: ChildChannel, opened: OpenContainer) -> Fraction | None:
    """The end of a timeline that no header declares, from the timestamps of all packets; a bare
    stream of pictures has none, and lasts as long as its pictures do."""
    latest: Fraction | None = None
    pictures = 0
    chosen = [s for s in (opened.video, *opened.audio) if s is not None]
    with contextlib.suppress(av.error.FFmpegError):
        for packet in opened.container.demux(*chosen):
            channel.alive()
            pictures += bool(packet.size) and packet.stream is opened.video
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is None or packet.time_base is None:
                continue
            end = (stamp + (packet.duration or 0)) * packet.time_base
            latest = end if latest is None else max(latest, end)
    if latest is None and pictures:
        return opened.start + pictures * nominal(opened.video)
    return latest


def _media_facts(opened: OpenContainer, limits: Limits) -> dict[str, object]:
    container, video = opened.container, opened.video
    facts: dict[str, object] = {
        "container": container.format.name,
        "bit_rate": container.bit_rate or None,
        "tags": {str(k)[:64]: str(v)[:500] for k, v in list(container.metadata.items())[:64]},
        "video": None,
    }
    frame = None
    if video is not None:
        frame = _decode_first_frame(opened, limits)
        turn = 0 if frame is None else rotation(frame)
        width, height = display_size(video, turn)
        rate = video.average_rate
        facts["video"] = {
            "index": video.index,
            "codec": video.codec_context.name,
            "width": width,
            "height": height,
            "rotation": turn,
            "time_base": str(video.time_base),
            "average_rate": str(rate) if rate else None,
            "frames": video.frames or None,
            "hdr": is_hdr(video.codec_context) or (frame is not None and is_hdr(frame)),
        }
    facts["audio"] = [
        {
            "index": stream.index,
            "codec": stream.codec_context.name,
            "sample_rate": stream.codec_context.sample_rate,
            "channels": stream.codec_context.channels,
            "language": stream.language if stream.language != "und" else None,
            "default": bool(stream.disposition & Disposition.default),
        }
        for stream in opened.audio
    ]
    facts["details"] = stream_details(container, video, frame)
    return facts
