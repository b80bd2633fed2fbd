"""What one ingest is going to do, fixed before it starts so that every retry does the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.errors import MediaError
from videlicet.media.process import open_media, readable
from videlicet.store.catalog.rows import media_from_json, media_to_json
from videlicet.types import MediaInfo, cards_of, derived_id, video_id_of

if TYPE_CHECKING:
    from videlicet.models.base import (
        AudioEncoder,
        FrameEncoder,
        FrameObserver,
        OcrReader,
        SpeechRecognizer,
        TextEncoder,
    )
    from videlicet.settings import Settings

#: Raised when the same bytes, models and settings come to give other observations.
PIPELINE_VERSION = 2


@dataclass(frozen=True, slots=True)
class IndexingPlan:
    """One file to be observed for one index (for none, with an empty ``index_id``).

    ``stamp`` (size, time of change, file number) tells whether the file is still the one that was
    hashed. ``blob`` is the original's key where it was fetched instead of found.
    """

    index_id: str
    asset_id: str
    sha256: str
    name: str
    stamp: tuple[int, ...]
    media: MediaInfo
    cards: Mapping[str, str]
    sample_rate: float
    segment_min: float
    segment_max: float
    blob: str | None = None
    media_type: str | None = None

    @property
    def work_name(self) -> str:
        """Names the work among everything that is worked on: the same asset may be at work for two
        indexes at once."""
        return work_name(self.index_id, self.asset_id) if self.index_id else self.asset_id

    @property
    def audio_track(self) -> int | None:
        """The sound track that is listened to."""
        return self.media.audio[0].index if self.media.audio else None

    @property
    def key(self) -> str:
        """Names everything the observations depend on."""
        matter = {
            "cards": dict(sorted(self.cards.items())),
            "sample_rate": self.sample_rate,
            "segment": [self.segment_min, self.segment_max],
            "edition": PIPELINE_VERSION,
        }
        return derived_id(self.asset_id, json.dumps(matter, sort_keys=True))

    def to_json(self) -> dict[str, Any]:
        row = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            **row,
            "stamp": list(self.stamp),
            "cards": dict(self.cards),
            "media": media_to_json(self.media),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> IndexingPlan:
        media = media_from_json(row["media"])
        # A plan that was made when the role ocr was called reader.
        cards = {"ocr" if role == "reader" else role: card for role, card in row["cards"].items()}
        return cls(**{**row, "stamp": tuple(row["stamp"]), "media": media, "cards": cards})


@dataclass(frozen=True, slots=True)
class IndexingModels:
    """The models that observe for one index; none or ``None`` where the index does without."""

    text: TextEncoder
    frame_encoders: tuple[FrameEncoder, ...] = ()
    ocr: OcrReader | None = None
    speech: SpeechRecognizer | None = None
    audio_encoders: tuple[AudioEncoder, ...] = ()
    observers: tuple[FrameObserver, ...] = ()

    @classmethod
    def of(cls, cards: Mapping[str, str], load: Callable[[str], Any]) -> IndexingModels:
        """The models of the ``cards`` of an index; ``load`` gives that of a card. Further text
        encoders are for queries only, and so are not loaded."""
        return cls(
            text=load(cards["text"]),
            frame_encoders=tuple(map(load, cards_of(cards, "vision"))),
            ocr=load(cards["ocr"]) if "ocr" in cards else None,
            speech=load(cards["speech"]) if "speech" in cards else None,
            audio_encoders=tuple(map(load, cards_of(cards, "sound"))),
            observers=tuple(map(load, cards_of(cards, "observer"))),
        )


#: Begins the names of folders that a server puts uploads into before anything is known of them.
INCOMING = "incoming-"


def work_name(index_id: str, asset_id: str) -> str:
    """What unfinished work on an asset in an index goes by on one machine."""
    return video_id_of(index_id, asset_id)


def staging(settings: Settings, name: str) -> Path:
    """Where unfinished work lies: by :func:`work_name`, by task (what it has fetched), and by asset
    (while that is made ready)."""
    return settings.home / "staging" / name


def stamp_of(facts: os.stat_result) -> tuple[int, ...]:
    """What changes with a file's content."""
    return (facts.st_size, facts.st_mtime_ns, facts.st_ino)


def require_unmodified(path: Path, stamp: tuple[int, ...]) -> None:
    """Refuse a file that is not as it was at its stamp.

    Raises:
        MediaError: ``source_missing``.
    """
    with open_media(path) as file:
        now = stamp_of(os.fstat(file.fileno()))
    if now != stamp:
        raise MediaError(
            "source_missing",
            f"{readable(path)} was changed while it was being read.",
            subject=readable(path),
        )
