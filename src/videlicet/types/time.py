"""Exact time on a container's own timeline.

Instants are :class:`fractions.Fraction` seconds: presentation timestamps times the stream's time
base, so variable frame rates and odd bases stay exact. Floats appear only at the edges.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

Instant = Fraction

#: Resolution of instants that come from floats (queries, models): one microsecond.
TICK = 1_000_000


def instant(seconds: float | int | str | Fraction) -> Instant:
    """Seconds as an exact instant; floats are rounded to one microsecond."""
    if isinstance(seconds, float):
        return Fraction(round(seconds * TICK), TICK)
    return Fraction(seconds)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open stretch of time ``[start, end)`` in seconds; an instant has ``start == end``."""

    start: Instant
    end: Instant

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"span ends before it starts: {self.start} > {self.end}")

    @classmethod
    def of(cls, start: float | str | Fraction, end: float | str | Fraction) -> Span:
        """A span from anything :func:`instant` takes."""
        return cls(instant(start), instant(end))

    @property
    def duration(self) -> Fraction:
        return self.end - self.start

    @property
    def midpoint(self) -> Instant:
        return (self.start + self.end) / 2

    def contains(self, moment: Instant) -> bool:
        return self.start <= moment < self.end

    def overlap(self, other: Span) -> Fraction:
        """Length of the common part, 0 where there is none."""
        return max(Fraction(0), min(self.end, other.end) - max(self.start, other.start))

    def intersect(self, other: Span) -> Span | None:
        """The common part, or ``None`` where the spans share no time."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Span(start, end) if start < end else None

    def hull(self, other: Span) -> Span:
        """The shortest span that covers both."""
        return Span(min(self.start, other.start), max(self.end, other.end))

    def iou(self, other: Span) -> Fraction:
        """Temporal intersection over union, 0 to 1."""
        overlap = self.overlap(other)
        union = self.duration + other.duration - overlap
        return overlap / union if union else Fraction(int(self == other))

    def shift(self, by: Fraction) -> Span:
        return Span(self.start + by, self.end + by)

    def clamp(self, bounds: Span) -> Span:
        """This span moved inside ``bounds``; an outside span becomes the nearest instant."""
        start = min(max(self.start, bounds.start), bounds.end)
        return Span(start, max(start, min(self.end, bounds.end)))

    def to_json(self) -> list[str]:
        return [str(self.start), str(self.end)]

    @classmethod
    def from_json(cls, pair: Iterable[str]) -> Span:
        start, end = pair
        return cls(Fraction(start), Fraction(end))


def merge(spans: Iterable[Span], gap: Fraction = Fraction(0)) -> list[Span]:
    """The spans in order, with those that overlap or lie within ``gap`` seconds joined."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start - merged[-1].end <= gap:
            merged[-1] = merged[-1].hull(span)
        else:
            merged.append(span)
    return merged


def windows(span: Span, shortest: Fraction, longest: Fraction) -> list[Span]:
    """``span`` cut into equal windows of at most ``longest`` seconds, none under ``shortest``
    unless ``span`` itself is shorter."""
    if longest <= 0 or shortest > longest:
        raise ValueError("windows need 0 < longest and shortest <= longest")
    if not span.duration:
        return [span]
    count = max(1, -(-span.duration // longest))
    if span.duration / count < shortest:
        count = max(1, span.duration // shortest)
    step = span.duration / count
    return [Span(span.start + step * i, span.start + step * (i + 1)) for i in range(int(count))]
