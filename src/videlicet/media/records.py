"""What decoding is asked for, and the events it answers with."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from videlicet.types import Instant, Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Samples per second of every sound handed out by this room.
SAMPLE_RATE = 16_000


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """How to decode pictures.

    ``rate`` is sampled frames per second, ``max_side`` the longer side of a sampled frame in
    pixels (smaller pictures are not enlarged). ``threads`` 0 lets the decoder choose. ``within``
    decodes only that stretch of the container's timeline.
    """

    rate: float = 2.0
    max_side: int = 1280
    shots: bool = True
    threads: int = 0
    within: Span | None = None


@dataclass(frozen=True, slots=True)
class AudioRequest:
    """How to decode sound. ``track`` is a stream index; ``None`` takes the default track, else the
    first. ``chunk`` is the length of one :class:`AudioChunk` in seconds."""

    track: int | None = None
    chunk: float = 30.0
    within: Span | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DecodedFrame:
    """A sampled picture, shown from ``time`` for ``duration`` seconds (long where a variable frame
    rate holds a picture). ``image`` is uint8 RGB, shape (height, width, 3), upright, SDR.
    ``index`` counts all decoded frames, sampled or not."""

    time: Instant
    duration: Fraction
    index: int
    image: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ShotCut:
    """A new shot begins with the frame at ``time``; comes before any frame of that shot."""

    time: Instant


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """A stretch of sound: float32 mono samples at :data:`SAMPLE_RATE`, the first at ``start``.

    Chunks follow each other without a gap; silence fills what the container lacks.
    """

    start: Instant
    samples: NDArray[np.float32]

    @property
    def end(self) -> Instant:
        return self.start + Fraction(len(self.samples), SAMPLE_RATE)


@dataclass(frozen=True, slots=True)
class Damage:
    """A stretch that could not be read; decoding went on behind it."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class DecodeEnd:
    """The last event. ``span`` is the time covered by pictures (or sound), ``count`` how many
    frames (or samples at :data:`SAMPLE_RATE`) were decoded, ``cpu`` the child's processor seconds,
    ``memory`` its largest resident size in bytes."""

    span: Span
    count: int
    cpu: float
    memory: int


VideoEvent = ShotCut | DecodedFrame | Damage | DecodeEnd
AudioEvent = AudioChunk | Damage | DecodeEnd
