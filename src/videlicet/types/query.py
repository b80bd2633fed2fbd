"""What is asked of an index, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from videlicet.types.modality import Modality
from videlicet.types.time import Instant, Span


class PartKind(StrEnum):
    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class QueryPart:
    """One thing to look for. ``value`` is the words, or the path or bytes of a media file.

    A negative ``weight`` pushes moments that match it down.
    """

    kind: PartKind
    value: str | bytes | Path
    weight: float = 1.0


class GroupBy(StrEnum):
    MOMENT = "moment"
    ASSET = "asset"


@dataclass(frozen=True, slots=True)
class Query:
    """A search. ``modalities`` empty means all; ``filter`` is described in docs/search.md.

    ``lanes`` names the lanes to use, empty for all; each group of modalities in ``all_of`` must
    give evidence for a moment to be a hit.
    """

    parts: tuple[QueryPart, ...]
    modalities: frozenset[Modality] = frozenset()
    filter: Mapping[str, Any] = field(default_factory=dict)
    asset_ids: tuple[str, ...] | None = None
    threshold: float | None = None
    group_by: GroupBy = GroupBy.MOMENT
    page_size: int = 10
    page_token: str | None = None
    lanes: frozenset[str] = frozenset()
    require_all: tuple[frozenset[Modality], ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why one lane ranked a moment: its own rank and score, its share of the fused score, and
    what was matched (words said, text read, a label, the best frame's instant)."""

    lane: str
    modality: Modality
    card: str
    rank: int
    score: float
    contribution: float
    span: Span
    text: str | None = None
    frame: Instant | None = None
    observation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A moment of one asset, best first. ``score`` is the fused score in 0..1."""

    asset_id: str
    index_id: str
    asset_name: str
    span: Span
    score: float
    rank: int
    evidence: tuple[Evidence, ...]
    moments: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of hits. ``total`` counts all hits where this is the last page, and else those
    found so far (at least one more than the pages up to here hold).

    ``withheld_assets`` counts assets the rights policy kept out. ``cards`` names every model used.
    """

    hits: tuple[Hit, ...]
    total: int
    next_page: str | None
    cards: tuple[str, ...]
    withheld_assets: int = 0
    exact: bool = True
