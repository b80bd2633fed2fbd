"""The parts of a recording: where what is said, written and shown changes together.

The changes are those of the kernel change point method (Arlot, Celisse and Harchaoui, *A Kernel
Multiple Change-point Algorithm*, 2019; the exact search of the ruptures library, Truong et al.,
2020) on the vectors of all modalities along the time, with a price for every further part.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from videlicet.analyze.evidence.statements import depths, spoken
from videlicet.analyze.evidence.timeline import Timeline, timeline
from videlicet.types import Instant, Span, instant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.analyze.evidence.load import AssetEvidence

    Doubles = NDArray[np.float64]

#: What a further part must explain, in seconds times squared distance between unit vectors: for
#: a minute, and the power of the length by which it grows.
PRICE, GROWTH = 2.6, 0.35
#: How much each modality tells of a change, and over how many seconds it is looked at together:
#: one sentence is not yet another subject, another picture may be.
SPEECH_WEIGHT, TEXT_WEIGHT, VISUAL_WEIGHT = (0.77, 4.0), (0.7, 0.7), (1.0, 0.7)
#: Shortest part in seconds, and most parts, where nobody says how many.
SHORTEST, MOST = 3.0, 40
#: Seconds by which a boundary may move to a cut or a pause; what it costs in seconds to be at no
#: cut, inside of a sentence, or at neither a cut nor a pause; and what another picture is worth.
REACH, NO_CUT, INSIDE, NOWHERE, OTHER = 2.5, 1.0, 2.0, 1.0, 3.0
#: Seconds by which a sentence may begin before its picture, or end after it.
SLACK = 0.5
#: Share of an utterance that makes it one of a stretch's.
MIN_SPEECH_SHARE = Fraction(1, 3)
#: Dimensions in which changes are looked for.
DIMENSIONS = 256


def topic_spans(
    evidence: AssetEvidence, count: int | None = None, *, exactly: bool = True
) -> list[Span]:
    """The spans of the parts in order, without gaps, from the start of ``evidence.span`` to its
    end, each from a cut or a pause to another where there is one near. ``count`` says how many
    there are to be, or without ``exactly`` how many at most; a recording that is too short has
    fewer."""
    if count is not None and count < 2:
        return [evidence.span]
    line = timeline(evidence)
    edges = _changes(line, float(evidence.span.duration), count, exactly)
    bounds = _settled(evidence, line, edges)
    return [Span(start, end) for start, end in pairwise(bounds)]


def _changes(line: Timeline, seconds: float, count: int | None, exactly: bool) -> list[int]:
    """The windows at which something new begins."""
    import ruptures

    fixed = count is not None and exactly
    shortest = 1 if fixed else max(1, round(max(SHORTEST, seconds / 90) / line.step))
    most = min(count - 1 if count is not None else MOST - 1, len(line) // shortest - 1)
    if most < 1:
        return []
    rows = _signal(line)
    search = ruptures.KernelCPD(kernel="linear", min_size=shortest).fit(rows)
    search.predict(n_bkps=most)  # finds all smaller numbers on its way
    if fixed:
        return list(search.predict(n_bkps=most))[:-1]
    price = PRICE * max(1.0, seconds / 60) ** GROWTH / line.step
    found = [[len(rows)], *(search.predict(n_bkps=many) for many in range(1, most + 1))]
    costs = [_spread(rows, edges) + price * many for many, edges in enumerate(found)]
    return list(found[int(np.argmin(costs))])[:-1]


def _signal(line: Timeline) -> Doubles:
    """One row for each window (n, at most DIMENSIONS + 1): all modalities side by side."""
    times = np.arange(len(line)) * line.step
    columns = []
    for rows, (weight, reach) in (
        (line.speech, SPEECH_WEIGHT),
        (line.text, TEXT_WEIGHT),
        (line.visual, VISUAL_WEIGHT),
    ):
        near = np.exp(-0.5 * np.square((times[:, None] - times) / reach))
        near[near < 0.1] = 0
        # A pause is no change of subject: only where there is something do neighbours count.
        there = near @ np.any(rows, axis=1).astype(float)
        columns.append(weight * (near @ rows) / np.where(there > 0, there, 1)[:, None])
    joined = np.hstack(columns)
    joined -= joined.mean(axis=0)
    reduced = _reduced(joined)
    # Where nothing happens at all, parts that are asked for are equally long.
    ramp = 0.02 * np.linspace(-1, 1, len(line))[:, None]
    return np.ascontiguousarray(np.hstack([reduced, ramp]))


def _reduced(rows: Doubles) -> Doubles:
    """The rows in fewer dimensions, in which their distances are nearly the same: a random
    projection (Johnson and Lindenstrauss, 1984), the same one every time."""
    if rows.shape[1] <= DIMENSIONS:
        return rows
    axes = np.random.default_rng(0).standard_normal((rows.shape[1], DIMENSIONS))
    return np.asarray(rows @ axes / np.sqrt(DIMENSIONS))


def _spread(rows: Doubles, edges: Sequence[int]) -> float:
    return sum(
        float(np.square(rows[first:last] - rows[first:last].mean(axis=0)).sum())
        for first, last in pairwise([0, *edges])
    )


def _settled(evidence: AssetEvidence, line: Timeline, edges: Sequence[int]) -> list[Instant]:
    """The boundaries, each at a cut or between sentences where there is one near."""
    whole = evidence.span
    cuts = sorted({shot.start for shot in evidence.shots})
    said = spoken(evidence)
    pauses = sorted({one.span.start for one in said} | {one.span.end for one in said})
    depth = depths(said)
    reach = max(REACH, 1.5 * line.step)

    def cost(one: Instant, at: Instant) -> float:
        far = abs(float(one - at))
        if one not in own_cuts:
            far += NO_CUT if one in own_pauses else NO_CUT + NOWHERE
        broken = INSIDE * min(1.0, max(0.0, depth(one) - SLACK))
        return far + broken - OTHER * _other(line, one)

    bounds = [whole.start]
    for number, edge in enumerate(edges):
        at = instant(line.edge(edge))
        following = edges[number + 1] if number + 1 < len(edges) else len(line)
        latest = min(instant(line.edge(following)), whole.end)
        own_cuts, own_pauses = _near(cuts, at, reach), _near(pauses, at, reach)
        fit = [one for one in (*own_cuts, *own_pauses, at) if bounds[-1] < one < latest]
        if fit:
            bounds.append(min(fit, key=lambda one: cost(one, at)))
    return [*bounds, whole.end]


def _near(places: Sequence[Instant], at: Instant, reach: float) -> Sequence[Instant]:
    by = Fraction(reach)
    return places[bisect_left(places, at - by) : bisect_right(places, at + by)]


def _other(line: Timeline, at: Instant) -> float:
    """How unlike the pictures on both sides of an instant are, 0..1."""
    place = round((float(at) - line.start) / line.step)
    many = max(1, round(2.0 / line.step))
    before = line.visual[max(0, place - many) : place].sum(axis=0)
    after = line.visual[place : place + many].sum(axis=0)
    lengths = float(np.linalg.norm(before) * np.linalg.norm(after))
    return min(1.0, 1 - float(before @ after) / lengths) if lengths else 0.0


def inside(evidence: AssetEvidence, span: Span) -> list[int]:
    """The places of the items that are mostly in a stretch, or fill most of it."""
    starts = np.array([float(item.span.start) for item in evidence.items])
    ends = np.array([float(item.span.end) for item in evidence.items])
    first, last = float(span.start), float(span.end)
    shared = np.minimum(ends, last) - np.maximum(starts, first)
    mostly = (shared > 0) & (shared * 2 >= np.minimum(ends - starts, last - first))
    instants = (ends == starts) & (first <= starts) & (starts < last)
    return [int(n) for n in np.flatnonzero(mostly | instants)]


def is_spoken_in(said: Span, span: Span) -> bool:
    """Whether what is said belongs to a stretch and does not only reach into it: a good part of it
    is said there, or its middle, or it fills half of the stretch."""
    shared = said.overlap(span)
    good = shared > 0 and (
        shared >= said.duration * MIN_SPEECH_SHARE or shared * 2 >= span.duration
    )
    return good or span.contains(said.midpoint)
