"""Where one shot ends and the next begins, told while decoding goes on."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scenedetect.common import FrameTimecode
from scenedetect.detectors import AdaptiveDetector, ThresholdDetector

#: The longer side of the pictures that detectors look at.
SIDE = 160
#: Shorter shots are not told apart; two cuts this close are a flash.
_SHORTEST = Fraction(3, 5)
_WINDOW = 2


class ShotDetector:
    """PySceneDetect's adaptive detector (cuts) and threshold detector (fades through black), fed
    frame by frame.

    A cut is known :attr:`lag` frames after it happened.
    """

    lag = _WINDOW

    def __init__(self, rate: Fraction) -> None:
        self._rate = max(rate, Fraction(1))
        shortest = max(1, round(_SHORTEST * self._rate))
        self._shortest = shortest
        self._cuts = AdaptiveDetector(window_width=_WINDOW, min_scene_len=shortest)
        self._fades = ThresholdDetector(min_scene_len=shortest, fade_bias=1.0)
        self._last = 0

    def process(self, index: int, picture: NDArray[np.uint8]) -> int | None:
        """Look at frame ``index``, uint8 BGR; the index of a frame that begins a shot, if any."""
        code = FrameTimecode(index, fps=self._rate)
        found = [
            *self._cuts.process_frame(code, picture),
            *self._fades.process_frame(code, picture),
        ]
        for cut in sorted(c.frame_num for c in found):
            if cut - self._last >= self._shortest and cut > 0:
                self._last = cut
                return int(cut)
        return None
