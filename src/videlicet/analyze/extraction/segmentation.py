"""A video in stretches: shots, or windows of a long one, joined where they are alike."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from videlicet.types import Span, windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.analyze.evidence.load import AssetEvidence

    Floats = NDArray[np.float32]

#: A shot that is longer than this many seconds is cut into even windows of no less than that.
LONGEST, SHORTEST = Fraction(60), Fraction(10)
#: Neighbours whose meaning is nearer than this are one stretch.
ALIKE = 0.7
#: The most stretches that one video is cut into.
MOST = 400


def base_segments(evidence: AssetEvidence) -> list[Span]:
    """The smallest stretches: shots in order without gaps, long ones cut where nobody speaks."""
    cuts = {evidence.span.start, evidence.span.end}
    cuts |= {shot.start for shot in evidence.shots if evidence.span.contains(shot.start)}
    edges = sorted(cuts)
    found: list[Span] = []
    for start, end in pairwise(edges):
        found += _windows(evidence, Span(start, end))
    while len(found) > MOST:
        found = [
            one.hull(found[n + 1]) if n + 1 < len(found) else one
            for n, one in enumerate(found)
            if n % 2 == 0
        ]
    return found or [evidence.span]


def _windows(evidence: AssetEvidence, shot: Span) -> list[Span]:
    if shot.duration <= LONGEST:
        return [shot]
    cuts = [shot.start]
    pauses = sorted({item.span.start for item in evidence.items if shot.contains(item.span.start)})
    for even in windows(shot, SHORTEST, LONGEST)[1:]:
        near = min(pauses, key=lambda at: abs(at - even.start), default=even.start)
        cut = near if abs(near - even.start) < SHORTEST else even.start
        if cut - cuts[-1] >= SHORTEST and shot.end - cut >= SHORTEST:
            cuts.append(cut)
    return [Span(*pair) for pair in zip(cuts, [*cuts[1:], shot.end], strict=True)]


def meaning(evidence: AssetEvidence, spans: Sequence[Span]) -> Floats:
    """The direction of all that is in each stretch (n, d): of its items, and of its pictures."""
    starts = np.array([float(span.start) for span in spans])
    ends = np.array([float(span.end) for span in spans])

    def shares(others: Sequence[Span]) -> Floats:
        first = np.array([float(span.start) for span in others])
        last = np.array([float(span.end) for span in others])
        shared = np.minimum.outer(ends, last) - np.maximum.outer(starts, first)
        return np.asarray(np.maximum(shared, 0), np.float32)

    rows = np.zeros((len(spans), 1), np.float32)
    for others, vectors in (
        ([item.span for item in evidence.items], evidence.vectors),
        (evidence.frame_vectors.spans, evidence.frame_vectors.rows),
    ):
        if len(others):
            part = _unit(shares(others) @ vectors)
            wide = max(rows.shape[1], part.shape[1])
            rows = _widened(rows, wide) + _widened(part, wide)
    return _unit(rows)


def merged_segments(evidence: AssetEvidence, most: int) -> list[Span]:
    """The stretches of a video in order without gaps, neighbours that are alike joined: at most
    ``most``, fewer where there are fewer. The likest neighbours are joined first."""
    spans = base_segments(evidence)
    rows = meaning(evidence, spans)
    while len(spans) > 1:
        near = np.sum(rows[:-1] * rows[1:], axis=1)
        best = int(np.argmax(near))
        if near[best] < ALIKE and len(spans) <= most:
            break
        weights = [float(spans[best + n].duration) or 1e-3 for n in (0, 1)]
        rows[best] = _unit((np.array(weights, np.float32) @ rows[best : best + 2])[None])[0]
        rows = np.delete(rows, best + 1, axis=0)
        spans[best : best + 2] = [spans[best].hull(spans[best + 1])]
    return spans


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0))


def _widened(rows: Floats, wide: int) -> Floats:
    return np.pad(rows, ((0, 0), (0, wide - rows.shape[1])))
