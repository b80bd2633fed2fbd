"""Rows with a time, pooled into stretches of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from videlicet.types import Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

#: What an instant counts, in seconds.
INSTANT = 1e-3


@dataclass(frozen=True)
class TimedVectors:
    """Vectors of one kind along a recording: ``rows`` (n, d) with the span of each.

    For many lookups its times are kept as floats, which are exact enough and a hundred
    times faster than fractions.
    """

    spans: Sequence[Span]
    rows: Floats

    def overlapping(self, span: Span) -> list[int]:
        """The places of the rows that share time with a stretch; instants in it count."""
        return [int(n) for n in np.flatnonzero(self._shared(span))]

    def mean(self, span: Span) -> Floats | None:
        """The mean of the rows in ``span``, each weighted by how long it is in there (d,); ``None``
        where there are none."""
        shared = self._shared(span)
        inside = np.flatnonzero(shared)
        if not inside.size:
            return None
        return np.asarray(shared[inside].astype(np.float32) @ self.rows[inside], np.float32)

    @cached_property
    def _edges(self) -> NDArray[np.float64]:
        pairs = [(float(one.start), float(one.end)) for one in self.spans]
        return np.array(pairs, np.float64).reshape(-1, 2).T

    def _shared(self, span: Span) -> NDArray[np.float64]:
        (starts, ends), start, end = self._edges, float(span.start), float(span.end)
        shared = np.clip(np.minimum(ends, end) - np.maximum(starts, start), 0, None)
        instants = (starts == ends) & (starts >= start) & (starts < end)
        return np.where(instants, INSTANT, shared)


def pool(vectors: TimedVectors, span: Span) -> Floats | None:
    """The direction of the mean of the rows in ``span`` (d,); ``None`` where there are none."""
    mean = vectors.mean(span)
    length = 0.0 if mean is None else float(np.linalg.norm(mean))
    return np.asarray(mean / length, np.float32) if mean is not None and length > 0 else None
