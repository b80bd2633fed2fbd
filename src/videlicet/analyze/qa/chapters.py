"""Chapters: the parts of a recording, each with a title and what it tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from videlicet.analyze.evidence.statements import Statement, screens, seen, spoken
from videlicet.analyze.evidence.topics import inside, topic_spans
from videlicet.analyze.qa.gist import make_title
from videlicet.analyze.qa.phrases import central, specific
from videlicet.analyze.qa.summary import on_screen, select, speech_statements
from videlicet.types import Chapter, Modality, Sentence, Span

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence
    from videlicet.models.base import TextEncoder

#: Sentences that tell of a chapter.
SUMMARY = 2


def chapters(
    evidence: AssetEvidence, encoder: TextEncoder, count: int | None = None
) -> list[Chapter]:
    """The parts of an asset in order: the first begins and the last ends with ``evidence.span``,
    and each begins where the one before ends. ``count`` says how many there are to be; a recording
    that is too short for them has fewer. A part without any evidence is called by its number, and
    its title cites nothing."""
    spans = topic_spans(evidence, count)
    owners = [inside(evidence, span) for span in spans]
    statements = [*spoken(evidence), *screens(evidence)]
    everywhere = _everywhere(evidence, owners)
    phrases = specific([[evidence.items[n] for n in own] for own in owners])
    found: list[Chapter] = []
    taken: set[str] = set()
    for number, (span, own) in enumerate(zip(spans, owners, strict=True)):
        items = [evidence.items[n] for n in own]
        best = central(phrases[number][:12], evidence.vectors[own], encoder, 4) if own else []
        fresh = [one for one in best if one.text.lower() not in taken] or best
        cards = [item for item in items if item.text not in everywhere]
        title = make_title(cards, span, fresh)
        if title is not None and title.text.lower() in taken:
            title = make_title((), span, fresh) or title
        taken |= {title.text.lower()} if title is not None else set()
        found.append(
            Chapter(
                span, title or Sentence(f"Part {number + 1}"), _summary(evidence, span, statements)
            )
        )
    return found


def _everywhere(evidence: AssetEvidence, owners: Sequence[Sequence[int]]) -> set[str]:
    """Texts that stand on the screen in most chapters, such as a station's name: no titles."""
    if len(owners) < 3:
        return set()
    counts = Counter(
        text
        for own in owners
        for text in {
            evidence.items[n].text for n in own if evidence.items[n].modality is Modality.TEXT
        }
    )
    return {text for text, many in counts.items() if many * 2 > len(owners)}


def _summary(
    evidence: AssetEvidence, span: Span, statements: Sequence[Statement]
) -> tuple[Sentence, ...]:
    own = [one for one in statements if span.contains(one.span.midpoint)]
    chosen = select(speech_statements(own), SUMMARY)
    view = seen(evidence, span) if len(chosen) < SUMMARY else None
    if view is not None:
        chosen.append(view)
    chosen = chosen or select(on_screen(own), SUMMARY)
    return tuple(one.sentence() for one in sorted(chosen, key=lambda one: one.span))
