"""The child that decodes pictures: time, damage, shots, sampling."""

from __future__ import annotations

import errno
import resource
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.error
import cv2
import numpy as np
from av.stream import Discard
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from videlicet.media.child import shots, tone
from videlicet.media.child.channel import ChildChannel, MediaRefusal
from videlicet.media.child.container import (
    OpenContainer,
    is_hdr,
    nominal,
    open_container,
    rotation,
    square,
    undecodable,
)
from videlicet.media.child.timeline import FrameTimeline
from videlicet.media.sandbox import Limits
from videlicet.types import Span

#: Failed reads in a row after which the rest of a file is given up.
_PATIENCE = 50
#: Notes about damage sent one by one; later ones are gathered in the last.
_NOTES = 100
_DAMAGED = "the data is damaged"
_UNSPECIFIED, _BT709, _BT2020, _HLG = 2, 1, 9, 18


@dataclass(slots=True)
class DisplayedFrame:
    """A decoded frame at its place in time."""

    index: int
    time: Fraction
    frame: VideoFrame


class DamageLog:
    """Gathers failures into stretches and tells the parent about each once it is over."""

    def __init__(self, channel: ChildChannel, start: Fraction) -> None:
        self._channel = channel
        self._sound = start  # everything before is well
        self._message: str | None = None
        self._sent = 0
        self._held: Span | None = None

    def bad(self, message: str) -> None:
        self._message = self._message or message

    def good(self, start: Fraction, end: Fraction) -> None:
        """``[start, end)`` was read."""
        if self._message is not None:
            self._send(Span(min(self._sound, start), start), self._message)
            self._message = None
        self._sound = max(self._sound, end)

    def finish(self, end: Fraction | None, slack: Fraction) -> None:
        """Nothing more comes; ``end`` is where the header says the stream ends."""
        if end is not None and end > self._sound + slack:
            self._send(Span(self._sound, end), self._message or "the file ends early")
        elif self._message is not None:
            self._send(Span(self._sound, max(self._sound, end or self._sound)), self._message)
        if self._held is not None:
            self._emit(self._held, "many more places")

    def _send(self, span: Span, message: str) -> None:
        self._sent += 1
        if self._sent < _NOTES:
            self._emit(span, message)
        else:
            self._held = span if self._held is None else self._held.hull(span)

    def _emit(self, span: Span, message: str) -> None:
        self._channel.send("damage", span=span.to_json(), message=message)


def prepare(stream: Any, threads: int, limits: Limits) -> None:
    """Set a video stream up for decoding."""
    stream.thread_type = "AUTO"
    stream.thread_count = threads
    stream.codec_context.options = {"max_pixels": str(limits.pixels)}


def decode(packet: Any, damage: DamageLog | None) -> list[Any]:
    """The frames a packet completes; none where its data is damaged."""
    try:
        return list(packet.decode())
    except MemoryError:
        raise
    except av.error.FFmpegError as error:  # hostile data may end in any of ffmpeg's codes
        if error.errno == errno.ENOMEM:
            raise MemoryError from error
        if damage is not None and not isinstance(error, av.error.EOFError):
            damage.bad(_DAMAGED)
        return []


def packets(opened: OpenContainer, stream: Any, damage: DamageLog | None) -> Iterator[Any]:
    """Every packet of one stream; stretches the demuxer cannot read are stepped over."""
    for other in opened.container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    failures = 0
    while failures < _PATIENCE:
        try:
            for packet in opened.container.demux(stream):
                failures = 0
                if packet.is_corrupt and damage is not None:
                    damage.bad(_DAMAGED)
                yield packet
            return
        except MemoryError:
            raise
        except av.error.FFmpegError:
            failures += 1
            if damage is not None:
                damage.bad(_DAMAGED)


def frames(
    opened: OpenContainer,
    channel: ChildChannel,
    damage: DamageLog | None = None,
    seek: Fraction | None = None,
) -> Iterator[DisplayedFrame]:
    """Every decoded frame in order of display, placed in time.

    With ``seek`` decoding starts at the last keyframe before that instant.
    """
    stream = opened.video
    line = FrameTimeline(stream.time_base, nominal(stream), opened.end)
    if seek is not None:
        opened.container.seek(int(seek / stream.time_base), stream=stream, backward=True)
    index = 0
    for packet in packets(opened, stream, damage):
        channel.alive()
        for frame in decode(packet, damage):
            yield DisplayedFrame(index, line.place(frame.pts), frame)
            index += 1


def clip_to_span(
    displayed: Iterator[DisplayedFrame], span: Span | None
) -> Iterator[DisplayedFrame]:
    """The frames on screen during ``span``: the first may begin before it."""
    if span is None:
        yield from displayed
        return
    before: DisplayedFrame | None = None
    for item in displayed:
        if item.time >= span.end:
            break
        if item.time <= span.start:
            before = item
            continue
        if before is not None:
            yield before
            before = None
        yield item
    if before is not None:
        yield before


