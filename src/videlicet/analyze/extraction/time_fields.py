"""Times in a video: which places of a value ask for one, and how it is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from videlicet.analyze.extraction.finding.field_intent import Edge, FieldIntent
from videlicet.analyze.extraction.finding.scalars import Candidate
from videlicet.analyze.schema.shapes import Form, Number, Text
from videlicet.types import Instant, Span

if TYPE_CHECKING:
    from videlicet.analyze.extraction.finding.sources import Sources


def format_time(moment: Instant, form: str) -> float | str:
    """A time as ``seconds`` (a float), ``hh:mm:ss`` (to the nearest second, halves up) or
    ``hh:mm:ss.fff`` (to the nearest millisecond)."""
    moment = max(moment, Instant(0))
    if form == "seconds":
        return round(float(moment), 3)
    scale = 1_000 if form.endswith("fff") else 1
    parts = int(moment * scale + Instant(1, 2))
    seconds, thousandths = divmod(parts, scale)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours:02d}:{minutes:02d}:{seconds:02d}"
    return f"{text}.{thousandths:03d}" if scale > 1 else text


def time_edge(form: Form, intent: FieldIntent) -> Edge | None:
    """Which time a place asks for, where it does."""
    if isinstance(form, Number) and form.choices is None:
        return (intent.edge or Edge.START) if form.clock else intent.edge
    if isinstance(form, Text) and form.choices is None and form.format is None:
        return (intent.edge or Edge.START) if form.clock else intent.edge
    return None


def time_candidates(
    sources: Sources,
    form: Form,
    intent: FieldIntent,
    edge: Edge,
    places: Sequence[int],
    span: Span | None = None,
    within: Span | None = None,
) -> Iterator[Candidate]:
    """The time of some items of one video, or of the stretch they are from, from the recording's
    start."""
    if not places:
        return
    first = sources.items[places[0]].asset_id
    own = [place for place in places if sources.items[place].asset_id == first]
    spans = [span] if span else [sources.items[place].span for place in own]
    spans = [one.clamp(within) for one in spans] if within else spans
    spans = [sources.assets[first].to_display_time(one) for one in spans]
    moment = (
        min(one.start for one in spans) if edge is Edge.START else max(one.end for one in spans)
    )
    cited = tuple(own)
    if isinstance(form, Number):
        seconds = format_time(moment, "seconds")
        yield (round(float(moment)) if form.whole else seconds), cited
        return
    assert isinstance(form, Text)
    if form.clock:
        yield format_time(moment, form.clock), cited
        return
    forms = ("hh:mm:ss.fff", "hh:mm:ss")
    if "hh:mm:ss" in intent.description and "fff" not in intent.description:
        forms = ("hh:mm:ss", "hh:mm:ss.fff")
    if "mm:ss" in intent.description and "hh:" not in intent.description:
        yield str(format_time(moment, "hh:mm:ss")).removeprefix("00:"), cited
    for one in forms:
        yield format_time(moment, one), cited
    yield f"{float(moment):g}", cited
