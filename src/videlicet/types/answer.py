"""What analysis says of videos: sentences, each with the evidence that supports it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from videlicet.types.ids import derived_id
from videlicet.types.kinds.words import Word
from videlicet.types.modality import Modality
from videlicet.types.time import Span


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One evidence item: what was said, written or seen in one stretch of one asset.

    ``cards`` are the models that said so. Observations that say the same of stretches that touch
    are one item.
    """

    asset_id: str
    span: Span
    modality: Modality
    text: str
    cards: tuple[str, ...] = ()
    speaker: str | None = None
    #: How sure its model was, 0..1.
    confidence: float = 1.0
    #: What was said word by word, where the model tells when.
    words: tuple[Word, ...] = field(default=(), repr=False, compare=False)

    @property
    def id(self) -> str:
        """The same evidence has the same id wherever it is cited."""
        return derived_id("piece", self.asset_id, *self.span.to_json(), self.modality, self.text)

    @property
    def sha256(self) -> str:
        """Of the text in UTF-8: who has the citation can check that the evidence is unchanged."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """As a citation; seconds are floats."""
        return {
            "id": self.id,
            "asset_id": self.asset_id,
            "start": float(self.span.start),
            "end": float(self.span.end),
            "modality": self.modality.value,
            "text": self.text,
            "speaker": self.speaker,
            "evidence_sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence with what supports it; without citations it is unsupported."""

    text: str
    citations: tuple[EvidenceItem, ...] = ()

    @property
    def supported(self) -> bool:
        return bool(self.citations)

    def to_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "citations": [item.to_json() for item in self.citations],
            "unsupported": not self.supported,
        }


class Finish(StrEnum):
    """Why a text ends where it does."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written. The built-in backend counts those of its text encoder."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens
        )

    def to_json(self) -> dict[str, int]:
        return {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}


@dataclass(frozen=True, slots=True)
class Answer:
    """A text whose every sentence carries its evidence.

    ``found`` is false where the evidence does not say; the text then says so, without citations.
    ``value`` is the answer as data, where a schema was given. ``dropped`` counts sentences that a
    language model wrote and nothing supports. ``untrusted`` tells that something in the video
    reads like instructions to whoever analyses it. ``off_focus`` tells that a summary was asked
    for with a focus that nothing has to do with.
    """

    sentences: tuple[Sentence, ...]
    found: bool
    analysis_backend: str
    value: Any = None
    usage: Usage = field(default_factory=Usage)
    finish: Finish = Finish.STOP
    dropped: int = 0
    untrusted: bool = False
    off_focus: bool = False

    @property
    def text(self) -> str:
        """The sentences one after the other; one that begins with a line break begins a line."""
        return " ".join(sentence.text for sentence in self.sentences).replace(" \n", "\n")

    @property
    def citations(self) -> tuple[EvidenceItem, ...]:
        """Every item that is cited, once, in the order of the sentences."""
        found: dict[str, EvidenceItem] = {}
        for sentence in self.sentences:
            found |= {item.id: item for item in sentence.citations}
        return tuple(found.values())

    def to_json(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "found": self.found,
            "sentences": [sentence.to_json() for sentence in self.sentences],
            "value": self.value,
            "analysis_backend": self.analysis_backend,
            "usage": self.usage.to_json(),
            "finish": self.finish.value,
            "dropped": self.dropped,
            "untrusted_instructions": self.untrusted,
            "off_focus": self.off_focus,
        }


@dataclass(frozen=True, slots=True)
class Gist:
    """What a video is about, in a few words; each with what it rests on."""

    title: Sentence
    topics: tuple[Sentence, ...]
    hashtags: tuple[Sentence, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title.to_json(),
            "topics": [one.to_json() for one in self.topics],
            "hashtags": [one.to_json() for one in self.hashtags],
        }


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of a video that is about one thing."""

    span: Span
    title: Sentence
    summary: tuple[Sentence, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "start": float(self.span.start),
            "end": float(self.span.end),
            "title": self.title.to_json(),
            "summary": [one.to_json() for one in self.summary],
        }


@dataclass(frozen=True, slots=True)
class Highlight:
    """A stretch worth looking at. ``score`` is 0..1; ``reasons`` says what makes it stand out, by
    name, as shares that add up to 1."""

    span: Span
    score: float
    title: Sentence
    reasons: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "start": float(self.span.start),
            "end": float(self.span.end),
            "score": self.score,
            "title": self.title.to_json(),
            "reasons": dict(self.reasons),
        }
