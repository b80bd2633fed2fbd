"""Presentation timestamps made into instants that always move forward."""

from __future__ import annotations

from fractions import Fraction

#: A step back by more than this is a new timeline spliced on, not jitter.
_SPLICE = Fraction(1)


class FrameTimeline:
    """Places frames on one timeline, exactly where their timestamps are sound.

    ``base`` is the stream's time base, ``nominal`` the usual length of a frame, and ``latest`` the
    end the container declares: a timestamp far beyond it is not believed. Missing timestamps
    continue from the frame before. After a splice the rest is shifted to follow on.
    """

    def __init__(self, base: Fraction, nominal: Fraction, latest: Fraction | None = None) -> None:
        self.base = base
        self.nominal = nominal
        self.splices = 0
        self._latest = latest
        self._last: Fraction | None = None
        self._shift = Fraction(0)

    def place(self, pts: int | None) -> Fraction:
        """The instant of the next frame in display order, later than every one before."""
        last = self._last
        if pts is None:
            time = Fraction(0) if last is None else last + self.nominal
        else:
            time = pts * self.base + self._shift
            if last is not None and self._unbelievable(time, last):
                self._shift += last + self.nominal - time
                self.splices += 1
                time = last + self.nominal
            elif last is not None and time <= last:
                time = last + self.base
        self._last = time
        return time

    def _unbelievable(self, time: Fraction, last: Fraction) -> bool:
        if time < last - _SPLICE:
            return True
        return self._latest is not None and time > max(self._latest, last) + 10 * _SPLICE
