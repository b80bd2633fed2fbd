"""Quantities along the time of a recording."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from videlicet.types.kinds.base import ObservationKind


class Measure(StrEnum):
    """What is measured along the time of a recording."""

    LOUDNESS = "loudness"
    MOTION = "motion"


@dataclass(frozen=True, slots=True)
class Levels:
    """A quantity along the span: one value for each ``step`` seconds from its start on.

    Loudness is the root mean square of the samples in dBFS (0 is full scale, -100 silence). Motion
    is the mean change of brightness from one sampled picture of a shot to the next, 0..1.
    """

    measure: Measure
    step: Fraction
    values: tuple[float, ...]


LEVELS = ObservationKind(
    name="levels",
    payload=Levels,
    to_json=lambda one: {
        "measure": one.measure.value,
        "step": str(one.step),
        "values": list(one.values),
    },
    from_json=lambda row: Levels(
        Measure(row["measure"]), Fraction(row["step"]), tuple(row["values"])
    ),
    identity=lambda one: one.measure.value,
    describe=lambda one: f"{one.measure} {min(one.values):g} to {max(one.values):g}",
)
