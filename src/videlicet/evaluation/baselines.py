"""What a system must beat: an order that never reads the query, and words spoken alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Generic, TypeVar

from videlicet.evaluation.dataset import Dataset
from videlicet.evaluation.metrics import RankedSpan
from videlicet.types import Instant, Span

Key = TypeVar("Key")


def prior_assets(durations: Mapping[str, Instant]) -> list[str]:
    """Documents longest first: the longer a file, the more it holds. The same for every query."""
    return sorted(durations, key=lambda doc: (-durations[doc], doc))


def prior_moments(durations: Mapping[str, Instant], dataset: Dataset) -> list[RankedSpan]:
    """Each file cut into stretches as long as the median right span, middle of the file first and
    longest file first. It is given that length, which no query-free guess could know."""
    spans = [r.span for query in dataset.queries for r in query.relevant if r.span is not None]
    if not spans:
        return []
    length = median(span.duration for span in spans)
    moments: list[tuple[tuple[float, float, str], RankedSpan]] = []
    for doc, duration in durations.items():
        count = max(1, round(duration / length))
        step = duration / count
        for i in range(count):
            span = Span(step * i, step * (i + 1))
            from_middle = abs(span.midpoint - duration / 2)
            moments.append(((float(from_middle), -float(duration), doc), RankedSpan(doc, span)))
    return [found for _, found in sorted(moments, key=lambda row: row[0])]


class SpeechBaseline:
    """BM25 (Lucene's variant, English stop words, no stemming) over transcripts and nothing else.

    ``spoken`` maps each document to what is said in it, with spans from the file's start.
    """

    def __init__(self, spoken: Mapping[str, Sequence[tuple[Span, str]]]) -> None:
        self._assets = _Bm25({doc: " ".join(t for _, t in said) for doc, said in spoken.items()})
        self._moments = _Bm25(
            {RankedSpan(doc, span): words for doc, said in spoken.items() for span, words in said}
        )

    def assets(self, query: str, k: int) -> list[str]:
        """The best ``k`` documents in which any word of the query is said."""
        return self._assets.rank(query)[:k]

    def moments(self, query: str, among: frozenset[str], k: int) -> list[RankedSpan]:
        """The best ``k`` utterances inside the documents ``among``."""
        return [found for found in self._moments.rank(query) if found.document in among][:k]


class _Bm25(Generic[Key]):
    def __init__(self, texts: Mapping[Key, str]) -> None:
        import bm25s

        self._keys = list(texts)
        self._tokenize = bm25s.tokenize
        tokens = bm25s.tokenize(list(texts.values()), return_ids=False, show_progress=False)
        # An index of no words at all cannot be built, and finds nothing.
        self._index = bm25s.BM25() if any(tokens) else None
        if self._index is not None:
            self._index.index(tokens, show_progress=False)

    def rank(self, query: str) -> list[Key]:
        """Keys with a score above 0, best first; equal scores in the order given."""
        if self._index is None:
            return []
        words = self._tokenize([query], return_ids=False, show_progress=False)[0]
        known = [word for word in words if word in self._index.vocab_dict]
        if not known:
            return []
        scores = self._index.get_scores(known)
        order = sorted(range(len(self._keys)), key=lambda i: -scores[i])
        return [self._keys[i] for i in order if scores[i] > 0]
