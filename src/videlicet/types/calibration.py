"""From raw scores to evidence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a raw score (a cosine, a share of matched words) becomes *evidence*: ``floor`` is what
    unrelated pairs score, ``full`` what a certain match scores, and ``weight`` how far a certain
    match is trusted (docs/decisions/0005-fusion.md)."""

    floor: float
    full: float
    weight: float

    def evidence(self, score: float) -> float:
        """The raw score as evidence in 0..``weight``."""
        return self.weight * min(1.0, max(0.0, (score - self.floor) / (self.full - self.floor)))
