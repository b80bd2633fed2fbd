"""Evidence written by hand or drawn at random."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.embedding.spans import TimedVectors
from videlicet.models.fakes import HashedText
from videlicet.types import Asset, EvidenceItem, Index, MediaInfo, Modality, Span, derived_id

ENCODER = HashedText()
THEN = datetime(2026, 5, 1, tzinfo=UTC)
SPEECH, TEXT, VISUAL = Modality.SPEECH, Modality.TEXT, Modality.VISUAL

#: One item: its modality, text, start and end in seconds.
Row = tuple[Modality, str, float, float]


def make_evidence(
    *rows: Row, seconds: float = 60.0, cuts: Iterable[float] = (), name: str = "video.mp4"
) -> AssetEvidence:
    """A video with these items, whose shots begin at 0 and at each cut; no pictures are kept."""
    id = derived_id("asset", name)
    items = sorted(
        (EvidenceItem(id, Span.of(start, end), kind, text) for kind, text, start, end in rows),
        key=lambda item: (item.span, item.modality.value, item.text),
    )
    edges = [0.0, *cuts, seconds]
    wide = ENCODER.dimensions
    return AssetEvidence(
        asset=Asset(
            id, name, THEN, size=1, sha256="0" * 64,
            recording=MediaInfo("mp4", Span.of(0, seconds), None, (), None),
        ),
        index=Index(derived_id("index"), "default", {"text": ENCODER.card.id}, THEN),
        span=Span.of(0, seconds),
        items=tuple(items),
        vectors=ENCODER.encode([item.text for item in items]),
        shots=tuple(Span.of(a, b) for a, b in pairwise(edges)),
        frame_vectors=TimedVectors((), np.zeros((0, wide), np.float32)),
    )  # fmt: skip


INVOICE = make_evidence(
    (TEXT, "INVOICE 20931 TOTAL 48.20", 0, 7),
    (SPEECH, "Your invoice has been sent. Payment is due within thirty days of receipt.", 0, 5),
    seconds=7,
    name="invoice.mp4",
)
STATION = make_evidence(
    (TEXT, "PLATFORM 9 DEPARTS 14:05", 0, 11),
    (SPEECH, "Attention please. The train to Edinburgh will depart from platform nine.", 0, 5.5),
    (SPEECH, "Mind the gap between the train and the platform.", 6, 8.75),
    seconds=11.25,
    name="station.mp4",
)
SHOW = make_evidence(
    (TEXT, "MORNING MENU: ESPRESSO $2.50", 0, 9),
    (SPEECH, "Today we learn how to grind coffee beans.", 1, 8),
    (VISUAL, "espresso", 2, 9),
    (TEXT, "LOST CAT - CALL 555-0139", 10, 19),
    (SPEECH, "Our orange cat went missing. There is no dog.", 11, 18),
    (VISUAL, "Egyptian cat", 10, 20),
    (SPEECH, "My name is John Smith, write to john@example.org before 3 March 2026.", 21, 29),
    (TEXT, "BREAKING NEWS", 21, 30),
    seconds=30,
    cuts=(10, 20),
    name="show.mp4",
)

_LINES = (
    "INVOICE 20931 TOTAL 48.20", "due within thirty days", "PLATFORM 9 DEPARTS 14:05",
    "call 555-0139", "mail a.b@example.org or see https://example.org/x",
    "12 March 2026 at 9:30 pm",
    "AB-1234", "no smoking in the station", "the red cat sat on the mat", "espresso", "dog", "cat",
    "It was the best of times.", "seventeen apples and 3.5 pears", "title: A Day Out", "ÄÖ ß 日本",
    "name count price start end red green blue", "yes", "2026-01-31T10:00:00Z", "aaa", "bab",
)  # fmt: skip


@st.composite
def all_evidence(draw: st.DrawFn) -> list[AssetEvidence]:
    """None to two videos with up to twelve items each."""
    found = []
    for number in range(draw(st.integers(0, 2))):
        line = st.sampled_from(_LINES) | st.text(min_size=1, max_size=20)
        rows: list[Row] = []
        for text in draw(st.lists(line, max_size=12)):
            start = draw(st.integers(0, 50))
            length = draw(st.integers(0, 9))
            clean = " ".join(text.split())
            if clean:
                rows.append(
                    (draw(st.sampled_from([SPEECH, TEXT, VISUAL])), clean, start, start + length)
                )
        cuts = sorted(draw(st.sets(st.integers(1, 59), max_size=4)))
        found.append(make_evidence(*rows, cuts=cuts, name=f"video{number}.mp4"))
    return found
