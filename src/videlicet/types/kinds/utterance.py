"""What is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from videlicet.types.calibration import Calibration
from videlicet.types.kinds.base import Method, ObservationKind, TextLane
from videlicet.types.kinds.words import Utterance, Word
from videlicet.types.modality import Modality
from videlicet.types.query import PartKind
from videlicet.types.time import Span


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
    phrase="said",
    confidence=lambda said: said.confidence,
    speech=lambda said: said,
    lanes=(
        TextLane("speech", Method.SEMANTIC, queries=_SPOKEN),
        TextLane("speech-words", Method.WORDS, Calibration(0.40, 1.00, 0.6), _SPOKEN),
        TextLane("speech-phrase", Method.PHRASE, Calibration(0.0, 1.0, 0.95)),
    ),
    search_option="transcription",
)
