"""Words with their times and places: what several kinds of observation are made of."""

from __future__ import annotations

from dataclasses import dataclass

from videlicet.types.time import Span


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions of the displayed frame: left, top, width, height in 0..1."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    span: Span
    probability: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sentence or phrase as spoken. ``language`` is BCP 47; ``confidence`` is 0..1."""

    text: str
    language: str
    confidence: float
    words: tuple[Word, ...] = ()
    speaker: str | None = None
