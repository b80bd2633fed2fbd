"""Times in a video as they are written in data."""

from __future__ import annotations

from videlicet.types import Instant


def written(moment: Instant, form: str) -> float | str:
    """A time as ``seconds`` (a float), ``hh:mm:ss`` (to the nearest second, halves up) or
    ``hh:mm:ss.fff`` (to the nearest millisecond)."""
    moment = max(moment, Instant(0))
    if form == "seconds":
        return round(float(moment), 3)
    scale = 1_000 if form.endswith("fff") else 1
    parts = int(moment * scale + Instant(1, 2))
    seconds, thousandths = divmod(parts, scale)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours:02d}:{minutes:02d}:{seconds:02d}"
    return f"{text}.{thousandths:03d}" if scale > 1 else text
