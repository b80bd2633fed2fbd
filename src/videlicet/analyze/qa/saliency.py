"""How much each moment of a recording stands out from the rest, or answers a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from videlicet.analyze.evidence.relevance import frame_relevance, item_relevance
from videlicet.analyze.evidence.statements import screens
from videlicet.analyze.evidence.timeline import Timeline, timeline
from videlicet.embedding.texts import embed_texts
from videlicet.types import Measure, Modality, Span, instant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.analyze.evidence.load import AssetEvidence, Curve
    from videlicet.models.base import TextEncoder

    Floats = NDArray[np.float32]

#: What each reason counts without a query. With one, what it is about counts :data:`QUERY`, and
#: all else only :data:`ASIDE` of what it would.
WEIGHTS: Mapping[str, float] = {
    "rarity": 1.0,
    "loudness": 0.6,
    "speech": 0.6,
    "motion": 0.5,
    "change": 0.6,
    "screen": 0.5,
}
QUERY, ASIDE = 2.0, 0.2
#: Words said in a second that are as many as one says.
FAST = 3.0
#: dB above the usual level of a recording that are as loud as anything is, and the level under
#: which nothing is heard. Twice as loud is 10 dB (Stevens, "The measurement of loudness", 1955).
LOUD, FAINT = 15.0, -60.0
#: Change of brightness above the usual that is as much as anything moves.
QUICK = 0.1
#: Seconds for which a text that has just appeared is news.
NEWS = 3.0


@dataclass(frozen=True, slots=True)
class Saliency:
    """By reason, how salient each window is (n,), each value 0..1 times what the reason counts."""

    line: Timeline
    reasons: Mapping[str, Floats]

    @property
    def total(self) -> Floats:
        return np.asarray(np.sum(list(self.reasons.values()), axis=0), np.float32)


def saliency(evidence: AssetEvidence, encoder: TextEncoder, query: str | None = None) -> Saliency:
    """How much each window of an asset stands out, and why. Where nothing has to do with a query,
    it is as if there were none."""
    line = timeline(evidence)
    sides: dict[str, Floats] = {
        "rarity": _rarity(line),
        "loudness": _loudness(evidence, line),
        "motion": _motion(evidence, line),
        "speech": _density(evidence, line),
        "change": _change(evidence, line),
        "screen": _news(evidence, line),
    }
    near = None
    if query is not None:
        near = _near(evidence, line, query, embed_texts(encoder, [query])[0])
    asked = near is not None and bool(near.any())
    aside = ASIDE if asked else 1.0
    reasons = {
        name: aside * WEIGHTS[name] * values for name, values in sides.items() if values.any()
    }
    if near is not None and asked:
        reasons["query"] = QUERY * near
    if not reasons:
        reasons["rarity"] = np.zeros(len(line), np.float32)
    return Saliency(line, reasons)


def _rarity(line: Timeline) -> Floats:
    """How far what is said and shown is from what usually is: 0 for the most usual window."""
    sides = []
    for rows in (line.speech, line.text, line.visual):
        there = np.any(rows, axis=1)
        if there.sum() < 2:
            continue
        middle = rows[there].mean(axis=0)
        far = np.where(there, 1 - rows @ middle / (float(np.linalg.norm(middle)) or 1.0), 0)
        least = float(far[there].min())
        sides.append(np.where(there, far - least, 0))
    return _scaled(np.max(sides, axis=0)) if sides else np.zeros(len(line), np.float32)


def _loudness(evidence: AssetEvidence, line: Timeline) -> Floats:
    """How much louder each window is than the recording usually is where it can be heard."""
    curve = evidence.curves.get(Measure.LOUDNESS)
    if curve is None or not (heard := curve.values[curve.values > FAINT]).size:
        return np.zeros(len(line), np.float32)
    usual = float(np.median(heard))
    return _windowed(curve, np.clip((curve.values - usual) / LOUD, 0, 1), line)


def _motion(evidence: AssetEvidence, line: Timeline) -> Floats:
    """How much more the pictures of each window move than they usually do."""
    curve = evidence.curves.get(Measure.MOTION)
    if curve is None:
        return np.zeros(len(line), np.float32)
    usual = float(np.median(curve.values))
    return _windowed(curve, np.clip((curve.values - usual) / QUICK, 0, 1), line)


def _windowed(curve: Curve, values: Floats, line: Timeline) -> Floats:
    """The mean of a curve's ``values`` over each window; nothing where it was not measured."""
    edges = np.append(curve.starts, curve.starts[-1] + curve.step)
    sums = np.concatenate([[0.0], np.cumsum(values * curve.step)])
    at = line.start + line.step * np.arange(len(line) + 1)
    return np.asarray(np.diff(np.interp(at, edges, sums)) / line.step, np.float32)


def _density(evidence: AssetEvidence, line: Timeline) -> Floats:
    """Words said in each window, of as many as one can say."""
    words = np.zeros(len(line), np.float32)
    for number in evidence.indices_of(Modality.SPEECH):
        item = evidence.items[number]
        rate = (item.text.count(" ") + 1) / max(float(item.span.duration), 0.5)
        rows = line.rows(item.span)
        words[rows] = np.maximum(words[rows], item.confidence * min(1.0, rate / FAST))
    return words


def _change(evidence: AssetEvidence, line: Timeline) -> Floats:
    """How much the picture differs from the one before it; looks that follow each other quickly
    change more."""
    change = np.zeros(len(line), np.float32)
    looks = evidence.frame_vectors
    for (_, before), (span, after) in pairwise(zip(looks.spans, looks.rows, strict=True)):
        change[line.rows(Span(span.start, span.start))] += max(0.0, 1 - float(before @ after))
    # What is seen of a change goes on for a moment.
    reach = max(1, round(2.0 / line.step))
    return _scaled(np.convolve(change, np.ones(reach, np.float32), "full")[: len(line)])


def _news(evidence: AssetEvidence, line: Timeline) -> Floats:
    """Texts that have just appeared, by how much they say."""
    fresh = np.zeros(len(line), np.float32)
    for one in screens(evidence):
        onset = Span(one.span.start, one.span.start + min(one.span.duration, instant(NEWS)))
        rows = line.rows(onset)
        says = min(1.0, len(one.stems) / 4) * one.confidence
        fresh[rows] = np.maximum(fresh[rows], says)
    return fresh


def _near(evidence: AssetEvidence, line: Timeline, query: str, vector: Floats) -> Floats:
    """How much each window has to do with a query, 0..1, in its own right: 0 where it has not, even
    if nothing else has more."""
    near = np.zeros(len(line), np.float32)
    values = item_relevance(evidence, query, vector)
    for item, value in zip(evidence.items, values, strict=True):
        rows = line.rows(item.span)
        near[rows] = np.maximum(near[rows], float(value))
    np.maximum(near, frame_relevance(line.visual, vector), out=near)
    return np.asarray(np.clip(near, 0, 1), np.float32)


def _scaled(values: Floats) -> Floats:
    """0..1, so that a single outlier does not make all else nothing."""
    some = values[values > 1e-6]
    if not some.size:
        return np.zeros(len(values), np.float32)
    return np.asarray(np.clip(values / max(float(np.percentile(some, 95)), 1e-6), 0, 1), np.float32)
