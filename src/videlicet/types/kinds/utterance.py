"""What is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from videlicet.types.calibration import Calibration
from videlicet.types.kinds.base import Method, ObservationKind, TextLane
from videlicet.types.modality import Modality
from videlicet.types.query import PartKind
from videlicet.types.time import Span


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


def _to_json(said: Utterance) -> dict[str, Any]:
    return {
        "text": said.text,
        "language": said.language,
        "confidence": said.confidence,
        "words": [[w.text, *w.span.to_json(), w.probability] for w in said.words],
        "speaker": said.speaker,
    }


def _from_json(row: Mapping[str, Any]) -> Utterance:
    words = tuple(Word(t, Span.from_json((s, e)), p) for t, s, e, p in row["words"])
    return Utterance(row["text"], row["language"], row["confidence"], words, row["speaker"])


_SPOKEN = frozenset({PartKind.TEXT, PartKind.AUDIO, PartKind.VIDEO})

UTTERANCE = ObservationKind(
    name="utterance",
    payload=Utterance,
    to_json=_to_json,
    from_json=_from_json,
    identity=lambda said: said.text,
    describe=lambda said: said.text,
    modality=Modality.SPEECH,
    text=lambda said: said.text,
    confidence=lambda said: said.confidence,
    lanes=(
        TextLane("speech", Method.SEMANTIC, queries=_SPOKEN),
        TextLane("speech-words", Method.WORDS, Calibration(0.40, 1.00, 0.6), _SPOKEN),
        TextLane("speech-phrase", Method.PHRASE, Calibration(0.0, 1.0, 0.95)),
    ),
    search_option="transcription",
)
