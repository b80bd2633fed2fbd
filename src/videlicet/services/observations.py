"""What models have observed of videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from videlicet.rights import Purpose
from videlicet.services.problems import invalid
from videlicet.types import Span, VideoStatus, instant

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.types import Index, Modality, Observation, Video


@dataclass(frozen=True, slots=True)
class ObservationList:
    """Observations in the order of time, on a clock that begins at ``origin``."""

    rows: Sequence[Observation] = ()
    origin: Fraction = Fraction(0)


def observations_of(
    caller: Caller,
    index: Index,
    video: Video,
    modality: Modality | None = None,
    *,
    start: float | None = None,
    end: float | None = None,
) -> ObservationList:
    """What models say of a video that is ready; of one modality, or between two times in seconds
    from its start, if given.

    Raises:
        InvalidInput: ``invalid_argument``.
    """
    if video.status is not VideoStatus.READY:
        return ObservationList()
    scope = caller.scope(Purpose.ANALYZE, index.id)
    whole = video.asset.media.span
    within = None
    if start is not None or end is not None:
        first = whole.start + instant(start or 0.0)
        last = whole.end if end is None else whole.start + instant(end)
        if last < first:
            raise invalid("end must not be before start.")
        within = Span(first, last)
    rows = caller.catalog.observations(scope, video.asset_id, modality, within)
    return ObservationList(rows, whole.start)
