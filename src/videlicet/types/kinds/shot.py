"""Unbroken takes."""

from __future__ import annotations

from dataclasses import dataclass

from videlicet.types.kinds.base import ObservationKind
from videlicet.types.modality import Modality
from videlicet.types.time import Instant


@dataclass(frozen=True, slots=True)
class Shot:
    """An unbroken take; ``keyframe`` is the instant of its keyframe."""

    keyframe: Instant


SHOT = ObservationKind(
    name="shot",
    payload=Shot,
    to_json=lambda shot: {"keyframe": str(shot.keyframe)},
    from_json=lambda row: Shot(Instant(row["keyframe"])),
    identity=lambda shot: None,
    describe=lambda shot: "shot",
    modality=Modality.SHOT,
)
