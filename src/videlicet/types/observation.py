"""The one shape of everything any model says about a video."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from videlicet.types.ids import derived_id
from videlicet.types.kinds import kind_of, payload_from_json, payload_to_json
from videlicet.types.modality import Modality
from videlicet.types.time import Span


@dataclass(frozen=True, slots=True)
class Observation:
    """What one model (``card``) says about one stretch of one asset. ``payload`` is of one of the
    registered kinds (:mod:`videlicet.types.kinds`)."""

    asset_id: str
    span: Span
    modality: Modality
    card: str
    payload: object
    #: Its id as it is stored, where that was derived from an earlier id of the asset.
    stored_id: str | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        """Derived from what was observed, where and by which model."""
        if self.stored_id is not None:
            return self.stored_id
        kind = kind_of(self.payload)
        identity = kind.identity(self.payload)
        return derived_id(
            self.asset_id,
            *self.span.to_json(),
            self.modality,
            self.card,
            kind.name if identity is None else f"{kind.name}:{identity}",
        )

    @property
    def text(self) -> str | None:
        """The words in it, if it has any."""
        return kind_of(self.payload).text(self.payload)

    @property
    def confidence(self) -> float | None:
        """How sure the model is, 0..1, if it says."""
        return kind_of(self.payload).confidence(self.payload)

    def to_json(self) -> dict[str, Any]:
        return {
            "asset_id": self.asset_id,
            "span": self.span.to_json(),
            "modality": self.modality.value,
            "card": self.card,
            "payload": payload_to_json(self.payload),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Observation:
        return cls(
            asset_id=row["asset_id"],
            span=Span.from_json(row["span"]),
            modality=Modality(row["modality"]),
            card=row["card"],
            payload=payload_from_json(row["payload"]),
        )
