"""The tool that shows a moment."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from videlicet.errors import InvalidInput, VidelicetError
from videlicet.mcp import schemas
from videlicet.mcp.context import video_of
from videlicet.mcp.pictures import Picture, extract_stills
from videlicet.mcp.presentation import reason, seconds
from videlicet.rights import Purpose
from videlicet.types import Modality, Span, instant
from videlicet.types.kinds import searchable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from videlicet.mcp.context import ToolContext
    from videlicet.types import Asset, Index, Instant, Observation

#: Most observations that are given: words, and labels beside them.
MOST_WORDS, MOST_LABELS = 200, 40
#: How many stills a span has where nobody says.
USUAL = 3

#: Modalities of which only the surest observations are shown.
_LABELLED = (Modality.VISUAL, Modality.SOUND)


def show_moment(
    context: ToolContext, asked: schemas.ShowMoment
) -> tuple[schemas.Moment, list[Picture]]:
    """Stills of a moment, and what was observed around it."""
    index, video = video_of(context, asked.video_id, asked.index)
    asset = video.asset
    whole = asset.media.span
    span = _span(asked, whole)
    at = _instants(span, asked.pictures, asked.end is None)
    pictures: list[Picture] = []
    failed = None
    if at:
        try:
            pictures = extract_stills(context, asset, at, asked.width)
        except VidelicetError as error:
            failed = reason(error.to_json())
    seen, left_out = _observations(context, index, asset, span, asked.around)
    moment = schemas.Moment(
        index_id=index.id,
        video_id=video.id,
        name=asset.name,
        duration=seconds(whole.duration),
        start=seconds(span.start - whole.start),
        end=seconds(span.end - whole.start),
        pictures=[seconds(one - whole.start) for one in at] if pictures else [],
        picture_error=failed,
        observations=seen,
        left_out=left_out,
    )
    return moment, pictures


def _span(asked: schemas.ShowMoment, whole: Span) -> Span:
    """What is asked for, on the recording's own timeline."""
    start = whole.start + instant(asked.start)
    end = start if asked.end is None else whole.start + instant(asked.end)
    if start > whole.end:
        raise InvalidInput(
            "invalid_argument", f"start: the video ends at {float(whole.duration):.3f} seconds.",
            subject="start",
        )  # fmt: skip
    if end < start:
        raise InvalidInput(
            "invalid_argument", "end must not be before start.", subject="end"
        )  # fmt: skip
    return Span(start, min(end, whole.end))


def _instants(span: Span, wanted: int | None, single: bool) -> list[Instant]:
    """Where stills are taken: in the middle of equal parts of the span."""
    if single or not span.duration:
        return [] if wanted == 0 else [span.start]
    count = USUAL if wanted is None else wanted
    return [span.start + span.duration * Fraction(2 * i + 1, 2 * count) for i in range(count)]


def _observations(
    context: ToolContext, index: Index, asset: Asset, span: Span, around: float
) -> tuple[list[schemas.ObservationRow], int]:
    """What was observed around a span, in the order of time, and how much is left out."""
    whole, margin = asset.media.span, instant(around)
    within = Span(max(whole.start, span.start - margin), min(whole.end, span.end + margin))
    worded = [modality for modality in searchable() if modality not in _LABELLED]
    places = [(asset.id, modality, within) for modality in (*worded, *_LABELLED)]
    rows = context.caller.catalog.observations_at(
        context.caller.scope(Purpose.ANALYZE, index.id), places
    )
    words = [_observation_row(one, whole.start) for found in rows[: len(worded)] for one in found]
    labels = [
        _observation_row(one, whole.start)
        for found in rows[len(worded) :]
        for one in found
        if one.text is not None
    ]
    labels.sort(key=lambda one: -one.score)
    kept = [*_nearest(words, span, whole), *labels[:MOST_LABELS]]
    kept.sort(key=lambda one: (one.start, one.end))
    return kept, len(words) + len(labels) - len(kept)


def _nearest(
    words: Sequence[schemas.ObservationRow], span: Span, whole: Span
) -> list[schemas.ObservationRow]:
    middle = float(span.midpoint - whole.start)
    return sorted(words, key=lambda one: abs((one.start + one.end) / 2 - middle))[:MOST_WORDS]


def _observation_row(one: Observation, origin: Instant) -> schemas.ObservationRow:
    return schemas.ObservationRow(
        modality=one.modality.value,
        start=seconds(one.span.start - origin),
        end=seconds(one.span.end - origin),
        text=one.text or "",
        score=round(1.0 if one.confidence is None else one.confidence, 4),
    )
