"""Shot boundaries, detected while decoding."""

from __future__ import annotations

from collections import deque
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scenedetect.common import FrameTimecode
from scenedetect.detectors import AdaptiveDetector, ThresholdDetector

#: The longer side of the pictures that detectors look at.
SIDE = 160
#: Shorter shots are merged; two cuts this close are a flash.
_SHORTEST = Fraction(3, 5)
_WINDOW = 2


class ShotDetector:
    """PySceneDetect's adaptive detector (cuts) and threshold detector (fades through black), fed
    frame by frame.

    A cut is known :attr:`lag` frames after it happened. How long a shot must last is judged on the
    frames' own times, not their number.
    """

    lag = _WINDOW

    def __init__(self) -> None:
        self._cuts = AdaptiveDetector(window_width=_WINDOW, min_scene_len=1)
        self._fades = ThresholdDetector(min_scene_len=1, fade_bias=1.0)
        self._times: deque[Fraction] = deque(maxlen=_WINDOW + 1)
        self._last: Fraction | None = None

    def process(self, index: int, time: Fraction, picture: NDArray[np.uint8]) -> int | None:
        """Look at frame ``index``, uint8 BGR; the index of a frame that begins a shot, if any."""
        self._times.append(time)
        self._last = time if self._last is None else self._last
        code = FrameTimecode(index, fps=25.0)  # only the number is used
        found = [
            *self._cuts.process_frame(code, picture),
            *self._fades.process_frame(code, picture),
        ]
        for cut in sorted(c.frame_num for c in found):
            begins = self._times[cut - index - 1]
            if begins - self._last >= _SHORTEST:
                self._last = begins
                return int(cut)
        return None
