"""Evidence written by hand: what is said, written and seen of a recording, in the space of the
shipped text double, where sentences are alike that share words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise

import numpy as np

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.embedding.spans import TimedVectors
from videlicet.embedding.texts import normalize
from videlicet.models.fakes import IDS, HashedText
from videlicet.types import Asset, EvidenceItem, Index, MediaInfo, Modality, Span, derived_id

ENCODER = HashedText()
THEN = datetime(2026, 5, 1, tzinfo=UTC)
Row = tuple[float, float, str]


def make_evidence(
    seconds: float,
    *,
    said: Sequence[Row] = (),
    read: Sequence[Row] = (),
    labels: Sequence[Row] = (),
    cuts: Sequence[float] = (),
    name: str = "video.mp4",
    start: float = 0,
) -> AssetEvidence:
    """A recording of ``seconds`` seconds from ``start`` on. ``labels`` are what its looks
    show too; ``cuts`` are where shots begin after the first."""
    span = Span.of(start, start + seconds)
    asset_id = derived_id("asset", name)
    items = sorted(
        (
            EvidenceItem(asset_id, Span.of(first, last), modality, text, ("card",), confidence=0.9)
            for modality, rows in (
                (Modality.SPEECH, said),
                (Modality.TEXT, read),
                (Modality.VISUAL, labels),
            )
            for first, last, text in rows
        ),
        key=lambda item: (item.span, item.modality.value, item.text),
    )
    vectors = ENCODER.encode([item.text for item in items])
    edges = [start, *cuts, start + seconds]
    looks = ENCODER.encode([text for *_, text in labels])
    return AssetEvidence(
        Asset(
            asset_id, name, THEN, source=f"/videos/{name}", size=1, sha256=derived_id(name) * 2,
            recording=MediaInfo("mp4", span, None, (), None),
        ),
        Index(derived_id("index"), "videos", IDS, THEN),
        span,
        tuple(items),
        normalize(np.asarray(vectors, np.float32)),
        tuple(Span.of(a, b) for a, b in pairwise(edges)) if cuts else (),
        TimedVectors([Span.of(a, b) for a, b, _ in labels], looks),
    )  # fmt: skip


def moved(made: AssetEvidence, by: Fraction) -> AssetEvidence:
    """The same recording in a container whose timeline begins ``by`` seconds later."""
    media = made.asset.media
    return replace(
        made,
        asset=replace(made.asset, recording=replace(media, span=media.span.shift(by))),
        span=made.span.shift(by),
        items=tuple(
            replace(
                item,
                span=item.span.shift(by),
                words=tuple(replace(word, span=word.span.shift(by)) for word in item.words),
            )
            for item in made.items
        ),
        shots=tuple(shot.shift(by) for shot in made.shots),
        frame_vectors=TimedVectors(
            [span.shift(by) for span in made.frame_vectors.spans], made.frame_vectors.rows
        ),
        curves={
            measure: replace(curve, starts=curve.starts + np.float32(by))
            for measure, curve in made.curves.items()
        },
    )


def talk(sentences: Sequence[str], each: float = 4.0, start: float = 0) -> list[Row]:
    """Sentences said one after the other, with a short pause after each."""
    return [
        (start + each * n, start + each * (n + 1) - 0.5, text) for n, text in enumerate(sentences)
    ]


#: Three subjects of ten sentences each, that share no word that carries meaning.
COFFEE = [
    f"The coffee beans are roasted and ground for espresso in {word}."
    for word in "kitchens cafes roasteries bars houses offices markets schools towns inns".split()
]
ROCKETS = [
    f"Every rocket engine burns fuel to reach orbit above {word}."
    for word in "deserts oceans forests islands cities plains mountains rivers lakes coasts".split()
]
GARDENS = [
    f"Roses and tulips grow best when gardeners water soil with {word}."
    for word in "care rain patience buckets hoses pipes cans pumps tanks wells".split()
]
