"""The child that cuts a clip: decoded, trimmed to the frame and the sample, encoded anew."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.packet import Packet
from av.video.frame import VideoFrame

from videlicet.media.child.channel import ChildChannel, MediaRefusal
from videlicet.media.child.container import OpenContainer, nominal, open_container
from videlicet.media.child.picture import Converter, clip_to_span, frames, prepare
from videlicet.media.child.sound import Samples, Track, decode_sound, seek_sound
from videlicet.media.sandbox import Limits
from videlicet.types import Span

_TICKS = 90_000
_BT709 = 1
_RATE = 48_000
#: Samples in one AAC frame.
_AAC = 1024
#: Frames of sound encoded before the first that is kept: the encoder's own silence, and one for the
#: first to overlap with.
_LEAD = 2
#: Seconds decoded before the start, for files whose seeking lands late.
_RUN_UP = 2


def run_clip(
    channel: ChildChannel, limits: Limits, files: Sequence[int], arguments: Mapping[str, Any]
) -> None:
    """Write a video into the third descriptor (the first two are the same file, opened twice)."""
    span = Span.from_json(arguments["span"])
    begins = arguments["stream_at"]
    streamed = begins is not None
    clock = Fraction(begins or 0)
    # Pieces are written one by one: what counts packets begins anew in each.
    options = {"mpegts_flags": "+initial_discontinuity"} if streamed else {}
    with (
        os.fdopen(os.dup(files[2]), "w+b") as file,
        av.open(
            file,
            "w",
            format="mpegts" if streamed else "mp4",
            options={"fflags": "+bitexact", **options},
        ) as out,
        open_container(files[0], limits) as pictures,
        open_container(files[1], limits) as sounds,
    ):
        parts: list[_VideoTrack | _AudioTrack] = []
        if pictures.video is not None:
            parts.append(
                _VideoTrack(out, pictures, span, arguments["max_side"], limits, clock, streamed)
            )
        if sounds.audio:
            parts.append(_AudioTrack(out, sounds, span, clock, streamed))
        if not parts:
            raise MediaRefusal("media_no_stream", "it has neither pictures nor sound.")
        written = 0
        for _, _, packet in heapq.merge(
            *(part.packets(channel, order) for order, part in enumerate(parts)),
            key=lambda item: item[:2],
        ):
            out.mux(packet)
            written += 1
        if not written:
            raise MediaRefusal("media_corrupt", "nothing in that stretch can be decoded.")
    channel.send("written", packets=written)


TimedPacket = tuple[Fraction, int, "Packet[Any]"]


class _VideoTrack:
    """H.264 at the source's own frame times."""

    def __init__(
        self,
        out: Any,
        opened: OpenContainer,
        span: Span,
        max_side: int,
        limits: Limits,
        clock: Fraction,
        streamed: bool,
    ) -> None:
        self._opened, self._span, self._clock = opened, span, clock
        self._converter = Converter(max_side)
        self._aspect = opened.video.codec_context.sample_aspect_ratio
        prepare(opened.video, 0, limits)
        rate = round(1 / nominal(opened.video), 3)
        options = {"preset": "veryfast", "crf": "20"}
        if streamed:
            # Reordered pictures would be decoded before the joint, amid those of the piece before.
            options["bf"] = "0"
        self._stream = out.add_stream("libx264", rate=rate, options=options)
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = Fraction(1, _TICKS)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        self._size: tuple[int, int] | None = None

    def packets(self, channel: ChildChannel, order: int) -> Iterator[TimedPacket]:
        source = frames(self._opened, channel, None, max(self._span.start - _RUN_UP, Fraction(0)))
        for displayed in clip_to_span(source, self._span):
            picture = self._converter.rgb(displayed.frame, self._aspect)
            if self._size is None:
                # H.264 in 4:2:0 has even sides; a later change of size is scaled to the first.
                self._size = max(2, picture.shape[1] // 2 * 2), max(2, picture.shape[0] // 2 * 2)
                self._stream.width, self._stream.height = self._size
            frame = VideoFrame.from_ndarray(picture, "rgb24").reformat(
                *self._size, "yuv420p", dst_colorspace="ITU709"
            )
            since = max(Fraction(0), displayed.time - self._span.start)
            frame.pts = round((self._clock + since) * _TICKS)
            frame.time_base = Fraction(1, _TICKS)
            yield from _by_timestamp(self._stream.encode(frame), order)
        if self._size is not None:
            yield from _by_timestamp(self._stream.encode(None), order)


class _AudioTrack:
    """AAC stereo, trimmed to the sample; of a stream, whole frames, with those around them encoded
    too so that the first and the last are what they would be in one run."""

    def __init__(
        self, out: Any, opened: OpenContainer, span: Span, clock: Fraction, streamed: bool
    ) -> None:
        self._opened, self._span, self._clock = opened, span, clock
        self._streamed = streamed
        self._stream = out.add_stream("aac", rate=_RATE, layout="stereo")
        self._stream.bit_rate = 128_000

    def packets(self, channel: ChildChannel, order: int) -> Iterator[TimedPacket]:
        for packet in self._all(channel):
            if not self._streamed or self._inside(packet):
                yield from _by_timestamp([packet], order)

    def _inside(self, packet: Packet[Any]) -> bool:
        assert packet.pts is not None
        since = packet.pts * packet.time_base - self._clock
        return 0 <= since < self._span.duration

    def _all(self, channel: ChildChannel) -> Iterator[Packet[Any]]:
        opened, span = self._opened, self._span
        frame = Fraction(_AAC, _RATE)
        if self._streamed:
            span = Span(span.start - _LEAD * frame, span.end + frame)
        ready: list[tuple[Fraction, Samples]] = []
        track = Track(
            lambda start, samples: ready.append((start, samples)),
            _AAC,
            span,
            rate=_RATE,
            channels=2,
        )
        if self._streamed:
            track.move(span.start)
        source = opened.audio[0]
        seek_sound(opened, source, span.start)
        for _ in decode_sound(opened, source, track, channel, None):
            yield from self._encode(ready)
        if self._streamed:
            track.move(span.end)
            track.flush()
        yield from self._encode(ready)
        yield from self._stream.encode(None)

    def _encode(self, ready: list[tuple[Fraction, Samples]]) -> Iterator[Packet[Any]]:
        for start, samples in ready:
            frame = AudioFrame.from_ndarray(
                np.ascontiguousarray(samples), format="fltp", layout="stereo"
            )
            frame.sample_rate = _RATE
            frame.time_base = Fraction(1, _RATE)
            frame.pts = round((self._clock + start - self._span.start) * _RATE)
            yield from self._stream.encode(frame)
        ready.clear()


def _by_timestamp(packets: list[Packet[Any]], order: int) -> Iterator[TimedPacket]:
    for packet in packets:
        yield (packet.dts or 0) * packet.time_base, order, packet
