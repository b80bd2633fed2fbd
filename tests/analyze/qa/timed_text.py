"""Evidence written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.embedding.spans import TimedVectors
from videlicet.models.base import TextEncoder
from videlicet.models.fakes import HashedText
from videlicet.types import Asset, EvidenceItem, Index, MediaInfo, Modality, Span

THEN = datetime(2026, 5, 1, tzinfo=UTC)
#: Start and end in seconds, and what was said, written or seen.
Rows = Sequence[tuple[float, float, str]]
#: Words as directions: texts are as near as the words that they share.
WORDS = HashedText()


def make_evidence(
    name: str = "video.mp4",
    *,
    said: Rows = (),
    written: Rows = (),
    seen: Rows = (),
    encoder: TextEncoder = WORDS,
) -> AssetEvidence:
    """The evidence of one video, which lasts as long as its last item."""
    items = sorted(
        (
            EvidenceItem(f"id-{name}", Span.of(start, end), modality, text, ("a-model",))
            for modality, rows in (
                (Modality.SPEECH, said),
                (Modality.TEXT, written),
                (Modality.VISUAL, seen),
            )
            for start, end, text in rows
        ),
        key=lambda item: (item.span, item.modality.value, item.text),
    )
    whole = Span.of(0, max([1.0, *(float(item.span.end) for item in items)]))
    wide = encoder.dimensions
    return AssetEvidence(
        asset=Asset(
            f"id-{name}",
            name,
            THEN,
            size=1,
            sha256=f"{name:0>64}",
            recording=MediaInfo("mp4", whole, None, (), None),
        ),
        index=Index("index", "default", {}, THEN),
        span=whole,
        items=tuple(items),
        vectors=encoder.encode([p.text for p in items]) if items else np.zeros((0, wide), "f4"),
        shots=(),
        frame_vectors=TimedVectors((), np.zeros((0, wide), np.float32)),
    )


def in_a_row(*phrases: str) -> Rows:
    """Phrases said one after the other, three words a second, without a pause."""
    rows, at = [], 0.0
    for phrase in phrases:
        length = max(1.0, len(phrase.split()) / 3)
        rows.append((at, at + length, phrase))
        at += length
    return rows
