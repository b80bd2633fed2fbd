"""What a classifier sees."""

from __future__ import annotations

from dataclasses import dataclass

from videlicet.types.kinds.base import ObservationKind
from videlicet.types.modality import Modality


@dataclass(frozen=True, slots=True)
class Label:
    """A class name with its score in 0..1."""

    name: str
    score: float


LABEL = ObservationKind(
    name="label",
    payload=Label,
    to_json=lambda label: {"name": label.name, "score": label.score},
    from_json=lambda row: Label(row["name"], row["score"]),
    identity=lambda label: label.name,
    describe=lambda label: f"{label.name} ({label.score:.2f})",
    modality=Modality.VISUAL,
    phrase="seen",
    text=lambda label: label.name,
    confidence=lambda label: label.score,
)
