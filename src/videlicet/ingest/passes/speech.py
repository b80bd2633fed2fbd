"""Cutting a stream of sound into what the speech and sound models take.

Speech is looked for in long overlapping looks, and packed into chunks of at most 30 s, the length
the recogniser reads at once. Inside a chunk what is not speech is silenced, so that music between
two sentences cannot become invented words while every word keeps its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from videlicet.models.base import SOUND_RATE

if TYPE_CHECKING:
    from videlicet.models.base import Floats

#: Longest chunk the recogniser reads, in samples.
LONGEST = 30 * SOUND_RATE
#: Sentences further apart than this go to separate chunks. Every chunk costs a reading of 30 s,
#: however short; bare faster-whisper drops pauses and packs tighter still, but loses the time.
LONGEST_GAP = 12 * SOUND_RATE
#: How much sound the voice detector sees at once.
LOOK = 120 * SOUND_RATE
#: Sound kept ahead of an unfinished chunk when looking again, for the detector to settle.
LEAD_IN = SOUND_RATE // 2

#: Finds speech in a stretch of sound: (start, end) in seconds from its start.
Detector = Callable[["Floats"], Sequence[tuple[float, float]]]


@dataclass(frozen=True, slots=True, eq=False)
class SpeechChunk:
    """Up to 30 s of sound with speech in it; ``start`` counts samples from the stream's first."""

    start: int
    samples: Floats


class SpeechCutter:
    """Feed sound in order, then :meth:`flush`; both yield chunks as soon as they are certain."""

    def __init__(self, detect: Detector) -> None:
        self._detect = detect
        self._start = 0
        self._parts: list[Floats] = []
        self._held = 0

    def feed(self, samples: Floats) -> Iterator[SpeechChunk]:
        self._parts.append(samples)
        self._held += len(samples)
        while self._held >= LOOK:
            yield from self._look(last=False)

    def flush(self) -> Iterator[SpeechChunk]:
        while self._held:
            yield from self._look(last=True)

    def _look(self, *, last: bool) -> Iterator[SpeechChunk]:
        sound = np.concatenate(self._parts) if len(self._parts) > 1 else self._parts[0]
        last = last and len(sound) <= LOOK
        view = sound[:LOOK]
        spans = [
            (max(0, round(start * SOUND_RATE)), min(len(view), round(end * SOUND_RATE)))
            for start, end in self._detect(view)
        ]
        chunks = pack(split(view, spans))
        done = len(view)
        if not last:
            # The end of the look may cut a sentence: what could still grow is looked at again.
            done -= LEAD_IN
            if chunks and chunks[-1][-1][1] > len(view) - LONGEST_GAP:
                begins = chunks.pop()[0][0]
                done = max(chunks[-1][-1][1] if chunks else 0, begins - LEAD_IN)
            elif chunks:
                done = max(done, chunks[-1][-1][1])
        for chunk in chunks:
            yield SpeechChunk(self._start + chunk[0][0], _silenced(view, chunk))
        rest = sound[done:].copy()
        self._start += done
        self._held = len(rest)
        self._parts = [rest]


def pack(spans: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Spans of speech (samples, in order, none over 30 s) grouped into chunks of at most 30 s,
    broken where nobody speaks for long."""
    chunks: list[list[tuple[int, int]]] = []
    for start, end in spans:
        if (
            chunks
            and end - chunks[-1][0][0] <= LONGEST
            and start - chunks[-1][-1][1] <= LONGEST_GAP
        ):
            chunks[-1].append((start, end))
        else:
            chunks.append([(start, end)])
    return chunks


def split(sound: Floats, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans with those over 30 s cut at their quietest moments."""
    parts: list[tuple[int, int]] = []
    for start, end in spans:
        while end - start > LONGEST:
            cut = start + _quietest(sound[start : start + LONGEST])
            parts.append((start, cut))
            start = cut
        if end > start:
            parts.append((start, end))
    return parts


def _quietest(sound: Floats) -> int:
    """The middle of the quietest 20 ms in the last third."""
    step = SOUND_RATE // 50
    first = len(sound) * 2 // 3 // step
    count = len(sound) // step
    frames = sound[first * step : count * step].reshape(-1, step)
    return (first + int(np.argmin(np.square(frames).sum(axis=1)))) * step + step // 2


def _silenced(sound: Floats, chunk: Sequence[tuple[int, int]]) -> Floats:
    start, end = chunk[0][0], chunk[-1][1]
    out = np.zeros(end - start, dtype=np.float32)
    for first, last in chunk:
        out[first - start : last - start] = sound[first:last]
    return out


class SoundCutter:
    """Sound in stretches of equal length, the last one shorter."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._start = 0
        self._parts: list[Floats] = []
        self._held = 0

    def feed(self, samples: Floats) -> Iterator[SpeechChunk]:
        self._parts.append(samples)
        self._held += len(samples)
        while self._held >= self._length:
            yield self._take(self._length)

    def flush(self) -> Iterator[SpeechChunk]:
        if self._held:
            yield self._take(self._held)

    def _take(self, length: int) -> SpeechChunk:
        sound = np.concatenate(self._parts) if len(self._parts) > 1 else self._parts[0]
        chunk = SpeechChunk(self._start, sound[:length].copy())
        self._start += length
        self._parts = [sound[length:].copy()]
        self._held -= length
        return chunk
