"""Evidence along the time: equal windows, and what is said, written and shown in each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from videlicet.embedding.texts import normalize
from videlicet.types import Modality, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.analyze.evidence.load import AssetEvidence

    Floats = NDArray[np.float32]

#: Shortest window in seconds, and most windows of one asset.
MIN_WINDOW, MAX_WINDOWS = Fraction(1, 2), 600


@dataclass(frozen=True, slots=True)
class Timeline:
    """Windows of ``step`` seconds from ``start`` on. Rows (n, d) are unit vectors of what is said,
    written and shown in each, zero where nothing is."""

    start: float
    step: float
    speech: Floats
    text: Floats
    visual: Floats

    def __len__(self) -> int:
        return len(self.speech)

    def edge(self, number: int) -> float:
        """When window ``number`` begins, in seconds."""
        return self.start + self.step * number

    def rows(self, span: Span) -> slice:
        """The windows whose middle lies in ``span``; at least one."""
        first = int(np.clip(round((float(span.start) - self.start) / self.step), 0, len(self) - 1))
        last = round((float(span.end) - self.start) / self.step)
        return slice(first, max(first + 1, min(last, len(self))))


def timeline(evidence: AssetEvidence) -> Timeline:
    """The windows of an asset: short ones for a short one, at most :data:`MOST` in all."""
    length = max(evidence.span.duration, MIN_WINDOW)
    many = max(1, min(MAX_WINDOWS, int(length / MIN_WINDOW)))
    start, step = float(evidence.span.start), float(length) / many

    def laid(rows: Iterable[tuple[Span, Floats]]) -> Floats:
        sums = np.zeros((many, wide), np.float32)
        for span, row in rows:
            first = (float(span.start) - start) / step
            last = max((float(span.end) - start) / step, first + 1e-3)
            for at in range(max(0, int(first)), min(many, int(np.ceil(last)))):
                sums[at] += (min(last, at + 1) - max(first, at)) * row
        return normalize(sums)

    wide = max(evidence.vectors.shape[1], evidence.frame_vectors.rows.shape[1])

    def of(modality: Modality) -> Floats:
        own = evidence.indices_of(modality)
        return laid((evidence.items[n].span, evidence.vectors[n]) for n in own)

    looks = zip(evidence.frame_vectors.spans, evidence.frame_vectors.rows, strict=True)
    return Timeline(
        start, step, of(Modality.SPEECH), of(Modality.TEXT),
        laid(looks) if len(evidence.frame_vectors.spans) else np.zeros((many, wide), np.float32),
    )  # fmt: skip
