"""What goes into and comes out of the store beside the records of ``types``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from videlicet.rights import Purpose
from videlicet.types import Modality, Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

#: What each kind of operation may be done for (see ``rights.authorize``).
READING = frozenset(
    {
        Purpose.INGEST,
        Purpose.INDEX,
        Purpose.SEARCH,
        Purpose.ANALYZE,
        Purpose.EMBED_EXPORT,
        Purpose.MANAGE,
    }
)
SEARCHING = frozenset({Purpose.SEARCH, Purpose.ANALYZE, Purpose.INDEX})
WRITING = frozenset({Purpose.INGEST, Purpose.INDEX})
MANAGING = frozenset({Purpose.MANAGE, Purpose.INGEST, Purpose.INDEX})
EXPORTING = frozenset({Purpose.EMBED_EXPORT, Purpose.ANALYZE, Purpose.INDEX, Purpose.MANAGE})


@dataclass(frozen=True, slots=True)
class VideoFilter:
    """Which videos of an index a list holds. ``numbers`` (see ``catalog.videos.NUMBERS``) have
    bounds: an operator of ``==``, ``>=``, ``<=`` and a value. Values of ``metadata`` are text, and
    are compared by the type that is stored."""

    status: Collection[str] = ()
    name_part: str | None = None
    created_since: datetime | None = None
    updated_since: datetime | None = None
    numbers: Mapping[str, Sequence[tuple[str, float]]] = field(default_factory=dict)
    metadata: Sequence[tuple[str, str]] = ()
    item_id: str | None = None


@dataclass(frozen=True, slots=True)
class VectorRow:
    """One vector of one stretch of an asset. ``id`` is 1 to 24 ASCII characters and unique within
    the asset's rows of that space; ``vector`` has shape (dimensions,)."""

    id: str
    span: Span
    vector: Floats


@dataclass(frozen=True, slots=True)
class VectorMatch:
    """A row found, with its cosine similarity to the query, -1..1."""

    id: str
    asset_id: str
    span: Span
    score: float


@dataclass(frozen=True, slots=True)
class VectorBatch:
    """All rows of one asset in one space; ``vectors`` has shape (len(ids), dimensions)."""

    asset_id: str
    ids: tuple[str, ...]
    spans: tuple[Span, ...]
    vectors: Floats


@dataclass(frozen=True, slots=True)
class TextRow:
    """Words said or shown. ``id`` is the observation's (or segment's) id."""

    id: str
    modality: Modality
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A row found. ``score`` is BM25 (0 and up), or for phrases and substrings a similarity in
    0..1."""

    id: str
    asset_id: str
    span: Span
    text: str
    score: float


class Level(StrEnum):
    """How bad a finding is: only an ``ERROR`` means something lost or unusable."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


#: The remedy of what the doctor can repair itself.
RUN_FIX = "Run `videlicet doctor --fix`."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the doctor noticed about ``subject`` and what to do about it.

    ``fixed`` is true where the doctor has already done it.
    """

    level: Level
    subject: str
    message: str
    remedy: str
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class ByteMatch:
    """A needle seen by a scan: in which file (relative to the data directory), at which byte."""

    needle: bytes
    file: str
    offset: int
