"""Text on the screen: finding it, reading it, and following it through time."""

from __future__ import annotations

from videlicet.models.lettering.reader import PaddleReader
from videlicet.models.lettering.tracker import TextTracker

__all__ = ["PaddleReader", "TextTracker"]