class Converter:
    """Decoded frames as upright RGB pictures of at most ``max_side`` pixels."""

    def __init__(self, max_side: int) -> None:
        self._max_side = max_side

    def rgb(self, frame: VideoFrame, aspect: Fraction | None) -> NDArray[np.uint8]:
        """uint8 RGB, shape (height, width, 3), standard dynamic range, square pixels."""
        width, height = square(frame.width, frame.height, aspect)
        scale = min(1.0, self._max_side / max(width, height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        if is_hdr(frame):
            wide = frame.reformat(*size, "rgb48le", src_colorspace=_BT2020, threads=1)
            codes = np.asarray(wide.to_ndarray(), np.uint16)
            picture = tone.to_standard(codes, hlg=int(frame.color_trc) == _HLG)
        else:
            colours = self._colours(frame)
            plain = frame.reformat(*size, "rgb24", src_colorspace=colours, threads=1)
            picture = np.asarray(plain.to_ndarray(), np.uint8)
        turns = rotation(frame) // 90
        return np.ascontiguousarray(np.rot90(picture, turns) if turns else picture)

    @staticmethod
    def _colours(frame: VideoFrame) -> int | None:
        """The matrix to assume where the stream names none: BT.709 from 720 lines up."""
        if int(frame.colorspace) == _UNSPECIFIED and min(frame.width, frame.height) >= 720:
            return _BT709
        return None

    @staticmethod
    def small(frame: VideoFrame) -> NDArray[np.uint8]:
        """A small BGR picture for detectors, as cheaply as it can be had."""
        scale = min(1.0, shots.SIDE / max(frame.width, frame.height))
        size = max(8, round(frame.width * scale)), max(8, round(frame.height * scale))
        reduced = frame.reformat(*size, "bgr24", interpolation="FAST_BILINEAR", threads=1)
        return np.asarray(reduced.to_ndarray())


class Sampler:
    """Decides which frames are sent. Every frame waits until it is known whether it begins a shot;
    sampling starts anew, half a step in, at each cut."""

    def __init__(
        self, channel: ChildChannel, converter: Converter, aspect: Fraction | None, step: Fraction
    ) -> None:
        self._channel = channel
        self._converter = converter
        self._aspect = aspect
        self._step = step
        self._next: Fraction | None = None
        self._taken = False
        self._before: tuple[DisplayedFrame, Fraction] | None = None

    def decide(self, displayed: DisplayedFrame, duration: Fraction, cut: bool) -> None:
        """Take the next frame in order."""
        if cut:
            self.finish()
            self._channel.send("cut", time=str(displayed.time))
            self._next = displayed.time + self._step / 2
            self._taken = False
        if self._next is None or displayed.time >= self._next:
            self._send(displayed, duration)
            self._taken = True
            # A held picture counts for all the steps it covers.
            behind = Fraction(0) if self._next is None else displayed.time - self._next
            self._next = displayed.time - behind % self._step + self._step
            self._before = None
        else:
            self._before = (displayed, duration)

    def finish(self) -> None:
        """Close a shot: if none of its frames was sent, its last is."""
        if not self._taken and self._before is not None:
            self._send(*self._before)

    def _send(self, displayed: DisplayedFrame, duration: Fraction) -> None:
        picture = self._converter.rgb(displayed.frame, self._aspect)
        self._channel.send(
            "frame",
            picture,
            time=str(displayed.time),
            duration=str(duration),
            index=displayed.index,
            height=picture.shape[0],
            width=picture.shape[1],
        )


def run_video(
    channel: ChildChannel, limits: Limits, files: Sequence[int], arguments: Mapping[str, Any]
) -> None:
    """Send ``frame``, ``cut`` and ``damage`` messages, then one ``end``."""
    cv2.setNumThreads(1)
    span = Span.from_json(arguments["within"]) if arguments["within"] else None
    with open_container(files[0], limits) as opened:
        stream = opened.video
        if stream is None:
            raise MediaRefusal("media_no_stream", "it has no pictures.")
        prepare(stream, arguments["threads"], limits)
        usual = nominal(stream)
        detector = shots.ShotDetector() if arguments["shots"] else None
        converter = Converter(arguments["max_side"])
        aspect = stream.codec_context.sample_aspect_ratio
        sampler = Sampler(channel, converter, aspect, 1 / Fraction(arguments["rate"]))
        damage = DamageLog(channel, span.start if span else opened.start)
        waiting: deque[DisplayedFrame] = deque()
        cuts: set[int] = set()
        first: Fraction | None = None
        last = opened.start
        count = 0

        def settle(keep: int, end: Fraction) -> None:
            while len(waiting) > keep:
                item = waiting.popleft()
                following = waiting[0].time if waiting else end
                sampler.decide(item, following - item.time, item.index in cuts)
                cuts.discard(item.index)

        source = frames(opened, channel, damage, span.start if span else None)
        for position, displayed in enumerate(clip_to_span(source, span)):
            displayed.index = position
            damage.good(displayed.time, displayed.time + usual)
            if detector is not None:
                cut = detector.process(position, displayed.time, converter.small(displayed.frame))
                if cut is not None:
                    cuts.add(cut)
            waiting.append(displayed)
            settle(1 + (detector.lag if detector else 0), displayed.time)
            first = displayed.time if first is None else first
            last = displayed.time
            count += 1
        if first is None:
            raise undecodable()
        declared = _declared_end(stream, opened.end)
        end = last + usual
        if span is not None:
            declared = None if declared is None else min(declared, span.end)
        if declared is not None and end < declared <= end + 2 * usual:
            end = declared
        settle(0, end)
        sampler.finish()
        damage.finish(declared, max(Fraction(1), 3 * usual))
        send_summary(channel, Span(first, end), count)


def send_summary(channel: ChildChannel, span: Span, count: int) -> None:
    """The last message: what was covered and what it cost."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 if sys.platform == "darwin" else 1024
    channel.send(
        "end",
        span=span.to_json(),
        count=count,
        cpu=used.ru_utime + used.ru_stime,
        memory=used.ru_maxrss * unit,
    )


def _declared_end(stream: Any, container_end: Fraction | None) -> Fraction | None:
    if stream.duration:
        return Fraction(((stream.start_time or 0) + stream.duration) * stream.time_base)
    # Where only the container says how long it is, that may be the sound's length.
    alone = all(s.type != "audio" for s in stream.container.streams)
    return container_end if alone else None
