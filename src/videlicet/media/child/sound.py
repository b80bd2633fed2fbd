"""The child that decodes sound onto the container's timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from videlicet.media.child.channel import ChildChannel, MediaRefusal
from videlicet.media.child.container import OpenContainer, open_container
from videlicet.media.child.picture import DamageLog, decode, packets, send_summary
from videlicet.media.records import SAMPLE_RATE
from videlicet.media.sandbox import Limits
from videlicet.types import Span

#: Timestamps may be off the running count of samples by this much without meaning anything.
_JITTER = Fraction(1, 10)
_SPLICE = Fraction(1)

Samples = NDArray[np.float32]


class Track:
    """Samples laid end to end from :attr:`start`: gaps are silent, overlaps dropped.

    ``emit`` gets pieces of ``piece`` samples, shape (channels, piece), each with the instant of its
    first (the last piece may be shorter), so memory is bounded. Nothing outside ``bounds`` is kept.
    """

    def __init__(
        self,
        emit: Callable[[Fraction, Samples], None],
        piece: int,
        bounds: Span | None = None,
        *,
        rate: int = SAMPLE_RATE,
        channels: int = 1,
    ) -> None:
        self._emit = emit
        self._bounds = bounds
        self._buffer = np.empty((channels, piece), np.float32)
        self._held = 0
        self._sent = 0
        self._drop = 0
        self.rate = rate
        self.channels = channels
        self.start: Fraction | None = None

    @property
    def count(self) -> int:
        """Samples so far."""
        return self._sent + self._held

    @property
    def end(self) -> Fraction:
        return (self.start or Fraction(0)) + Fraction(self.count, self.rate)

    @property
    def full(self) -> bool:
        """Whether the bounds are reached."""
        return self._bounds is not None and self.start is not None and self.end >= self._bounds.end

    def move(self, time: Fraction) -> None:
        """The samples that follow begin at ``time``."""
        if self.start is None:
            self.start = max(time, self._bounds.start) if self._bounds else time
        place = self._room(round((time - self.start) * self.rate))
        piece = self._buffer.shape[1]
        while self.count < place:
            self._append(np.zeros((self.channels, min(place - self.count, piece)), np.float32))
        self._drop = max(0, self.count - place)

    def add(self, samples: Samples) -> None:
        """The next samples, shape (channels, n)."""
        dropped = min(self._drop, samples.shape[1])
        self._drop -= dropped
        kept = samples[:, dropped:]
        self._append(kept[:, : max(0, self._room(self.count + kept.shape[1]) - self.count)])

    def flush(self) -> None:
        """Hand out what is held."""
        if self._held:
            start = (self.start or Fraction(0)) + Fraction(self._sent, self.rate)
            self._emit(start, self._buffer[:, : self._held].copy())
            self._sent += self._held
            self._held = 0

    def _room(self, count: int) -> int:
        if self._bounds is None or self.start is None:
            return count
        return min(count, max(0, round((self._bounds.end - self.start) * self.rate)))

    def _append(self, samples: Samples) -> None:
        piece = self._buffer.shape[1]
        while samples.shape[1]:
            taken = min(samples.shape[1], piece - self._held)
            self._buffer[:, self._held : self._held + taken] = samples[:, :taken]
            self._held += taken
            samples = samples[:, taken:]
            if self._held == piece:
                self.flush()


class SampleRuns:
    """Feeds decoded frames to a resampler, run by run: a run ends where the timestamps jump or
    the format changes."""

    def __init__(self, track: Track, latest: Fraction | None) -> None:
        self._track = track
        self._latest = latest
        self._resampler: AudioResampler | None = None
        self._shape: tuple[Any, ...] = ()
        self._expected: Fraction | None = None
        self._shift = Fraction(0)

    def add(self, frame: AudioFrame) -> tuple[Fraction, Fraction]:
        """Take the next frame; the stretch of time it covers."""
        length = Fraction(frame.samples, frame.sample_rate)
        time = self._place(frame)
        shape = (frame.sample_rate, frame.layout.name, frame.format.name)
        if self._expected is not None and abs(time - self._expected) <= _JITTER:
            time = self._expected
            if shape != self._shape:
                self._begin(time, shape)
        else:
            self._begin(time, shape)
        self._expected = time + length
        frame.pts = None  # the count of samples is what keeps time inside a run
        self._resample(frame)
        return time, self._expected

    def finish(self) -> None:
        """End the run: what the resampler still holds comes out."""
        if self._resampler is not None:
            self._resample(None)
            self._resampler = None

    def _begin(self, time: Fraction, shape: tuple[Any, ...]) -> None:
        self.finish()
        self._track.move(time)
        layout = "mono" if self._track.channels == 1 else "stereo"
        self._resampler = AudioResampler("fltp", layout, self._track.rate)
        self._shape = shape

    def _resample(self, frame: AudioFrame | None) -> None:
        assert self._resampler is not None
        for out in self._resampler.resample(frame):
            self._track.add(np.asarray(out.to_ndarray(), np.float32))

    def _place(self, frame: AudioFrame) -> Fraction:
        expected = self._expected
        if frame.pts is None or frame.time_base is None:
            return expected if expected is not None else Fraction(0)
        time = Fraction(frame.pts * frame.time_base) + self._shift
        if expected is not None:
            far = self._latest is not None and time > max(self._latest, expected) + 10 * _SPLICE
            if far or time < expected - _SPLICE:  # another timeline, spliced on
                self._shift += expected - time
                return expected
        return time


def decode_sound(
    opened: OpenContainer,
    stream: Any,
    track: Track,
    channel: ChildChannel,
    damage: DamageLog | None,
) -> Iterator[None]:
    """Decode one stream onto ``track``, pausing after each packet."""
    stream.thread_count = 1
    runs = SampleRuns(track, opened.end)
    for packet in packets(opened, stream, damage):
        channel.alive()
        for frame in decode(packet, damage):
            stretch = runs.add(frame)
            if damage is not None:
                damage.good(*stretch)
        if track.full:
            break
        yield
    runs.finish()
    track.flush()


def seek_sound(opened: OpenContainer, stream: Any, time: Fraction) -> None:
    """Go to where decoding has settled by ``time``."""
    before = max(time - 1, opened.start)
    opened.container.seek(int(before / stream.time_base), stream=stream, backward=True)


def run_audio(
    channel: ChildChannel, limits: Limits, files: Sequence[int], arguments: Mapping[str, Any]
) -> None:
    """Send ``sound`` and ``damage`` messages, then one ``end``."""
    bounds = Span.from_json(arguments["within"]) if arguments["within"] else None
    with open_container(files[0], limits) as opened:
        wanted = arguments["track"]
        chosen = [s for s in opened.audio if wanted is None or s.index == wanted]
        if not chosen:
            raise MediaRefusal("media_no_stream", "it has no such sound that can be decoded.")
        stream = chosen[0]
        if bounds:
            seek_sound(opened, stream, bounds.start)
        damage = DamageLog(channel, bounds.start if bounds else opened.start)

        def emit(start: Fraction, samples: Samples) -> None:
            channel.send("sound", samples.astype("<f4").reshape(-1), start=str(start))

        track = Track(emit, arguments["chunk"], bounds)
        for _ in decode_sound(opened, stream, track, channel, damage):
            pass
        if track.start is None:
            raise MediaRefusal("media_corrupt", "not one sound in it can be decoded.")
        declared = None
        if stream.duration and not bounds:
            declared = ((stream.start_time or 0) + stream.duration) * stream.time_base
        damage.finish(declared, Fraction(1))
        send_summary(channel, Span(track.start, track.end), track.count)
