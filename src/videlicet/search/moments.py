"""From scattered evidence to moments with sensible bounds.

Evidence first lands on *units*: the shot it lies in, or, inside a long unbroken shot, the sentence
or segment itself. Moments then grow from the strongest unit over neighbours that are nearly as
strong, a one-dimensional watershed as in Diwan et al., *Zero-shot Video Moment Retrieval with
Off-the-Shelf Models* (2023).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from videlicet.search.fusion import fuse
from videlicet.search.lanes import Candidate
from videlicet.types import Span

#: Shots up to this long are returned whole; people look for a take, not a slice of it.
WHOLE_SHOT = Fraction(20)
#: Inside longer shots nothing shorter than this is returned.
SHORTEST = Fraction(4)
#: Units closer than this are neighbours.
GAP = Fraction(1, 2)
#: A neighbour joins a moment when it scores at least this share of the moment's peak.
GROW = 0.8
#: No moment grows beyond this.
LONGEST = Fraction(60)


@dataclass(frozen=True, slots=True)
class Moment:
    """A stretch of one asset with the best candidate of each (part, lane) inside it."""

    asset_id: str
    span: Span
    score: float
    candidates: tuple[Candidate, ...]


def best_by_lane(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The strongest candidate of each part and lane, strongest first."""
    best: dict[tuple[int, str], Candidate] = {}
    for candidate in candidates:
        key = (candidate.part, candidate.lane.name)
        if key not in best or candidate.evidence > best[key].evidence:
            best[key] = candidate
    return tuple(sorted(best.values(), key=lambda c: (-c.evidence, c.part, c.lane.name)))


def score_of(candidates: Sequence[Candidate], weights: Sequence[float]) -> float:
    """Fused score of candidates that belong together; the best of each lane counts once."""
    evidence: dict[int, list[float]] = {}
    for candidate in best_by_lane(candidates):
        evidence.setdefault(candidate.part, []).append(candidate.evidence)
    return fuse(evidence, weights)


@dataclass(slots=True)
class _Unit:
    span: Span
    candidates: list[Candidate]
    score: float = 0.0
    taken: bool = False


def find_moments(
    candidates: Sequence[Candidate],
    shots: Sequence[Span],
    weights: Sequence[float],
    accept: Callable[[Sequence[Candidate]], bool] = bool,
) -> list[Moment]:
    """The moments of one asset, best first.

    ``candidates`` all belong to the asset, ``shots`` are its shots in order (may be empty, as for a
    sound recording). Units whose candidates ``accept`` refuses take no part.
    """
    units = [u for u in _units(candidates, shots) if accept(u.candidates)]
    for unit in units:
        unit.score = score_of(unit.candidates, weights)
    order = sorted(range(len(units)), key=lambda i: (-units[i].score, units[i].span))
    moments = []
    for peak in order:
        if units[peak].taken or units[peak].score <= 0:
            continue
        members = _grow(units, peak)
        inside = [c for i in members for c in units[i].candidates]
        span = units[members[0]].span
        for i in members[1:]:
            span = span.hull(units[i].span)
        best = best_by_lane(inside)
        moments.append(Moment(best[0].asset_id, span, score_of(best, weights), best))
    return sorted(moments, key=lambda m: (-m.score, m.span))


def _units(candidates: Sequence[Candidate], shots: Sequence[Span]) -> list[_Unit]:
    starts = [shot.start for shot in shots]
    units: dict[Span, _Unit] = {}
    for candidate in candidates:
        span = _unit_span(candidate.span, shots, starts)
        units.setdefault(span, _Unit(span, [])).candidates.append(candidate)
    return _join_overlapping(sorted(units.values(), key=lambda u: u.span))


def _unit_span(span: Span, shots: Sequence[Span], starts: Sequence[Fraction]) -> Span:
    best = _shot_of(span, shots, starts)
    if best is None:
        return span
    if best.duration <= WHOLE_SHOT:
        return best
    spare = max(Fraction(0), SHORTEST - span.duration) / 2
    return Span(span.start - spare, span.end + spare).clamp(best)


def _shot_of(span: Span, shots: Sequence[Span], starts: Sequence[Fraction]) -> Span | None:
    """The shot that shares most with a span."""
    first = bisect_right(starts, span.start) - 1
    if first >= 0 and shots[first].end >= span.end:
        return shots[first]
    best: Span | None = None
    overlap = Fraction(0)
    for shot in shots[max(0, first) :]:
        if shot.start > span.end or (shot.start == span.end and best is not None):
            break
        shared = shot.overlap(span)
        if best is None or shared > overlap:
            best, overlap = shot, shared
    return best


def _join_overlapping(units: list[_Unit]) -> list[_Unit]:
    """Inside long shots sentences, captions and segments overlap: those that share at least half
    of the shorter one are one unit."""
    joined: list[_Unit] = []
    for unit in units:
        last = joined[-1] if joined else None
        if last is not None and _mostly_shared(last.span, unit.span):
            last.span = last.span.hull(unit.span)
            last.candidates.extend(unit.candidates)
        else:
            joined.append(unit)
    return joined


def _mostly_shared(a: Span, b: Span) -> bool:
    shorter = min(a.duration, b.duration)
    return a.overlap(b) * 2 >= shorter and a.hull(b).duration <= WHOLE_SHOT


def _grow(units: list[_Unit], peak: int) -> list[int]:
    """Indexes, in time order, of the units that join the peak; marks them taken."""
    units[peak].taken = True
    members = [peak]
    span = units[peak].span
    least = units[peak].score * GROW
    for step in (-1, 1):
        i = peak + step
        while 0 <= i < len(units):
            unit = units[i]
            distance = max(unit.span.start - span.end, span.start - unit.span.end)
            if unit.taken or unit.score < least or distance > GAP:
                break
            if span.hull(unit.span).duration > LONGEST:
                break
            unit.taken = True
            members.append(i)
            span = span.hull(unit.span)
            i += step
    return sorted(members)
