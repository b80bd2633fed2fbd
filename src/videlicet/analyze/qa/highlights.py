"""Highlights: the stretches that stand out from the rest of a recording, or that answer a query.

Each window of time has a saliency: how rare what it says and shows is, how loud it is, how much is
said, how much the picture moves and changes, what appears on the screen, and how much it has to do
with the query. Stretches of a few seconds between cuts and pauses compete by their mean saliency.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from videlicet.analyze.evidence.pack import relevance
from videlicet.analyze.evidence.statements import Statement, depths, screens, seen, spoken
from videlicet.analyze.qa.gist import make_title
from videlicet.analyze.qa.phrases import central, specific
from videlicet.analyze.qa.phrases import phrases as phrases_of
from videlicet.analyze.qa.quotes import format_span
from videlicet.analyze.qa.saliency import ASIDE, QUERY, WEIGHTS, Saliency, saliency
from videlicet.analyze.qa.summary import self_contained_scores
from videlicet.embedding.texts import embed_texts
from videlicet.types import Highlight, Instant, Modality, Sentence, Span, instant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.models.base import TextEncoder

    Floats = NDArray[np.float32]

#: Seconds: the shortest and longest stretch, and the best length.
SHORTEST, LONGEST, BEST = 3.0, 15.0, 8.0
#: Seconds of a sentence that may be left out.
SLACK = 0.5
#: Stretches under this share of the best one's saliency stand out no more; nor do stretches that
#: are together more than this share of the recording, unless it is short.
PALE, LARGEST, SHORT = 0.4, 0.6, 20.0
#: Longest title that is a whole sentence, in words.
TITLE = 12


def highlights(
    evidence: AssetEvidence, encoder: TextEncoder, count: int = 5, query: str | None = None
) -> list[Highlight]:
    """At most ``count`` stretches that do not overlap, best first; none where nothing stands out.
    Those that have to do with ``query`` have it among their reasons; where there are none, the
    stretches are those that stand out anyway.

    A title is a phrase or a sentence from the stretch, or its times, which cite nothing. ``score``
    is what the stretch reaches of the most that all reasons together could give.
    """
    query = query if query is None or query.strip() else None
    salient = saliency(evidence, encoder, query)
    if "query" not in salient.reasons:
        query = None
    aside = 1.0 if query is None else ASIDE
    most = sum(aside * WEIGHTS.get(name, QUERY / aside) for name in salient.reasons)
    said = [*spoken(evidence), *screens(evidence)]
    found = _best(evidence, salient, said, count)
    titles = _titles(evidence, [span for span, _ in found], said, encoder, query)
    highlights = []
    for (span, _), title in zip(found, titles, strict=True):
        rows = salient.line.rows(span)
        parts = {name: float(values[rows].mean()) for name, values in salient.reasons.items()}
        total = sum(parts.values())
        reasons = {name: part / total for name, part in parts.items() if part > 0}
        highlights.append(Highlight(span, min(1.0, total / most), title, reasons))
    return sorted(highlights, key=lambda one: -one.score)


def _best(
    evidence: AssetEvidence, salient: Saliency, said: Sequence[Statement], count: int
) -> list[tuple[Span, float]]:
    """The stretches with the highest mean saliency, none over another."""
    sums = np.concatenate([[0.0], np.cumsum(salient.total)])
    if not sums[-1]:
        return []
    scored = []
    for span in _candidates(evidence, said):
        rows = salient.line.rows(span)
        mean = float(sums[rows.stop] - sums[rows.start]) / (rows.stop - rows.start)
        length = float(span.duration)
        scored.append((mean * (1 - 0.02 * abs(length - BEST)), span))
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    whole = float(evidence.span.duration)
    room = whole if whole <= SHORT else LARGEST * whole
    found: list[tuple[Span, float]] = []
    for score, span in scored:
        if len(found) == count or score < PALE * scored[0][0]:
            break
        room_left = room - sum(float(one.duration) for one, _ in found)
        if found and float(span.duration) > room_left:
            continue
        if all(not span.overlap(one) for one, _ in found):
            found.append((span, score))
    return found


def _candidates(evidence: AssetEvidence, said: Sequence[Statement]) -> list[Span]:
    """Stretches of a highlight's length from one cut or pause to another, none of which begins or
    ends in the middle of a sentence that is short enough to be heard whole."""
    whole = evidence.span
    if float(whole.duration) <= SHORTEST:
        return [whole]
    places = {shot.start for shot in evidence.shots}
    places |= {at for one in said for at in (one.span.start, one.span.end)}
    inner = {at for at in places if whole.start < at < whole.end}
    edges = _filled(sorted({whole.start, whole.end, *inner}))
    heard = [one for one in said if one.modality is Modality.SPEECH]
    depth = depths([one for one in heard if float(one.span.duration) <= LONGEST])
    edges = [at for at in edges if at in (whole.start, whole.end) or depth(at) <= SLACK]
    found = []
    for first, start in enumerate(edges):
        for end in edges[first + 1 :]:
            length = float(end - start)
            if length > LONGEST:
                break
            if length >= SHORTEST:
                found.append(Span(start, end))
    return found or [Span(start, end) for start, end in pairwise(edges)]


def _filled(edges: Sequence[Instant]) -> list[Instant]:
    """With places in between where there is neither cut nor pause for long."""
    found = [edges[0]]
    for start, end in pairwise(edges):
        many = -int(-(end - start) // instant(BEST))
        found += [start + (end - start) * n / many for n in range(1, many + 1)]
    return found


def _titles(
    evidence: AssetEvidence,
    spans: Sequence[Span],
    said: Sequence[Statement],
    encoder: TextEncoder,
    query: str | None,
) -> list[Sentence]:
    """What is said, written or seen most tellingly in each stretch."""
    owners = [[item for item in evidence.items if _mostly(item.span, span)] for span in spans]
    phrases = specific(owners)
    if query is not None:
        asked = embed_texts(encoder, [query])
        phrases = [central(own[:12], asked, encoder, 2) for own in phrases]
    found = []
    for span, items, own in zip(spans, owners, phrases, strict=True):
        inside = [one for one in said if _mostly(one.span, span)]
        sentence = _sentence(inside, encoder, query)
        title = sentence or make_title(items, span, own, names=2)
        if title is None and (view := seen(evidence, span)) is not None:
            title = make_title((), span, phrases_of(view.items), names=2)
        found.append(title or Sentence(format_span(evidence.asset.to_display_time(span))))
    return found


def _sentence(
    inside: Sequence[Statement], encoder: TextEncoder, query: str | None
) -> Sentence | None:
    """The sentence of a stretch that tells most, if it is short enough for a title."""
    short = [
        one for one in inside if one.whole and 3 <= one.text.count(" ") + 1 <= TITLE and one.stems
    ]
    if not short:
        return None
    vectors = np.stack([one.vector for one in short])
    merit = self_contained_scores(short, vectors)
    if query is not None:
        merit = merit * np.maximum(
            relevance(short, vectors, query, embed_texts(encoder, [query])[0]), 0.01
        )
    best = short[int(np.argmax(merit))]
    return best.sentence() if best.modality is Modality.SPEECH else None


def _mostly(span: Span, stretch: Span) -> bool:
    shared = span.overlap(stretch)
    return shared * 2 >= min(span.duration, stretch.duration) and shared > 0
