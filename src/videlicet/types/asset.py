"""What is kept about files, collections of files, and the work done on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

from videlicet.errors import MediaError
from videlicet.types.ids import derived_id
from videlicet.types.time import Span

#: Container of a picture that is observed like a recording.
PICTURE = "image"
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


class AssetStatus(StrEnum):
    """The life of a file."""

    #: Its chunks are awaited.
    WAITING = "waiting"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class AssetOwner(StrEnum):
    """What an asset lives for."""

    #: It stays until it is deleted.
    TENANT = "tenant"
    #: It was added to an index directly, and goes with the last index that holds it.
    INDEX = "index"
    #: It came with a request for an analysis and goes when that has ended; lists leave it out.
    ANALYSIS = "analysis"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of a tenant, before and beside any index.

    ``method`` is how it came: ``path``, ``url``, ``direct`` (sent in one request), ``multipart``
    (in ``chunks`` parts) or ``connector`` (``connector`` names the account and the file there).
    ``source`` is its path or URL, empty for one that was sent. ``blob`` is the key of its bytes in
    the blob store, ``None`` where they stay in place at ``source`` or have not come yet.

    What is known once it is ready: ``size`` in bytes, ``sha256``, ``type`` (``video``, ``audio``,
    ``image`` or ``document``), ``media_type``, ``recording`` (container facts of a video or a
    sound) and ``facts`` (``image``: width, height and form of a picture; ``pdf``: the version, and
    ``pages``: count and size, of a document).
    """

    id: str
    name: str
    created_at: datetime
    tenant: str = "local"
    status: AssetStatus = AssetStatus.READY
    owner: AssetOwner = AssetOwner.TENANT
    method: str = "path"
    source: str = ""
    blob: str | None = None
    size: int | None = None
    sha256: str | None = None
    type: str | None = None
    media_type: str | None = None
    recording: MediaInfo | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    #: Whether it may be streamed, and has a thumbnail.
    hls: bool = True
    thumbnail: bool = True
    chunks: int | None = None
    connector: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    #: W3C ``traceparent`` of the request that made it.
    trace: str | None = None
    updated_at: datetime | None = None

    @property
    def media(self) -> MediaInfo:
        """Container facts. A picture counts as a recording of one second with one frame.

        Raises:
            MediaError: ``media_no_stream``, it is neither recording nor picture, or not known yet.
        """
        if self.recording is not None:
            return self.recording
        if (picture := self.facts.get("image")) is not None:
            return _picture_media(picture)
        raise MediaError(
            "media_no_stream", f"{self.name} is no video and no sound.", subject=self.name
        )

    @property
    def duration(self) -> float | None:
        """Seconds, of a recording."""
        return None if self.recording is None else float(self.recording.span.duration)

    @property
    def width(self) -> int | None:
        return self._size_of("width")

    @property
    def height(self) -> int | None:
        return self._size_of("height")

    @property
    def fps(self) -> float | None:
        """Frames per second on average, of a video."""
        video = None if self.recording is None else self.recording.video
        rate = None if video is None else video.average_rate
        return None if rate is None else float(rate)

    def to_display_time(self, span: Span) -> Span:
        """A stretch of the container's timeline on the clock that begins with the recording, as
        players show it."""
        return span.shift(-self.media.span.start)

    def _size_of(self, side: str) -> int | None:
        if self.recording is not None:
            return None if self.recording.video is None else getattr(self.recording.video, side)
        picture = self.facts.get("image")
        return None if picture is None else int(picture[side])


def _picture_media(facts: Mapping[str, Any]) -> MediaInfo:
    stream = VideoStream(
        index=0, codec=str(facts.get("format", PICTURE)).lower(), width=facts["width"],
        height=facts["height"], rotation=0, time_base=Fraction(1), average_rate=None, frames=1,
        hdr=False,
    )  # fmt: skip
    return MediaInfo(PICTURE, Span.of(0, 1), stream, (), None)


class VideoStatus(StrEnum):
    """The life of an asset in an index."""

    QUEUED = "queued"
    VALIDATING = "validating"
    INDEXING = "indexing"
    READY = "ready"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in (VideoStatus.READY, VideoStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Video:
    """An asset in an index; searchable only once ``status`` is ready.

    Everything derived from it is kept by index and asset. ``metadata`` is what users attached here,
    which searches of the index filter by. ``stream`` is whether it may be played. ``notes`` say
    what could not be read (corrupt stretches, sound tracks left out).

    An item of a knowledge store is a video too: ``item_id`` names it there, ``item_type`` is what
    its asset has to be (``video`` or ``image``), ``enrichment`` what was extracted from it.
    """

    id: str
    index_id: str
    asset: Asset
    status: VideoStatus
    created_at: datetime
    updated_at: datetime
    indexed_at: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    stream: bool = True
    error: Mapping[str, Any] | None = None
    store_id: str | None = None
    item_id: str | None = None
    item_type: str | None = None
    enrichment: Any = None

    @property
    def asset_id(self) -> str:
        return self.asset.id

    @property
    def tenant(self) -> str:
        return self.asset.tenant

    @property
    def name(self) -> str:
        return self.asset.name


def video_id_of(index_id: str, asset_id: str) -> str:
    """The id of an asset's video in an index: adding it again makes no other."""
    return derived_id("video", index_id, asset_id)


class Status(StrEnum):
    """The life of a task."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (Status.READY, Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Task:
    """A durable job: one asset into one index.

    ``source`` is the absolute path or http(s) URL that the task adds. It is empty where the asset
    was there before; then ``asset_id`` and ``video_id`` are known from the beginning, and
    ``video_id`` stays when the video has been deleted.
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
    video_id: str | None = None
    #: W3C ``traceparent`` of the request that made it.
    trace: str | None = None
