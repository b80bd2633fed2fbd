"""The stretches of a video that somebody's definitions describe, with what they ask of each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from videlicet.analyze.extraction.filling import EvidenceView, fill_node, texts_to_encode
from videlicet.analyze.extraction.finding.field_intent import FieldIntent, field_intent
from videlicet.analyze.extraction.finding.scalars import MIN_COVERAGE, MIN_SIMILARITY
from videlicet.analyze.extraction.finding.sources import Sources
from videlicet.analyze.extraction.segment_definitions import SegmentDefinition
from videlicet.analyze.extraction.segmentation import merged_segments
from videlicet.analyze.extraction.structure import Structure, detected_spans, structure_of
from videlicet.analyze.extraction.time_fields import format_time
from videlicet.analyze.schema import ExtractionSchema, read_schema
from videlicet.errors import InvalidInput
from videlicet.types import Span, instant, merge, windows

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.models.base import TextEncoder

#: The most stretches that a video is cut into where a definition describes any of its parts.
STRETCHES = 100
#: Seconds between two matches that are one, and within which an end is moved to a cut.
GAP, SNAP = Fraction(3), Fraction(1)


def segment(
    evidence: AssetEvidence,
    definitions: Sequence[SegmentDefinition],
    *,
    shortest: float | Fraction | None = None,
    longest: float | Fraction | None = None,
    encoder: TextEncoder,
    clock: str = "seconds",
) -> dict[str, list[dict[str, Any]]]:
    """For each definition, by its id, the segments that match it, in the order of time.

    A segment is ``{start_time, end_time, metadata: {field: value}}`` with its times, from the
    recording's start, written as ``clock`` says: ``seconds``, ``hh:mm:ss`` or ``hh:mm:ss.fff``.
    Every field is there; one that the evidence inside the segment does not tell is null. No segment
    lasts less than ``shortest`` seconds (but where its range or the video itself does) or more than
    ``longest``.

    Raises:
        InvalidInput: ``invalid_argument``: limits that contradict each other, or a time range
            beyond the video.
    """
    limits = _limits(shortest, longest)
    bounds = {one.id: _bounds(evidence, one, number) for number, one in enumerate(definitions)}
    wants = [field_intent("", one.description) for one in definitions]
    schemas = [read_schema(one.to_schema(clock)) for one in definitions]
    plans = [one.root for one in schemas]
    texts = chain.from_iterable(
        texts_to_encode(plan, want) for plan, want in zip(plans, wants, strict=True)
    )
    sources = Sources([evidence], texts, encoder)
    found: dict[str, list[dict[str, Any]]] = {}
    for definition, want, schema in zip(definitions, wants, schemas, strict=True):
        spans = _matching(evidence, sources, definition, want, encoder)
        inside = (
            span
            for range in bounds[definition.id]
            for span in _within(_clamped(spans, range), range, *limits)
            if span.duration
        )
        found[definition.id] = [
            _segment(evidence, sources, schema, want, span, clock) for span in inside
        ]
    return found


def _segment(
    evidence: AssetEvidence,
    sources: Sources,
    schema: ExtractionSchema,
    intent: FieldIntent,
    span: Span,
    clock: str,
) -> dict[str, Any]:
    displayed = evidence.asset.to_display_time(span)
    filled = fill_node(
        sources, schema.root, intent, EvidenceView(sources.inside(sources.all, span), span)
    )
    return {
        "start_time": format_time(displayed.start, clock),
        "end_time": format_time(displayed.end, clock),
        "metadata": filled.value if filled else dict(schema.empty),
    }


def _clamped(spans: Iterable[Span], range: Span) -> list[Span]:
    return [inside for span in spans if (inside := span.intersect(range)) is not None]


def _limits(
    shortest: float | Fraction | None, longest: float | Fraction | None
) -> tuple[Fraction, Fraction | None]:
    least = instant(shortest) if shortest is not None else Fraction(0)
    most = instant(longest) if longest is not None else None
    if least < 0 or (most is not None and (most <= 0 or most < least)):
        raise InvalidInput(
            "invalid_argument",
            "The longest segment must last at least as long as the shortest, and neither less "
            "than nothing.",
            subject="max_segment_duration",
        )
    return least, most


def _bounds(evidence: AssetEvidence, definition: SegmentDefinition, number: int) -> list[Span]:
    """The parts of the video to look in."""
    found: list[Span] = []
    for place, range in enumerate(definition.ranges):
        inside = range.shift(evidence.asset.media.span.start).intersect(evidence.span)
        if inside is None:
            subject = f"segment_definitions[{number}].time_ranges[{place}]"
            raise InvalidInput(
                "invalid_argument",
                f"{subject}: the video has no second from {float(range.start):g} to "
                f"{float(range.end):g}.",
                subject=subject,
            )
        found.append(inside)
    return found or [evidence.span]


def _matching(
    evidence: AssetEvidence,
    sources: Sources,
    definition: SegmentDefinition,
    intent: FieldIntent,
    encoder: TextEncoder,
) -> list[Span]:
    """What the description is about. Where it is about nothing in particular, the stretches that
    the video is made of: those of the kind that it names ("each shot", "one slide after another"),
    else what is alike."""
    structure = structure_of(definition.description, encoder)
    if structure is Structure.SLIDE:
        return _snapped(evidence, detected_spans(evidence, structure))
    if structure is not None:
        return detected_spans(evidence, structure)
    if not intent.keys:
        return merged_segments(evidence, STRETCHES)
    meant, covered = sources.cosine(intent.text), sources.share(intent)
    items = np.flatnonzero((meant >= MIN_SIMILARITY) | (covered >= MIN_COVERAGE))
    looks = sources.likeness(intent.text, evidence.frame_vectors.rows) >= MIN_SIMILARITY
    matched = [sources.items[n].span for n in items]
    matched += [
        span for span, near in zip(evidence.frame_vectors.spans, looks, strict=True) if near
    ]
    return _snapped(evidence, merge(matched, GAP))


def _snapped(evidence: AssetEvidence, spans: Iterable[Span]) -> list[Span]:
    """The spans with their ends moved to cuts that are near."""
    cuts = sorted({at for shot in evidence.shots for at in (shot.start, shot.end)})

    def near(at: Fraction) -> Fraction:
        place = bisect_left(cuts, at)
        best = min(cuts[max(0, place - 1) : place + 1], key=lambda cut: abs(cut - at), default=at)
        return best if abs(best - at) <= SNAP else at

    moved = [(near(span.start), near(span.end)) for span in spans]
    return [
        Span(*pair) if pair[0] < pair[1] else span for pair, span in zip(moved, spans, strict=True)
    ]


def _within(
    spans: Sequence[Span], range: Span, shortest: Fraction, longest: Fraction | None
) -> list[Span]:
    """The spans at the lengths that are asked for: short ones joined with the one they touch, or
    grown evenly; long ones cut evenly."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.start <= joined[-1].end:
            short = min(span.duration, joined[-1].duration) < shortest
            if short or span.start < joined[-1].end:
                joined[-1] = joined[-1].hull(span)
                continue
        joined.append(span)
    grown: list[Span] = []
    for span in (_grown(span, range, shortest) for span in joined):
        if grown and span.start < grown[-1].end:
            grown[-1] = grown[-1].hull(span)
        else:
            grown.append(span)
    if longest is None:
        return grown
    cut = (part for span in grown for part in windows(span, shortest, longest))
    return [Span(part.start, min(part.end, part.start + longest)) for part in cut]


def _grown(span: Span, range: Span, shortest: Fraction) -> Span:
    missing = shortest - span.duration
    if missing <= 0:
        return span
    start = max(range.start, span.start - missing / 2)
    end = min(range.end, start + shortest)
    return Span(max(range.start, end - shortest), end)
