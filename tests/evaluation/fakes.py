"""A library whose contents and answers a test chooses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from videlicet.errors import Conflict, StoreError
from videlicet.types import (
    Asset,
    GroupBy,
    Hit,
    MediaInfo,
    Modality,
    Observation,
    SearchPage,
    Span,
    Utterance,
    Video,
    VideoStatus,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass
class FakeLibrary:
    """``answers`` maps a query (words or file name) to (file, start, end), best first."""

    answers: dict[str, list[tuple[str, float, float]]]
    durations: dict[str, float]
    said: dict[str, list[tuple[float, float, str]]] = field(default_factory=dict)
    start: Fraction = Fraction(0)
    broken: frozenset[str] = frozenset()
    exists: bool = False
    ingested: list[str] = field(default_factory=list)
    asked: list[tuple[object, str, int, Sequence[str] | None]] = field(default_factory=list)
    by_id: dict[str, Asset] = field(default_factory=dict)

    def create_index(self, name: str) -> object:
        if self.exists:
            raise Conflict("index_exists", "there is one")
        self.exists = True
        return name

    def ingest(self, *sources: Path, index: str) -> Iterator[str]:
        assert self.exists
        for path in sources:
            self.ingested.append(path.name)
            if path.name not in self.broken:
                self.hold(path)
            yield path.name

    def hold(self, path: Path) -> None:
        span = Span.of(0, self.durations.get(path.name, 10.0)).shift(self.start)
        media = MediaInfo("mp4", span, None, (), None)
        asset = Asset(
            f"id-{path.name}", path.name, NOW, source=str(path), size=1, sha256=sha256(path),
            recording=media,
        )  # fmt: skip
        self.by_id[asset.id] = asset

    def videos(self, index: str) -> list[Video]:
        if not self.exists:
            raise StoreError("store_not_found", "nothing here yet")
        return [
            Video(f"in-{id}", index, asset, VideoStatus.READY, NOW, NOW)
            for id, asset in self.by_id.items()
        ]

    def assets(self, index: str) -> list[Asset]:
        return list(self.by_id.values())

    def observations(self, asset_id: str, modality: Modality, *, index: str) -> list[Observation]:
        assert modality is Modality.SPEECH
        return [
            Observation(
                asset_id,
                Span.of(start, end).shift(self.start),
                Modality.SPEECH,
                "ears",
                Utterance(words, "en", 1.0),
            )
            for start, end, words in self.said.get(self.by_id[asset_id].name, [])
        ]

    def search(
        self,
        query: str | None = None,
        *,
        image: Path | None = None,
        audio: Path | None = None,
        video: Path | None = None,
        assets: Sequence[str] | None = None,
        group_by: GroupBy,
        limit: int,
        index: str,
    ) -> SearchPage:
        given = [x for x in (query, image, audio, video) if x is not None]
        assert len(given) == 1
        self.asked.append((given[0], group_by.value, limit, assets))
        key = given[0] if isinstance(given[0], str) else given[0].name
        rows = [
            (f"id-{file}", file, Span.of(start, end).shift(self.start))
            for file, start, end in self.answers.get(key, [])
            if f"id-{file}" in self.by_id and (assets is None or f"id-{file}" in assets)
        ]
        if group_by is GroupBy.ASSET:
            rows = list({row[0]: row for row in reversed(rows)}.values())[::-1]
        hits = tuple(
            Hit(asset, "index", file, span, 1 / rank, rank, ())
            for rank, (asset, file, span) in enumerate(rows[:limit], 1)
        )
        return SearchPage(hits, len(rows), None, ("eyes",))
