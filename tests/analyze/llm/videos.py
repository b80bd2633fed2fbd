"""Made-up videos, as what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np

from videlicet.analyze.backend import OnSentence, PromptRequest, ignore_sentence
from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.embedding.spans import TimedVectors
from videlicet.models.base import TextEncoder
from videlicet.models.fakes import HashedText
from videlicet.types import (
    Answer,
    Asset,
    Chapter,
    EvidenceItem,
    Gist,
    Highlight,
    Index,
    MediaInfo,
    Modality,
    Sentence,
    Span,
    VideoStream,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INDEX = Index("index-1", "default", {"text": "double-text"}, NOW)
STREAM = VideoStream(0, "h264", 640, 360, 0, Fraction(1, 25), Fraction(25), None, False)
Row = tuple[str, str] | tuple[str, str, float]


def recording(
    *rows: Row,
    name: str = "talk.mp4",
    id: str = "asset-1",
    step: float = 12.0,
    encoder: TextEncoder | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> AssetEvidence:
    """A video of items: what kind each is (``speech``, ``text``, ``visual``), what it says, and
    when it begins: ``step`` seconds after the one before, if it does not say."""
    at = 0.0
    items = []
    for row in rows:
        at = row[2] if len(row) == 3 else at
        items.append(EvidenceItem(id, Span.of(at, at + 4.0), Modality(row[0]), row[1], ("double",)))
        at += step
    span = Span.of(0.0, max(at, 1.0))
    info = MediaInfo("mp4", span, STREAM, (), None)
    asset = Asset(
        id, name, NOW, size=1, sha256="0" * 64, recording=info, metadata=dict(metadata or {})
    )
    vectors = (encoder or HashedText()).encode([item.text for item in items])
    return AssetEvidence(
        asset, INDEX, span, tuple(items), vectors, (span,), TimedVectors((), vectors[:0])
    )


class Plain:
    """A built-in backend for tests of the layer above: first items, halves, and nulls."""

    id = "builtin"

    def gist(self, evidence: AssetEvidence) -> Gist:
        first = Sentence("Built in", evidence.items[:1])
        return Gist(first, (first,), (Sentence("#BuiltIn", evidence.items[:1]),))

    def chapters(self, evidence: AssetEvidence, *, count: int | None = None) -> list[Chapter]:
        middle = evidence.span.midpoint
        spans = (Span(evidence.span.start, middle), Span(middle, evidence.span.end))
        return [Chapter(span, Sentence("Built in", evidence.items[:1]), ()) for span in spans]

    def highlights(
        self, evidence: AssetEvidence, *, count: int = 5, query: str | None = None
    ) -> list[Highlight]:
        spans = [item.span for item in evidence.items[:count]]
        return [Highlight(s, 0.5, Sentence("Built in", evidence.items[:1])) for s in spans]

    def extract(
        self, all_evidence: Sequence[AssetEvidence], schema: Mapping[str, Any], prompt: str = ""
    ) -> Answer:
        return Answer((Sentence("built in"),), False, self.id, value={"kind": "built in"})

    def summarize(
        self,
        all_evidence: Sequence[AssetEvidence],
        *,
        sentences: int = 5,
        focus: str | None = None,
        on_sentence: OnSentence = ignore_sentence,
    ) -> Answer:
        raise AssertionError("the model sums up")

    def ask(
        self,
        all_evidence: Sequence[AssetEvidence],
        question: str,
        *,
        on_sentence: OnSentence = ignore_sentence,
    ) -> Answer:
        raise AssertionError("the model answers")

    def respond(
        self,
        all_evidence: Sequence[AssetEvidence],
        request: PromptRequest,
        *,
        on_sentence: OnSentence = ignore_sentence,
    ) -> Answer:
        raise AssertionError("the model responds")


LAUNCH = recording(
    ("speech", "The rocket launched from Kourou on 12 March."),
    ("speech", "Its two boosters burn for 130 seconds."),
    ("text", "ESA ARIANE FLIGHT VA261"),
    ("visual", "missile"),
    ("speech", "The engineer says the weather was not good in the morning."),
    ("text", "www.esa.example"),
)


def assets_of(*all_evidence: AssetEvidence) -> dict[str, Asset]:
    return {one.asset.id: one.asset for one in all_evidence}


def rows_of(evidence: AssetEvidence) -> dict[int, np.ndarray[Any, Any]]:
    return {id(p): row for p, row in zip(evidence.items, evidence.vectors, strict=True)}
