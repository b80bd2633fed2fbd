"""The unit that is embedded and searched."""

from __future__ import annotations

from dataclasses import dataclass

from videlicet.types.ids import derived_id
from videlicet.types.time import Span


@dataclass(frozen=True, slots=True)
class Segment:
    """A window of 2 to 10 seconds inside one shot (shorter only where the shot is)."""

    asset_id: str
    span: Span
    shot: Span

    @property
    def id(self) -> str:
        return derived_id(self.asset_id, "segment", *self.span.to_json())
