"""One fusion for every query.

Inside one part of a query the lanes are independent witnesses of the same thing, so their evidence
combines as a noisy-or (Pearl, *Probabilistic Reasoning in Intelligent Systems*, 1988, §4.3.2):
``1 - Π(1 - e)``. Between positive parts the user wants all of them: the weighted mean. A negative
part scales the result down by the evidence for what is not wanted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

#: Keeps the logarithm finite; no lane is ever quite certain.
_CERTAIN = 1.0 - 1e-9


def noisy_or(evidence: Sequence[float]) -> float:
    """Evidence of independent witnesses, each in 0..1, as one value in 0..1."""
    return 1.0 - math.prod(1.0 - min(e, _CERTAIN) for e in evidence)


def fuse(evidence: Mapping[int, Sequence[float]], weights: Sequence[float]) -> float:
    """Fused score in 0..1 of lane evidence by query part.

    ``weights[i]`` is the weight of part ``i``: its share among the positive parts, or, if negative,
    how strongly (at most 1) evidence for it counts against.
    """
    wanted = sum(w for w in weights if w > 0)
    if wanted <= 0:
        return 0.0
    score = 0.0
    keep = 1.0
    for part, weight in enumerate(weights):
        strength = noisy_or(evidence.get(part, ()))
        if weight > 0:
            score += weight / wanted * strength
        else:
            keep *= 1.0 - min(1.0, -weight) * strength
    return score * keep


def shares(evidence: Sequence[float]) -> list[float]:
    """How much of a noisy-or each score accounts for; the shares sum to 1 (or are all 0).

    In the log domain a noisy-or is a sum, so each score's part of it is exact.
    """
    parts = [-math.log1p(-min(e, _CERTAIN)) for e in evidence]
    total = sum(parts)
    return [p / total if total else 0.0 for p in parts]
