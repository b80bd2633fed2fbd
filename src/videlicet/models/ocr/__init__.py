"""Text on the screen: finding it, reading it, and following it through time."""

from __future__ import annotations

from videlicet.models.ocr.reader import PaddleReader
from videlicet.models.ocr.tracker import TextTracker

__all__ = ["PaddleReader", "TextTracker"]
