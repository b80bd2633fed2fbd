"""The child that decodes sound onto the container's timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from videlicet.media.child.channel import Channel, Refusal
from videlicet.media.child.container import open_container
from videlicet.media.child.picture import DamageLog, packets, send_end
from videlicet.media.records import SAMPLE_RATE
from videlicet.media.sandbox import Limits
from videlicet.types import Span

#: Timestamps may be off the running count of samples by this much without meaning anything.
_JITTER = Fraction(1, 10)
_SPLICE = Fraction(1)


class Track:
    """Samples laid end to end from ``start``: gaps are silent, overlaps dropped, bounded memory.

    Nothing outside ``bounds`` is kept.
    """

    def __init__(self, channel: Channel, chunk: int, bounds: Span | None) -> None:
        self._channel = channel
        self._chunk = chunk
        self._bounds = bounds
        self._buffer = np.empty(chunk, np.float32)
        self._held = 0
        self._sent = 0
        self._drop = 0
        self.start: Fraction | None = None

    @property
    def count(self) -> int:
        return self._sent + self._held

    @property
    def end(self) -> Fraction:
        return (self.start or Fraction(0)) + Fraction(self.count, SAMPLE_RATE)

    def move(self, time: Fraction) -> None:
        """The samples that follow begin at ``time``."""
        if self.start is None:
            self.start = max(time, self._bounds.start) if self._bounds else time
        place = round((time - self.start) * SAMPLE_RATE)
        if self._bounds:
            place = min(place, round((self._bounds.end - self.start) * SAMPLE_RATE))
        while self.count < place:
            self._append(np.zeros(min(place - self.count, self._chunk), np.float32))
        self._drop = max(0, self.count - place)

    def add(self, samples: NDArray[np.float32]) -> None:
        dropped = min(self._drop, len(samples))
        self._drop -= dropped
        samples = samples[dropped:]
        if self._bounds and self.start is not None:
            room = round((self._bounds.end - self.start) * SAMPLE_RATE) - self.count
            samples = samples[: max(0, room)]
        self._append(samples)

    @property
    def full(self) -> bool:
        return self._bounds is not None and self.start is not None and self.end >= self._bounds.end

    def _append(self, samples: NDArray[np.float32]) -> None:
        while len(samples):
            taken = min(len(samples), self._chunk - self._held)
            self._buffer[self._held : self._held + taken] = samples[:taken]
            self._held += taken
            samples = samples[taken:]
            if self._held == self._chunk:
                self.flush()

    def flush(self) -> None:
        if self._held:
            start = (self.start or Fraction(0)) + Fraction(self._sent, SAMPLE_RATE)
            body = self._buffer[: self._held].astype("<f4")
            self._channel.send("sound", body, start=str(start))
            self._sent += self._held
            self._held = 0


class Runs:
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
        if self._expected is None or abs(time - self._expected) > _JITTER:
            self._begin(time, shape)
        elif shape != self._shape:
            time = self._expected
            self._begin(time, shape)
        else:
            time = self._expected
        self._expected = time + length
        assert self._resampler is not None
        frame.pts = None  # the count of samples is what keeps time inside a run
        for out in self._resampler.resample(frame):
            self._track.add(out.to_ndarray().reshape(-1))
        return time, self._expected

    def finish(self) -> None:
        if self._resampler is not None:
            for out in self._resampler.resample(None):
                self._track.add(out.to_ndarray().reshape(-1))
            self._resampler = None

    def _begin(self, time: Fraction, shape: tuple[Any, ...]) -> None:
        self.finish()
        self._track.move(time)
        self._resampler = AudioResampler("flt", "mono", SAMPLE_RATE)
        self._shape = shape

    def _place(self, frame: AudioFrame) -> Fraction:
        expected = self._expected
        if frame.pts is None or frame.time_base is None:
            return expected if expected is not None else Fraction(0)
        time = frame.pts * frame.time_base + self._shift
        if expected is not None:
            far = self._latest is not None and time > max(self._latest, expected) + 10 * _SPLICE
            if far or time < expected - _SPLICE:  # another timeline, spliced on
                self._shift += expected - time
                return expected
        return time


def run_audio(
    channel: Channel, limits: Limits, files: Sequence[int], arguments: Mapping[str, Any]
) -> None:
    """Send ``sound`` and ``damage`` messages, then one ``end``."""
    bounds = arguments["within"] and Span.from_json(arguments["within"])
    with open_container(files[0], limits) as opened:
        wanted = arguments["track"]
        chosen = [s for s in opened.audio if wanted is None or s.index == wanted]
        if not chosen:
            raise Refusal("media_no_stream", "it has no such sound that can be decoded.")
        stream = chosen[0]
        stream.thread_count = 1
        if bounds:
            before = max(bounds.start - 1, Fraction(0))
            opened.container.seek(int(before / stream.time_base), stream=stream, backward=True)
        damage = DamageLog(channel, bounds.start if bounds else opened.start)
        track = Track(channel, arguments["chunk"], bounds)
        runs = Runs(track, opened.end)
        heard = False
        for packet in packets(opened, stream, damage):
            channel.alive()
            try:
                decoded = packet.decode()
            except av.error.InvalidDataError as error:
                damage.bad(str(error.strerror or "damaged data").lower())
                continue
            for frame in decoded:
                heard = True
                damage.good(*runs.add(frame))
            if track.full:
                break
        runs.finish()
        track.flush()
        if not heard:
            raise Refusal("media_corrupt", "not one sound in it can be decoded.")
        declared = None
        if stream.duration and not bounds:
            declared = ((stream.start_time or 0) + stream.duration) * stream.time_base
        damage.finish(declared, Fraction(1))
        start = track.start or Fraction(0)
        send_end(channel, Span(start, max(start, track.end)), track.count)
