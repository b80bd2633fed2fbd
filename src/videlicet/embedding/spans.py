"""Rows with a time, pooled into stretches of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from videlicet.types import Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Strip:
    """Vectors of one kind along a recording: ``rows`` (n, d) with the span each stands for."""

    spans: Sequence[Span]
    rows: Floats


def pool(strip: Strip, span: Span) -> Floats | None:
    """The direction of the mean of the rows in ``span``, each weighted by how long it is in there
    (d,); ``None`` where there are none."""
    weights = np.array([_shared(one, span) for one in strip.spans], np.float32)
    if not weights.any():
        return None
    mean = weights @ strip.rows
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length, np.float32) if length > 0 else None


def _shared(one: Span, span: Span) -> float:
    if one.start == one.end:
        return 1e-3 if span.contains(one.start) else 0.0
    return float(max(Fraction(0), one.overlap(span)))
