"""A kind of observation of its own, and the model that makes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from videlicet.models.base import ModelCard
from videlicet.settings import Settings
from videlicet.types import Calibration, Modality
from videlicet.types.kinds import Method, ObservationKind, TextLane


@dataclass(frozen=True)
class Brightness:
    """``degree`` is ``dark``, ``medium`` or ``bright``."""

    degree: str
    mean: float


KIND = ObservationKind(
    name="brightness",
    payload=Brightness,
    to_json=lambda one: {"degree": one.degree, "mean": one.mean},
    from_json=lambda row: Brightness(row["degree"], row["mean"]),
    identity=lambda one: one.degree,
    describe=lambda one: f"{one.degree} ({one.mean:.0f})",
    modality=Modality("brightness"),
    phrase="brightness",
    text=lambda one: f"a {one.degree} picture",
    lanes=(
        TextLane("brightness", Method.SEMANTIC),
        TextLane("brightness-words", Method.WORDS, Calibration(0.4, 1.0, 0.8)),
    ),
)


class BrightnessObserver:
    batch_size = 4

    def __init__(self, card: ModelCard, settings: Settings, load: Callable[[str], Any]) -> None:
        self.card = card
        self._dark = float(str(card.preprocessing["dark"]))
        self._bright = float(str(card.preprocessing["bright"]))

    def observe(self, frames: Sequence[Any]) -> list[list[Brightness]]:
        return [[self._of(float(frame.mean()))] for frame in frames]

    def _of(self, mean: float) -> Brightness:
        degree = "dark" if mean < self._dark else "bright" if mean > self._bright else "medium"
        return Brightness(degree, round(mean, 1))
