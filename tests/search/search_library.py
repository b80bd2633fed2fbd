"""A small index written by hand, and encoders whose spaces a person can read: one dimension for
each word of a short vocabulary, one for each primary colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from videlicet.models.base import FrameEncoding, ModelCard
from videlicet.models.cards import card, default_cards
from videlicet.rights import OPEN, Grant, Policy, Purpose
from videlicet.search.encode import Encoders
from videlicet.search.engine import Searcher
from videlicet.settings import load
from videlicet.store import Store, TextRow, VectorRow, open_store
from videlicet.types import (
    Asset,
    AssetOwner,
    Box,
    Index,
    Label,
    MediaInfo,
    Modality,
    Observation,
    ScreenText,
    Shot,
    Span,
    Utterance,
    Video,
    VideoStatus,
    derived_id,
    video_id_of,
)

WORDS = ("dog", "cat", "train", "station", "rocket", "coffee", "music", "beach", "gap", "platform")
INGEST = Grant("tester", Purpose.INGEST)
INDEX = Grant("tester", Purpose.INDEX)
SEARCH = Grant("tester", Purpose.SEARCH)
CARDS = {"text": "words", "vision": "colours", "speech": "ears", "ocr": "eyes", "sound": "hum"}
THEN = datetime(2026, 5, 1, tzinfo=UTC)


def words_vector(text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    counts = np.array([text.lower().count(word) for word in WORDS], np.float32)
    length = np.linalg.norm(counts)
    return np.asarray(counts / length if length else counts, np.float32)


def colour_vector(red: float, green: float, blue: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    colour = np.array([red, green, blue], np.float32)
    return np.asarray(colour / np.linalg.norm(colour), np.float32)


def _card(role: str, **facts: Any) -> ModelCard:
    """The card of a stand-in, searched as the starter set is."""
    usual = card(default_cards()[role])
    return replace(usual, id=CARDS[role], space=CARDS[role], needs=(), **facts)


MODELS = {
    CARDS[role]: _card(role, **facts)
    for role, facts in {
        "text": {},
        "vision": {"text_space": "words"},
        "speech": {},
        "ocr": {},
        "sound": {},
    }.items()
}


class WordEncoder:
    card = MODELS["words"]
    dimensions = len(WORDS)
    max_tokens = 20

    def encode(self, texts: Sequence[str]) -> Any:
        return np.stack([words_vector(text) for text in texts])

    def count_tokens(self, text: str) -> int:
        return len(text.split())


class ColourModel:
    card = MODELS["colours"]
    dimensions = 3
    batch_size = 4

    def encode_frames(self, frames: Sequence[Any]) -> FrameEncoding:
        means = np.stack([frame.reshape(-1, 3).mean(axis=0) + 1e-3 for frame in frames])
        rows = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
        return FrameEncoding(rows, rows)


class PitchModel:
    """Which of four pitches a sound has."""

    card = MODELS["hum"]
    dimensions = 4
    window = 4.0

    def embed(self, sound: Any) -> Any:
        spectrum = np.abs(np.fft.rfft(sound))
        pitch = spectrum.argmax() * 16_000 / len(sound)
        row = np.zeros((1, 4), np.float32)
        row[0, int(np.abs(np.array([220, 440, 880, 1760]) - pitch).argmin())] = 1
        return row


class Ears:
    """Hears the word of a pitch."""

    card = MODELS["ears"]

    def speech_spans(self, sound: Any) -> list[tuple[float, float]]:
        loud = float(np.abs(sound).max()) > 0.1
        return [(0.0, len(sound) / 16_000)] if loud else []

    def transcribe(self, sound: Any, language: str | None = None) -> list[Any]:
        heard = PitchModel().embed(sound)[0].argmax()
        text = ("", "train", "", "coffee")[int(heard)]
        return [(0.0, 1.0, Utterance(text, "en", 1.0))] if text else []


ENCODERS: dict[str, object] = {
    model.card.id: model for model in (WordEncoder(), ColourModel(), PitchModel(), Ears())
}


class Shelf:
    """Writes assets of one index, and searches it."""

    def __init__(self, home: Path, *, policy: Policy = OPEN, **settings: Any) -> None:
        self.settings = load(home, weights=home / "weights", **settings)
        self.store: Store = open_store(self.settings, write=True, create=True, policy=policy)
        self.index: Index = self.store.catalog.create_index(
            self.store.scope(INDEX), "videos", CARDS
        )
        self.searcher = Searcher(
            self.store,
            Encoders(CARDS, ENCODERS.__getitem__, MODELS.__getitem__),
            self.settings,
        )

    def add(
        self,
        name: str,
        *,
        shots: Sequence[tuple[float, float]] = ((0, 10),),
        labels: Sequence[tuple[float, float, str]] = (),
        colours: Sequence[tuple[float, float, tuple[float, float, float]]] = (),
        said: Sequence[tuple[float, float, str]] = (),
        read: Sequence[tuple[float, float, str]] = (),
        hummed: Sequence[tuple[float, float, int]] = (),
        metadata: dict[str, Any] | None = None,
        status: VideoStatus = VideoStatus.READY,
    ) -> str:
        asset_id = derived_id("asset", name)
        info = MediaInfo("mp4", Span.of(0, 100), None, (), None)
        asset = Asset(
            asset_id, name, THEN, owner=AssetOwner.INDEX, source=f"/videos/{name}", size=1,
            sha256=derived_id(name) * 2, type="video", recording=info, metadata=metadata or {},
        )  # fmt: skip
        catalog = self.store.catalog
        video = Video(
            video_id_of(self.index.id, asset_id), self.index.id, asset, status, THEN, THEN, THEN,
            asset.metadata,
        )  # fmt: skip
        catalog.put_asset(self.store.scope(INGEST), asset, video)

        def seen(start: float, end: float, modality: Modality, card: str, payload: Any) -> Any:
            return Observation(asset_id, Span.of(start, end), modality, card, payload)

        cuts = [seen(a, b, Modality.SHOT, "cuts", Shot(Span.of(a, b).midpoint)) for a, b in shots]
        label_rows = [
            seen(a, b, Modality.VISUAL, "colours", Label(text, 0.5)) for a, b, text in labels
        ]
        spoken = [
            seen(a, b, Modality.SPEECH, "ears", Utterance(text, "en", 0.9)) for a, b, text in said
        ]
        lines = [
            seen(a, b, Modality.TEXT, "eyes", ScreenText(text, Box(0, 0, 1, 0.1), 0.9))
            for a, b, text in read
        ]
        every = [*cuts, *label_rows, *spoken, *lines]
        catalog.put_observations(self.store.scope(INGEST, self.index.id), asset_id, every)
        self._vectors(
            asset_id, Modality.VISUAL, "words", label_rows, [words_vector(s[2]) for s in labels]
        )
        self._vectors(
            asset_id, Modality.SPEECH, "words", spoken, [words_vector(s[2]) for s in said]
        )
        self._vectors(asset_id, Modality.TEXT, "words", lines, [words_vector(s[2]) for s in read])
        looks = [seen(a, b, Modality.VISUAL, "colours", Label(str(c), 1)) for a, b, c in colours]
        self._vectors(
            asset_id, Modality.VISUAL, "colours", looks, [colour_vector(*c) for _, _, c in colours]
        )
        hums = [seen(a, b, Modality.SOUND, "hum", Label(str(p), 1)) for a, b, p in hummed]
        self._vectors(
            asset_id, Modality.SOUND, "hum", hums,
            [np.eye(4, dtype=np.float32)[p] for _, _, p in hummed],
        )  # fmt: skip
        rows = [TextRow(o.id, o.modality, o.span, o.payload.text) for o in [*spoken, *lines]]
        self.store.texts.put(self.store.scope(INGEST, self.index.id), asset_id, rows)
        return asset_id

    def _vectors(
        self,
        asset_id: str,
        modality: Modality,
        space: str,
        seen: Sequence[Any],
        rows: Sequence[Any],
    ) -> None:
        self.store.vectors.put(
            self.store.scope(INGEST, self.index.id), modality, space, asset_id,
            [VectorRow(o.id, o.span, row) for o, row in zip(seen, rows, strict=True)],
        )  # fmt: skip
