"""What is written in the picture."""

from __future__ import annotations

from dataclasses import dataclass

from videlicet.types.calibration import Calibration
from videlicet.types.kinds.base import Method, ObservationKind, TextLane
from videlicet.types.kinds.words import Box
from videlicet.types.modality import Modality


@dataclass(frozen=True, slots=True)
class ScreenText:
    """One line of text read from the picture."""

    text: str
    box: Box
    confidence: float


SCREEN_TEXT = ObservationKind(
    name="text",
    payload=ScreenText,
    to_json=lambda line: {
        "text": line.text,
        "box": [line.box.x, line.box.y, line.box.width, line.box.height],
        "confidence": line.confidence,
    },
    from_json=lambda row: ScreenText(row["text"], Box(*row["box"]), row["confidence"]),
    identity=lambda line: f"{line.text}:{line.box.x:.3f}:{line.box.y:.3f}",
    describe=lambda line: line.text,
    modality=Modality.TEXT,
    text=lambda line: line.text,
    phrase="on screen",
    confidence=lambda line: line.confidence,
    box=lambda line: line.box,
    lanes=(
        TextLane("screen", Method.SEMANTIC),
        TextLane("screen-words", Method.WORDS, Calibration(0.40, 1.00, 0.7)),
        TextLane("screen-substring", Method.SUBSTRING, Calibration(0.50, 1.00, 0.6)),
        TextLane("screen-phrase", Method.PHRASE, Calibration(0.0, 1.0, 0.95)),
    ),
    search_option="visual",
)
