"""Where somebody speaks: Silero's voice activity detector.

Without it a recogniser turns music and noise into invented words, so it always runs first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from videlicet.models.base import SOUND_RATE
from videlicet.models.runtime import Graph

if TYPE_CHECKING:
    from videlicet.models.base import Floats

#: Samples judged at once, and samples before them that the network sees too.
FRAME, CONTEXT = 512, 64
#: Frames per call: about two minutes.
_CALL = 4096
#: Speech begins above the first probability and goes on down to the second.
BEGINS, GOES_ON = 0.5, 0.35
#: Silence shorter than this (in frames: 2 s) is a pause inside speech.
PAUSE = 2 * SOUND_RATE // FRAME
#: Sound kept before and after, in samples (0.4 s), so that no consonant is cut off.
MARGIN = SOUND_RATE * 4 // 10


class VoiceDetector:
    def __init__(self, path: Path) -> None:
        self._graph = Graph(path)

    def probabilities(self, sound: Floats) -> Floats:
        """How likely each 32 ms frame holds speech, shape (frames,)."""
        count = -(-len(sound) // FRAME)
        if not count:
            return np.zeros(0, np.float32)
        padded = np.zeros(CONTEXT + count * FRAME, np.float32)
        padded[CONTEXT : CONTEXT + len(sound)] = sound
        frames = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + FRAME)[::FRAME]
        h = c = np.zeros((1, 1, 128), np.float32)
        found = []
        for first in range(0, count, _CALL):
            batch = np.ascontiguousarray(frames[first : first + _CALL])
            chances, h, c = self._graph.run({"input": batch, "h": h, "c": c})
            found.append(np.asarray(chances, np.float32).reshape(-1))
        return np.concatenate(found)

    def spans(self, sound: Floats) -> list[tuple[float, float]]:
        """Stretches of speech in seconds, in order, not overlapping."""
        stretches = list(_stretches(self.probabilities(sound)))
        spans = []
        for number, (start, end) in enumerate(stretches):
            begins, ends = start * FRAME, min(end * FRAME, len(sound))
            before = stretches[number - 1][1] * FRAME if number else -MARGIN * 2
            after = len(sound) + MARGIN * 2
            if number + 1 < len(stretches):
                after = stretches[number + 1][0] * FRAME
            begins = max(0, begins - min(MARGIN, (begins - before) // 2))
            ends = min(len(sound), ends + min(MARGIN, (after - ends) // 2))
            spans.append((begins / SOUND_RATE, ends / SOUND_RATE))
        return spans


def _stretches(chances: Floats) -> Iterator[tuple[int, int]]:
    """Runs of frames with speech, with pauses inside them."""
    start = end = -1
    for number, chance in enumerate(chances.tolist()):
        if chance >= BEGINS:
            if start < 0:
                start = number
            end = -1
        elif chance < GOES_ON and start >= 0:
            if end < 0:
                end = number
            if number - end >= PAUSE:
                yield start, end
                start = end = -1
    if start >= 0:
        # As long as it has not been silent for a pause, the speaker may go on.
        yield start, len(chances)
