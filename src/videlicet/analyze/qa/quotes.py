"""Evidence put into sentences by fixed templates; nothing is added but where and when it is."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from videlicet.analyze.qa.passages import Passage
from videlicet.analyze.qa.questions import Form, ParsedQuestion
from videlicet.types import Modality, Sentence, Span, merge
from videlicet.types.kinds import modality_phrase

if TYPE_CHECKING:
    from videlicet.analyze.evidence.load import AssetEvidence

#: Stretches that one sentence names.
STRETCHES = 4


def compose(
    found: Sequence[Passage], all_evidence: Sequence[AssetEvidence], question: ParsedQuestion
) -> list[Sentence]:
    """One sentence for each text, with every passage that says so.

    Speech and screens stand as they are where the question is what is said. Where it is when or in
    which video, and for what was seen, the sentence names the time, and of several videos also
    which.
    """
    placed = question.form is not Form.TELL
    named = len(all_evidence) > 1
    groups: dict[tuple[object, ...], list[Passage]] = {}
    for passage in found:
        timed = placed or passage.modality is Modality.VISUAL
        key = (passage.modality, passage.text.casefold(), passage.asset_number if timed else None)
        groups.setdefault(key, []).append(passage)
    return [
        Sentence(
            _sentence(rows, all_evidence, placed, named),
            tuple({item.id: item for row in rows for item in row.items}.values()),
        )
        for rows in groups.values()
    ]


def _sentence(
    rows: Sequence[Passage], all_evidence: Sequence[AssetEvidence], placed: bool, named: bool
) -> str:
    first = rows[0]
    seen = first.modality is Modality.VISUAL
    if not seen and not placed:
        return first.text
    asset = all_evidence[first.asset_number].asset
    times = format_spans([asset.to_display_time(row.span) for row in rows])
    where = f"{modality_phrase(first.modality).capitalize()} at {times}"
    if named:
        where = f"In {asset.name}: {where[0].lower()}{where[1:]}"
    return f"{where}: {first.text}." if seen else f"{where}: “{first.text}”"


def format_spans(spans: Sequence[Span]) -> str:
    """Stretches, from the recording's start, in words, such as ``0:05–0:08 and 1:10–1:12``."""
    times = [format_span(one) for one in merge(spans)[:STRETCHES]]
    return " and ".join(filter(None, [", ".join(times[:-1]), times[-1]]))


def format_span(span: Span) -> str:
    """A stretch from the recording's start (:meth:`Asset.to_display_time`) such as
    ``0:05–1:02:03``, in whole seconds, rounded down."""
    return f"{_clock(span.start)}–{_clock(span.end)}"


def _clock(seconds: Fraction) -> str:
    whole = int(max(seconds, Fraction(0)))
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
