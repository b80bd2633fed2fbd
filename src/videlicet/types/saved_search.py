"""Saved searches, and what they found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from videlicet.types.ids import derived_id
from videlicet.types.modality import Modality
from videlicet.types.query import Evidence, Hit, PartKind
from videlicet.types.time import Span


@dataclass(frozen=True, slots=True)
class SavedSearchPart:
    """One part of a saved search's query: words, an asset, or media stored with it."""

    kind: PartKind
    weight: float = 1.0
    text: str | None = None
    asset_id: str | None = None


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search that runs on every new asset of an index. ``error`` says why the last run failed."""

    id: str
    name: str
    index_id: str
    parts: tuple[SavedSearchPart, ...]
    threshold: float
    created_at: datetime
    modalities: frozenset[Modality] = frozenset()
    lanes: frozenset[str] = frozenset()
    filter: Mapping[str, Any] = field(default_factory=dict)
    include_existing: bool = False
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A match of a saved search in one asset: its best moments, best first. ``origin`` is where
    the asset's timeline begins."""

    id: str
    saved_search_id: str
    saved_search_name: str
    index_id: str
    asset_id: str
    asset_name: str
    moments: tuple[Hit, ...]
    origin: Fraction
    created_at: datetime


def match_id(saved_search_id: str, asset_id: str) -> str:
    """A saved search matches an asset once."""
    return derived_id("match", saved_search_id, asset_id)


def hit_to_json(hit: Hit) -> dict[str, Any]:
    """A moment with its evidence, times exact."""
    return {
        "span": hit.span.to_json(),
        "score": hit.score,
        "evidence": [
            {
                "lane": one.lane,
                "modality": one.modality.value,
                "card": one.card,
                "rank": one.rank,
                "score": one.score,
                "contribution": one.contribution,
                "span": one.span.to_json(),
                "text": one.text,
                "frame": None if one.frame is None else str(one.frame),
                "observation_id": one.observation_id,
            }
            for one in hit.evidence
        ],
    }


def hit_from_json(
    row: Mapping[str, Any], index_id: str, asset_id: str, asset_name: str, rank: int
) -> Hit:
    """What :func:`hit_to_json` made."""
    return Hit(
        asset_id=asset_id,
        index_id=index_id,
        asset_name=asset_name,
        span=Span.from_json(row["span"]),
        score=row["score"],
        rank=rank,
        evidence=tuple(_evidence(one) for one in row["evidence"]),
    )


def _evidence(row: Mapping[str, Any]) -> Evidence:
    return Evidence(
        lane=row["lane"],
        modality=Modality(row["modality"]),
        card=row["card"],
        rank=row["rank"],
        score=row["score"],
        contribution=row["contribution"],
        span=Span.from_json(row["span"]),
        text=row["text"],
        frame=None if row["frame"] is None else Fraction(row["frame"]),
        observation_id=row["observation_id"],
    )
