"""Small libraries to test the store with, the same in every process."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np

from videlicet.rights import EVERY_TENANT, Grant, Purpose, Scope
from videlicet.settings import Settings, load
from videlicet.store import Store, TextRow, VectorRow
from videlicet.types import (
    Asset,
    AssetOwner,
    AudioStream,
    Box,
    Embedding,
    Index,
    Label,
    MediaInfo,
    Modality,
    Observation,
    ScreenText,
    Shot,
    Span,
    Status,
    Task,
    Utterance,
    Video,
    VideoStatus,
    VideoStream,
    Word,
    derived_id,
    video_id_of,
)

INGEST = Grant("tester", Purpose.INGEST)
SEARCH = Grant("tester", Purpose.SEARCH)
MANAGE = Grant("tester", Purpose.MANAGE)
EXPORT = Grant("tester", Purpose.EMBED_EXPORT)
TRAIN = Grant("tester", Purpose.TRAIN)

SPACE = "letters"
DIMENSIONS = 12
THEN = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)


def everything(store: Store) -> Scope:
    """What every tenant has."""
    return store.scope(MANAGE.within(EVERY_TENANT))


def settings(home: Path, **changes: object) -> Settings:
    return load(home, weights=home / "weights", **changes)


def media(
    seconds: int = 20, *, video: bool = True, tags: dict[str, str] | None = None
) -> MediaInfo:
    return MediaInfo(
        container="mp4",
        span=Span(Fraction(1, 3), Fraction(1, 3) + seconds),
        video=VideoStream(
            0, "h264", 640, 360, 90, Fraction(1, 90_000), Fraction(30_000, 1001), 600, False
        )
        if video
        else None,
        audio=(AudioStream(1, "aac", 48_000, 2, "en", True),),
        bit_rate=1_000_000,
        tags=tags or {"title": "A video"},
    )


def asset(name: str = "video.mp4", **changes: object) -> Asset:
    values: dict[str, object] = {
        "id": derived_id("asset", ascii(name)),
        "sha256": derived_id(ascii(name)) * 2,
        "name": name,
        "source": f"/videos/{name}",
        "owner": AssetOwner.INDEX,
        "size": 1234,
        "type": "video",
        "media_type": "video/mp4",
        "recording": media(),
        "created_at": THEN,
        "updated_at": THEN,
    }
    return Asset(**{**values, **changes})  # type: ignore[arg-type]


def observations(of: Asset, count: int = 6, word: str = "harbour") -> list[Observation]:
    """Every kind of payload, in the order of time."""
    found: list[Observation] = []
    for n in range(count):
        span = Span(Fraction(2 * n, 3), Fraction(2 * n + 2, 3))
        payloads = [
            (Modality.SHOT, Shot(span.midpoint)),
            (
                Modality.SPEECH,
                Utterance(
                    f"the {word} number {n} lies quiet", "en", 0.75,
                    (Word(word, span, 0.5),), "speaker",
                ),
            ),
            (Modality.TEXT, ScreenText(f"{word.upper()}-{n}", Box(0.1, 0.2, 0.3, 0.4), 0.9)),
            (Modality.VISUAL, Label(f"{word} {n}", 0.25)),
        ]  # fmt: skip
        found += [Observation(of.id, span, m, "card", payload) for m, payload in payloads]
    return found


def vectors(of: Asset, count: int = 6, dimensions: int = DIMENSIONS) -> list[VectorRow]:
    random = np.random.default_rng(int(of.id[:8], 16))
    rows = random.standard_normal((count, dimensions)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return [
        VectorRow(
            derived_id(of.id, "row", str(n)), Span(Fraction(n, 7), Fraction(n + 1, 7)), rows[n]
        )
        for n in range(count)
    ]


def texts(seen: list[Observation]) -> list[TextRow]:
    return [
        TextRow(one.id, one.modality, one.span, one.payload.text)
        for one in seen
        if isinstance(one.payload, Utterance | ScreenText)
    ]


def embedding(of: Asset) -> Observation:
    vector = np.ones(4, np.float32) / 2
    return Observation(of.id, Span.of(0, 1), Modality.VISUAL, "card", Embedding.of(SPACE, vector))


def entry(index: Index, of: Asset, status: VideoStatus = VideoStatus.READY) -> Video:
    """The video of an asset in an index."""
    return Video(
        video_id_of(index.id, of.id), index.id, of, status, THEN, THEN,
        THEN if status is VideoStatus.READY else None, of.metadata, ("note",),
    )  # fmt: skip


def task(index: Index, id: str = "t1", **changes: object) -> Task:
    values: dict[str, object] = {
        "id": derived_id(id), "index_id": index.id, "source": "/videos/video.mp4",
        "status": Status.QUEUED, "created_at": THEN, "updated_at": THEN,
    }  # fmt: skip
    return Task(**{**values, **changes})  # type: ignore[arg-type]


def enter(store: Store, index: Index, made: Asset) -> Asset:
    """Enter an asset in an index, as ingest does before it puts anything."""
    store.catalog.put_asset(store.scope(INGEST), made, entry(index, made, VideoStatus.INDEXING))
    return made


def add(store: Store, index: Index, name: str, *, word: str = "harbour", count: int = 6) -> Asset:
    """Put a whole asset in, in the order in which ingest does: ready comes last."""
    made = asset(name, metadata={"word": word})
    seen = observations(made, count, word)
    enter(store, index, made)
    store.catalog.put_observations(store.scope(INGEST, index.id), made.id, seen)
    store.vectors.put(
        store.scope(INGEST, index.id), Modality.SPEECH, SPACE, made.id, vectors(made, count)
    )
    store.texts.put(store.scope(INGEST, index.id), made.id, texts(seen))
    store.catalog.add_video(store.scope(INGEST), entry(index, made))
    return made


def check_whole(
    store: Store, index: Index, made: Asset, word: str = "harbour", count: int = 6
) -> None:
    """Assert that an asset is in the store exactly as ``add`` puts it."""
    assert store.catalog.observations(store.scope(SEARCH, index.id), made.id) == observations(
        made, count, word
    )
    rows = vectors(made, count)
    for row in (rows[0], rows[-1]):
        best = store.vectors.search(
            store.scope(SEARCH, index.id), Modality.SPEECH, SPACE, row.vector, 1, [made.id]
        )[0]
        assert [(m.id, m.asset_id, m.span) for m in best] == [(row.id, made.id, row.span)]
    for modality in (Modality.SPEECH, Modality.TEXT):
        found = store.texts.bm25(store.scope(SEARCH, index.id), modality, word, 99, [made.id])
        assert len(found) == count
