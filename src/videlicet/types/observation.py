"""The one shape of everything any model says about a video."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from videlicet.types.ids import derived_id
from videlicet.types.time import Instant, Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Modality(StrEnum):
    """Through which sense something was observed."""

    SHOT = "shot"
    VISUAL = "visual"
    SPEECH = "speech"
    TEXT = "text"
    SOUND = "sound"


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
class Shot:
    """An unbroken take; ``keyframe`` is the instant of the frame that stands for it."""

    keyframe: Instant


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sentence or phrase as spoken. ``language`` is BCP 47; ``confidence`` is 0..1."""

    text: str
    language: str
    confidence: float
    words: tuple[Word, ...] = ()
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class ScreenText:
    """One line of text read from the picture."""

    text: str
    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class Label:
    """A class name with its score in 0..1."""

    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Embedding:
    """A unit vector in a named space, as little-endian float32 bytes."""

    space: str
    data: bytes

    @classmethod
    def of(cls, space: str, vector: NDArray[np.float32]) -> Embedding:
        return cls(space, vector.astype("<f4").tobytes())

    @property
    def vector(self) -> NDArray[np.float32]:
        """The vector, shape (dimensions,), read-only."""
        import numpy as np

        return np.frombuffer(self.data, dtype="<f4")


class Measure(StrEnum):
    """What is measured along the time of a recording."""

    LOUDNESS = "loudness"
    MOTION = "motion"


@dataclass(frozen=True, slots=True)
class Levels:
    """A quantity along the span: one value for each ``step`` seconds from its start on.

    Loudness is the root mean square of the samples in dBFS (0 is full scale, -100 silence). Motion
    is the mean change of brightness from one sampled picture of a shot to the next, 0..1.
    """

    measure: Measure
    step: Fraction
    values: tuple[float, ...]


Payload = Shot | Utterance | ScreenText | Label | Embedding | Levels


@dataclass(frozen=True, slots=True)
class Observation:
    """What one model (``card``) says about one stretch of one asset."""

    asset_id: str
    span: Span
    modality: Modality
    card: str
    payload: Payload

    @property
    def id(self) -> str:
        """Derived from what was seen, where and by which model.

        An embedding is identified by its space, not its bytes, so that recomputing it on another
        processor replaces it instead of adding a twin.
        """
        return derived_id(
            self.asset_id, *self.span.to_json(), self.modality, self.card, _identity(self.payload)
        )

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


def _identity(payload: Payload) -> str:
    match payload:
        case Shot():
            return "shot"
        case Utterance(text=text):
            return f"utterance:{text}"
        case ScreenText(text=text, box=box):
            return f"text:{text}:{box.x:.3f}:{box.y:.3f}"
        case Label(name=name):
            return f"label:{name}"
        case Embedding(space=space):
            return f"embedding:{space}"
        case Levels(measure=measure):
            return f"levels:{measure}"


def payload_to_json(payload: Payload) -> dict[str, Any]:
    """A payload as JSON-ready data; :func:`payload_from_json` gives back an equal one."""
    match payload:
        case Shot(keyframe=keyframe):
            return {"kind": "shot", "keyframe": str(keyframe)}
        case Utterance():
            return {
                "kind": "utterance",
                "text": payload.text,
                "language": payload.language,
                "confidence": payload.confidence,
                "words": [[w.text, *w.span.to_json(), w.probability] for w in payload.words],
                "speaker": payload.speaker,
            }
        case ScreenText(text=text, box=box, confidence=confidence):
            return {
                "kind": "text",
                "text": text,
                "box": [box.x, box.y, box.width, box.height],
                "confidence": confidence,
            }
        case Label(name=name, score=score):
            return {"kind": "label", "name": name, "score": score}
        case Embedding(space=space, data=data):
            return {"kind": "embedding", "space": space, "data": base64.b64encode(data).decode()}
        case Levels(measure=measure, step=step, values=values):
            return {
                "kind": "levels",
                "measure": measure.value,
                "step": str(step),
                "values": list(values),
            }


def payload_from_json(row: Mapping[str, Any]) -> Payload:
    """The payload that :func:`payload_to_json` described; ``ValueError`` for an unknown kind."""
    match row["kind"]:
        case "shot":
            return Shot(Instant(row["keyframe"]))
        case "utterance":
            words = tuple(Word(t, Span.from_json((s, e)), p) for t, s, e, p in row["words"])
            return Utterance(row["text"], row["language"], row["confidence"], words, row["speaker"])
        case "text":
            return ScreenText(row["text"], Box(*row["box"]), row["confidence"])
        case "label":
            return Label(row["name"], row["score"])
        case "embedding":
            return Embedding(row["space"], base64.b64decode(row["data"]))
        case "levels":
            return Levels(Measure(row["measure"]), Fraction(row["step"]), tuple(row["values"]))
        case kind:
            raise ValueError(f"unknown payload kind {kind!r}")
