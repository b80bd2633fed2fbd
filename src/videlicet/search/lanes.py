"""The lanes: each looks for one kind of evidence and says how far to trust it.

A lane's raw score (a cosine, a share of matched words) becomes *evidence* in 0..1 by a fixed
affine map: ``floor`` is what unrelated pairs score, ``full`` what a certain match scores. Fixed
maps, unlike ranks, keep "nothing here matches" apart from "the best of a bad lot" (Bruch, Gai and
Ingber, *An Analysis of Fusion Functions for Hybrid Retrieval*, 2023, call this theoretical
min-max). docs/decisions/0005-fusion.md has the ablation.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from videlicet.types import Modality, PartKind, Span


class Method(StrEnum):
    """How a lane finds its candidates."""

    SEMANTIC = "semantic"
    WORDS = "words"
    SUBSTRING = "substring"
    PHRASE = "phrase"


@dataclass(frozen=True, slots=True)
class Lane:
    """One way to find evidence. ``role`` names the card whose vectors or words are searched."""

    name: str
    modality: Modality
    method: Method
    role: str
    queries: frozenset[PartKind]
    floor: float
    full: float
    weight: float

    def evidence(self, score: float) -> float:
        """The raw score as evidence in 0..``weight``."""
        return self.weight * min(1.0, max(0.0, (score - self.floor) / (self.full - self.floor)))


_WORDS = frozenset({PartKind.TEXT})
_SAID = frozenset({PartKind.TEXT, PartKind.AUDIO, PartKind.VIDEO})
_PICTURES = frozenset({PartKind.IMAGE, PartKind.VIDEO})
_SOUNDS = frozenset({PartKind.AUDIO, PartKind.VIDEO})

#: Every lane there is. Constants are fitted on the development corpus (bench/fusion.py prints the
#: ablation); ranks barely depend on them.
LANES: tuple[Lane, ...] = (
    Lane("scene", Modality.VISUAL, Method.SEMANTIC, "vision", _WORDS, 0.20, 0.70, 0.9),
    Lane("speech", Modality.SPEECH, Method.SEMANTIC, "text", _SAID, 0.30, 1.00, 0.9),
    Lane("speech-words", Modality.SPEECH, Method.WORDS, "speech", _SAID, 0.40, 1.00, 0.6),
    Lane("screen", Modality.TEXT, Method.SEMANTIC, "text", _WORDS, 0.35, 1.00, 0.8),
    Lane("screen-words", Modality.TEXT, Method.WORDS, "reader", _WORDS, 0.40, 1.00, 0.7),
    Lane("screen-substring", Modality.TEXT, Method.SUBSTRING, "reader", _WORDS, 0.50, 1.00, 0.6),
    Lane("speech-phrase", Modality.SPEECH, Method.PHRASE, "speech", _WORDS, 0.0, 1.0, 0.95),
    Lane("screen-phrase", Modality.TEXT, Method.PHRASE, "reader", _WORDS, 0.0, 1.0, 0.95),
    Lane("frames", Modality.VISUAL, Method.SEMANTIC, "vision", _PICTURES, 0.20, 1.00, 0.9),
    Lane("sound", Modality.SOUND, Method.SEMANTIC, "sound", _SOUNDS, 0.40, 1.00, 0.9),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing one lane found for one part of the query."""

    lane: Lane
    part: int
    asset_id: str
    span: Span
    rank: int
    score: float
    evidence: float
    card: str
    row_id: str
    text: str | None = None
