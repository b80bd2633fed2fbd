"""Records for the tests of outputs: assets, evidence, answers."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.embedding.spans import TimedVectors
from videlicet.types import (
    Answer,
    Asset,
    AudioStream,
    Chapter,
    EvidenceItem,
    Index,
    MediaInfo,
    Modality,
    Observation,
    Sentence,
    Span,
    Utterance,
    VideoStream,
    Word,
)

NOW = datetime(2024, 1, 1, tzinfo=UTC)
#: What a hostile file may call itself, or say.
EVIL = """"'><script>alert(1)</script><img src=x onerror=alert(2)> & --> {\\an8} =1+1"""


def asset(
    id: str = "a" * 24,
    name: str = "video.mp4",
    *,
    start: Any = 0,
    seconds: Any = 60,
    rate: str | None = "25",
    sound: bool = True,
    timecode: str | None = None,
    size: tuple[int, int] = (640, 360),
) -> Asset:
    video = None
    if rate is not None:
        video = VideoStream(0, "h264", *size, 0, Fraction(1, 90_000), Fraction(rate), None, False)
    audio = (AudioStream(1, "aac", 48_000, 2, None, True),) if sound else ()
    details = {"tags": {"timecode": timecode}} if timecode else {}
    begin = Fraction(start)
    span = Span(begin, begin + Fraction(seconds))
    media = MediaInfo("mp4", span, video, audio, None, details=details)
    return Asset(id, name, NOW, source=f"/videos/{name}", size=1, sha256="0" * 64, recording=media)


def make_item(
    text: str = "a dog runs", start: Any = 2, end: Any = 3, **changes: Any
) -> EvidenceItem:
    fields: dict[str, Any] = {
        "asset_id": "a" * 24,
        "span": Span.of(start, end),
        "modality": Modality.SPEECH,
        "text": text,
        "cards": ("whisper-tiny.en",),
    }
    return EvidenceItem(**{**fields, **changes})


def answer(*texts: str, found: bool = True, **changes: Any) -> Answer:
    sentences = tuple(Sentence(text, (make_item(text),) if found else ()) for text in texts)
    return Answer(sentences, found, "double", **changes)


def chapter(start: Any, end: Any, title: str = "Title") -> Chapter:
    return Chapter(Span.of(start, end), Sentence(title), ())


def said(
    text: str,
    start: Any,
    end: Any,
    *,
    words: bool = True,
    language: str = "en",
    speaker: str | None = None,
) -> Observation:
    """An utterance whose words share its time evenly."""
    span = Span.of(start, end)
    parts = text.split()
    step = span.duration / max(1, len(parts))
    timed = tuple(
        Word(part, Span(span.start + step * n, span.start + step * (n + 1)), 0.9)
        for n, part in enumerate(parts)
    )
    payload = Utterance(text, language, 0.9, timed if words else (), speaker)
    return Observation("a" * 24, span, Modality.SPEECH, "whisper-tiny.en", payload)


def make_evidence(
    *items: EvidenceItem,
    of: Asset | None = None,
    vectors: Any = None,
    looks: TimedVectors | None = None,
) -> AssetEvidence:
    """Everything known of one asset; items without ``vectors`` have no place in the space."""
    own = of or asset()
    index = Index("i" * 24, "default", {"text": "minilm"}, NOW)
    rows = np.zeros((len(items), 3)) if vectors is None else np.asarray(vectors)
    strip = looks or TimedVectors((), np.zeros((0, 3), np.float32))
    return AssetEvidence(own, index, own.media.span, items, rows.astype(np.float32), (), strip)
