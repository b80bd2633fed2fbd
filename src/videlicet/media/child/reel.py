"""The child that lays stretches of several videos end to end: decoded, fitted, encoded anew."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from videlicet.media.child.channel import ChildChannel, MediaRefusal
from videlicet.media.child.container import open_container
from videlicet.media.child.picture import Converter, clip_to_span, frames, prepare
from videlicet.media.child.sound import Samples, Track, decode_sound, seek_sound
from videlicet.media.sandbox import Limits
from videlicet.types import Span

_TICKS = 90_000
_BT709 = 1
_RATE = 48_000
_AAC = 1024
#: Seconds decoded before the start, for files whose seeking lands late.
_RUN_UP = 2
#: Longest side of a picture before it is fitted.
_SIDE = 4096

Picture = NDArray[np.uint8]
#: When it comes in the reel, which kind it is, and what it is.
EncodedFrame = tuple[Fraction, int, "VideoFrame | AudioFrame"]


def run_reel(
    channel: ChildChannel, limits: Limits, files: Sequence[int], arguments: Mapping[str, Any]
) -> None:
    """Write a video into the last descriptor; before it come two of each cut's file.

    Pictures of every cut are fitted into one size, with black around them. A cut without pictures
    is black, one without sound is silent.
    """
    spans = [Span.from_json(pair) for pair in arguments["spans"]]
    size = arguments["size"]
    with (
        os.fdopen(os.dup(files[-1]), "w+b") as file,
        av.open(file, "w", format="mp4", options={"fflags": "+bitexact"}) as out,
    ):
        pictures: Any = _pictures(out, *size) if size else None
        sounds: Any = None
        if arguments["sound"]:
            sounds = out.add_stream("aac", rate=_RATE, layout="stereo")
            sounds.bit_rate = 128_000
        if pictures is None and sounds is None:
            raise MediaRefusal("media_no_stream", "there are neither pictures nor sound.")
        clock = Fraction(0)
        for number, span in enumerate(spans):
            own = files[2 * number : 2 * number + 2]
            with (
                open_container(own[0], limits) as seen,
                open_container(own[1], limits) as heard,
            ):
                parts: list[Iterator[EncodedFrame]] = []
                if pictures is not None:
                    parts.append(_video_frames(seen, span, clock, size, channel, limits))
                if sounds is not None:
                    parts.append(_audio_samples(heard, span, clock, channel))
                for _, kind, frame in heapq.merge(*parts, key=lambda item: item[:2]):
                    out.mux((sounds if kind else pictures).encode(frame))
            clock += span.duration
        for stream in (pictures, sounds):
            if stream is not None:
                out.mux(stream.encode(None))
    channel.send("written", seconds=float(clock))


def _pictures(out: Any, width: int, height: int) -> Any:
    stream = out.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "20"})
    stream.pix_fmt = "yuv420p"
    stream.width, stream.height = width, height
    context = stream.codec_context
    context.time_base = Fraction(1, _TICKS)
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    return stream


def _video_frames(
    opened: Any,
    span: Span,
    clock: Fraction,
    size: tuple[int, int],
    channel: ChildChannel,
    limits: Limits,
) -> Iterator[EncodedFrame]:
    last: Fraction | None = None
    if opened.video is not None:
        prepare(opened.video, 0, limits)
        aspect = opened.video.codec_context.sample_aspect_ratio
        converter = Converter(_SIDE)
        source = frames(opened, channel, None, max(span.start - _RUN_UP, Fraction(0)))
        for displayed in clip_to_span(source, span):
            time = clock + max(Fraction(0), displayed.time - span.start)
            if last is not None and round(time * _TICKS) <= round(last * _TICKS):
                continue
            last = time
            yield time, 0, _frame(letterbox(converter.rgb(displayed.frame, aspect), size), time)
    if last is None:
        yield clock, 0, _frame(np.zeros((size[1], size[0], 3), np.uint8), clock)


def letterbox(picture: Picture, size: tuple[int, int]) -> Picture:
    """A picture in the middle of one of ``size`` (width, height), as large as fits."""
    width, height = size
    if picture.shape[:2] == (height, width):
        return picture
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(picture, inner, interpolation=way)
    whole = np.zeros((height, width, 3), np.uint8)
    top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
    whole[top : top + inner[1], left : left + inner[0]] = small
    return whole


def _frame(picture: Picture, time: Fraction) -> VideoFrame:
    frame = VideoFrame.from_ndarray(picture, "rgb24").reformat(
        format="yuv420p", dst_colorspace="ITU709"
    )
    frame.pts, frame.time_base = round(time * _TICKS), Fraction(1, _TICKS)
    return frame


def _audio_samples(
    opened: Any, span: Span, clock: Fraction, channel: ChildChannel
) -> Iterator[EncodedFrame]:
    """Exactly as many samples as the stretch is long, silent where the file is."""
    ready: list[Samples] = []
    track = Track(lambda _, samples: ready.append(samples), _AAC, span, rate=_RATE, channels=2)
    track.move(span.start)
    first = round(clock * _RATE)
    done = 0

    def take() -> Iterator[EncodedFrame]:
        nonlocal done
        for samples in ready:
            at = first + done
            done += samples.shape[1]
            yield Fraction(at, _RATE), 1, _sound(samples, at)
        ready.clear()

    if opened.audio:
        source = opened.audio[0]
        seek_sound(opened, source, span.start)
        for _ in decode_sound(opened, source, track, channel, None):
            yield from take()
    track.move(span.end)
    track.flush()
    yield from take()


def _sound(samples: Samples, at: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
    frame.sample_rate = _RATE
    frame.time_base = Fraction(1, _RATE)
    frame.pts = at
    return frame
