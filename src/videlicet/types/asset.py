"""What is kept about files, collections of files, and the work done on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

from videlicet.types.time import Span

#: A metadata value a user may attach to an asset and filter by.
MetadataValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class VideoStream:
    """The picture stream chosen for indexing. Sizes are as displayed (rotation applied)."""

    index: int
    codec: str
    width: int
    height: int
    rotation: int
    time_base: Fraction
    average_rate: Fraction | None
    frames: int | None
    hdr: bool


@dataclass(frozen=True, slots=True)
class AudioStream:
    index: int
    codec: str
    sample_rate: int
    channels: int
    language: str | None
    default: bool


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """Container facts, read by probing without decoding the whole file.

    ``span`` is the container's own timeline; it need not start at zero. ``audio`` lists every
    sound track, the one chosen for indexing first. ``details`` is what the headers say of every
    stream, for showing only: rows under ``video`` and ``audio``, and ``tags``.
    """

    container: str
    span: Span
    video: VideoStream | None
    audio: tuple[AudioStream, ...]
    bit_rate: int | None
    tags: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Index:
    """A collection of assets observed by the same models (``cards``: role → model card id; where a
    role has several cards, see :func:`role_cards`).

    ``options`` is what an interface wants to keep with it. A name is unique inside its tenant. One
    that is ``hidden`` holds what is observed for some other purpose than to be searched by name.
    """

    id: str
    name: str
    cards: Mapping[str, str]
    created_at: datetime
    tenant: str = "local"
    options: Mapping[str, Any] = field(default_factory=dict)
    updated_at: datetime | None = None

    @property
    def hidden(self) -> bool:
        return bool(self.options.get("hidden"))


def role_cards(role: str, ids: Iterable[str]) -> dict[str, str]:
    """The ``cards`` of an index that has these cards of one role: the first under the role's name,
    each further one under ``role+id``."""
    return {f"{role}+{id}" if number else role: id for number, id in enumerate(dict.fromkeys(ids))}


def cards_of(cards: Mapping[str, str], role: str) -> list[str]:
    """The cards of one role among the ``cards`` of an index, the first one first."""
    return [cards[key] for key in sorted(cards) if role_of(key) == role]


def role_of(key: str) -> str:
    """The role that a key of an index's ``cards`` names."""
    return key.partition("+")[0]


@dataclass(frozen=True, slots=True)
class Asset:
    """A file's bytes as they were added. ``id`` is derived from ``sha256``.

    ``source`` is where it came from (a path or an address); ``blob`` is its key in the blob store,
    or ``None`` where the original stays in place at ``source``. An asset that was made from an
    uploaded file has an id of its own: the same file in two indexes is two assets.
    """

    id: str
    sha256: str
    name: str
    source: str
    size: int
    media: MediaInfo
    created_at: datetime
    blob: str | None = None
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    tenant: str = "local"

    def to_display_time(self, span: Span) -> Span:
        """A stretch of the container's timeline in display time, as players show it:
        from the recording's start."""
        return span.shift(-self.media.span.start)


class Status(StrEnum):
    """The life of a task, and so of an asset in an index."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (Status.READY, Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class IndexedAsset:
    """An asset inside an index; searchable only once ``status`` is ready.

    ``notes`` say what could not be read (corrupt stretches, sound tracks left out).
    """

    id: str
    index_id: str
    asset_id: str
    status: Status
    created_at: datetime
    indexed_at: datetime | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A durable job: one source into one index.

    ``source`` is an absolute path, an http(s) address, or ``video:ID`` for an uploaded file.
    """

    id: str
    index_id: str
    source: str
    status: Status
    created_at: datetime
    updated_at: datetime
    asset_id: str | None = None
    stage: str | None = None
    done_s: float = 0.0
    total_s: float | None = None
    attempts: int = 0
    error: Mapping[str, Any] | None = None
    tenant: str = "local"
