"""The value of a schema's place from the evidence in view, or that there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from videlicet.analyze.extraction.finding.field_intent import (
    TYPED,
    Edge,
    FieldIntent,
    described_intent,
    field_intent,
    item_intent,
)
from videlicet.analyze.extraction.finding.scalars import (
    MIN_COVERAGE,
    MIN_SIMILARITY,
    MODALITIES,
    Candidate,
    booleans,
    choice_text,
    numbers,
    strings,
)
from videlicet.analyze.extraction.segmentation import merged_segments
from videlicet.analyze.extraction.time_fields import time_candidates, time_edge
from videlicet.analyze.schema.shapes import (
    Array,
    Field,
    Flag,
    Form,
    Node,
    Number,
    Record,
    Text,
)
from videlicet.analyze.schema.validation import same
from videlicet.types import Sentence, Span

if TYPE_CHECKING:
    from videlicet.analyze.extraction.finding.sources import Places, Sources

#: Items of a list that no schema limits, and stretches of a list that goes along the video.
ITEMS, STRETCHES = 10, 20
#: Items whose neighbours a field with a vague name looks at first.
NEIGHBOURS = 20
#: Letters of a name that may tell something.
LETTERS = 3
#: Candidates that are tried for one place.
TRIED = 2_000


@dataclass(frozen=True, slots=True)
class FilledValue:
    """A value, what it rests on, and a sentence for each part of it."""

    value: Any
    places: tuple[int, ...]
    sentences: tuple[Sentence, ...]

    @property
    def supported(self) -> bool:
        return bool(self.places)


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """The items that may be used; ``span`` is the stretch of a video that they are from."""

    places: Places
    span: Span | None = None


def texts_to_encode(node: Node, intent: FieldIntent) -> Iterator[str]:
    """Every text that filling a node will ask the encoder for."""
    yield intent.text
    for form in node.forms:
        match form:
            case Text(choices=names) if names is not None:
                yield from map(choice_text, names)
            case Array():
                yield from texts_to_encode(form.items, item_intent(intent, form.items.description))
            case Record():
                for field in form.fields:
                    yield from texts_to_encode(field.node, _below(field, intent))


def fill_node(
    sources: Sources, node: Node, intent: FieldIntent, view: EvidenceView
) -> FilledValue | None:
    """A valid value of a node that rests on evidence, or ``None``: the form that most evidence
    supports, the first of those with as much."""
    found: list[FilledValue] = []
    for form in node.forms:
        filled = _fill_form(sources, node, form, intent, view)
        if filled is not None and node.valid(filled.value):
            found.append(filled)
    return max(found, key=lambda one: len(one.sentences), default=None)


def empty_value(node: Node, intent: FieldIntent) -> FilledValue | None:
    """The value that says nothing, where the schema allows one; a sentence for each part of it
    that is not null says so."""
    if node.empty is None:
        return None
    value = node.empty.value
    record = next((form for form in node.forms if isinstance(form, Record)), None)
    if value is None:
        said: tuple[Sentence, ...] = ()
    elif record is not None and isinstance(value, dict):
        below = (
            empty_value(field.node, _below(field, intent))
            for field in record.fields
            if field.name in value
        )
        said = tuple(one for part in below if part is not None for one in part.sentences)
    else:
        said = (Sentence(f"{intent.label or 'value'}: not found"),)
    return FilledValue(value, (), said)


def _below(field: Field, above: FieldIntent) -> FieldIntent:
    remarks = " ".join(part for part in (field.node.title, field.node.description) if part)
    return field_intent(field.name, remarks, above)


def _fill_form(
    sources: Sources, node: Node, form: Form, intent: FieldIntent, view: EvidenceView
) -> FilledValue | None:
    match form:
        case Text() | Number() | Flag():
            candidates = _candidates(sources, form, intent, view)
            return _first(sources, node, intent, islice(candidates, TRIED))
        case Array():
            return _array(sources, node, form, intent, view)
        case Record():
            return _record(sources, node, form, intent, view)
        case _:
            return None


def _candidates(
    sources: Sources, form: Text | Number | Flag, intent: FieldIntent, view: EvidenceView
) -> Iterator[Candidate]:
    edge = time_edge(form, intent)
    if edge is not None and intent.keys:
        # A time of its own: when what it names is to be seen or heard. Of what is merely near in
        # meaning there is always some.
        relevance, covered = sources.relevance(intent), sources.share(intent)
        best = [
            n for n in _best(sources, intent, view) if max(covered[n], relevance[n]) >= MIN_COVERAGE
        ]
        return time_candidates(sources, form, intent, edge, best[:1], within=view.span)
    if edge is not None:
        return iter(())
    other = (
        described_intent(intent) if _name_is_uninformative(sources, form, intent, view) else None
    )
    match form:
        case Text():
            return strings(sources, other or intent, form, view.places)
        case Number():
            return numbers(sources, other or intent, form, view.places)
        case _:
            return booleans(sources, other or intent, form, view.places)


def _name_is_uninformative(
    sources: Sources, form: Text | Number | Flag, intent: FieldIntent, view: EvidenceView
) -> bool:
    """Whether the name of a field tells nothing of the evidence: it is a letter or two, or no
    item holds a word of it. A name may be worth more than that to a string, which is found by
    meaning too, and to a boolean, which is about the name alone."""
    if intent.role is not None:
        return False
    if intent.words and all(len(word) < LETTERS for word in intent.words):
        return True
    is_covered = bool((sources.coverage(intent.keys)[view.places] > 0).any())
    match form:
        case Number():
            return not is_covered
        case Text():
            other = described_intent(intent)
            return (
                not is_covered
                and not intent.kinds
                and other is not None
                and bool(other.kinds & TYPED)
            )
        case _:
            return False


def _first(
    sources: Sources, node: Node, intent: FieldIntent, candidates: Iterator[Candidate]
) -> FilledValue | None:
    for value, places in candidates:
        if node.valid(value):
            return _cited_value(sources, intent, value, places)
    return None


def _cited_value(
    sources: Sources, intent: FieldIntent, value: Any, places: Sequence[int]
) -> FilledValue:
    cited = tuple(dict.fromkeys(places))
    items = tuple(sources.items[place] for place in cited)
    text = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
    return FilledValue(value, cited, (Sentence(f"{intent.label or 'value'}: {text}", items),))


# -- objects ------------------------------------------------------------------------------------


def _record(
    sources: Sources, node: Node, form: Record, intent: FieldIntent, view: EvidenceView
) -> FilledValue | None:
    """Each field by itself; those whose name tells little beside what the others found; then the
    times, which are those of what the other fields rest on."""
    parts: dict[str, FilledValue] = {}
    vague: list[tuple[Field, FieldIntent]] = []
    late: list[tuple[Field, FieldIntent, Form, Edge]] = []
    for field in form.fields:
        below = _below(field, intent)
        timed = next(
            (
                (one, edge)
                for one in field.node.forms
                if (edge := time_edge(one, below)) is not None
            ),
            None,
        )
        # A time may be that of something of its own: when the menu is shown.
        own = timed is None or (
            not below.is_segment_edge and bool(set(below.keys) - set(intent.keys))
        )
        if timed is None and not below.is_specific and below.role is None:
            vague.append((field, below))
        elif own and (filled := fill_node(sources, field.node, below, view)) is not None:
            parts[field.name] = filled
        elif timed is not None and not (own and below.is_named_time):
            late.append((field, below, *timed))
    known = [n for part in parts.values() for n in part.places][:NEIGHBOURS]
    for field, below in vague:
        near = EvidenceView(sources.beside(view.places, known), view.span)
        filled = fill_node(sources, field.node, below, near) if known else None
        filled = filled or fill_node(sources, field.node, below, view)
        if filled is not None:
            parts[field.name] = filled
    places = [place for part in parts.values() for place in part.places]
    if late and not places and (len(late) == len(form.fields)):
        places = [int(n) for n in view.places] if view.span else _best(sources, intent, view)[:1]
    for field, below, one, edge in late:
        times = time_candidates(sources, one, below, edge, sorted(places), view.span)
        if (filled := _first(sources, field.node, below, times)) is not None:
            parts[field.name] = filled
    if not any(part.supported for part in parts.values()):
        return None
    for field in form.fields:
        if field.name not in parts and (field.required or field.node.nullable):
            nothing = empty_value(field.node, _below(field, intent))
            if nothing is None:
                return None
            parts[field.name] = nothing
    ordered = {field.name: parts[field.name] for field in form.fields if field.name in parts}
    filled = _whole({name: part.value for name, part in ordered.items()}, list(ordered.values()))
    if node.valid(filled.value):
        return filled
    # Fields that need not be there may be what another alternative forbids.
    least = {field.name: ordered[field.name] for field in form.fields if field.required}
    return _whole({name: part.value for name, part in least.items()}, list(least.values()))


def _whole(value: Any, parts: Sequence[FilledValue]) -> FilledValue:
    places = tuple(dict.fromkeys(place for part in parts for place in part.places))
    return FilledValue(value, places, tuple(one for part in parts for one in part.sentences))


def _best(sources: Sources, intent: FieldIntent, view: EvidenceView) -> list[int]:
    """The items that have most to do with something, the first one first."""
    relevance, covered = sources.relevance(intent), sources.share(intent)
    order = view.places[np.argsort(-relevance[view.places], kind="stable")]
    return [int(n) for n in order if relevance[n] >= MIN_SIMILARITY or covered[n] >= MIN_COVERAGE]


# -- arrays -------------------------------------------------------------------------------------


def _array(
    sources: Sources, node: Node, form: Array, intent: FieldIntent, view: EvidenceView
) -> FilledValue | None:
    """Items that differ, those with most evidence first, or in the order of time."""
    most = min(form.most if form.most is not None else ITEMS, 1_000)
    parts: list[FilledValue] = []
    records = any(isinstance(one, Record) for one in form.items.forms)
    limit = STRETCHES if records and form.most is None else most
    if limit:
        for filled in _items(sources, form.items, intent, view, limit):
            if form.distinct and any(same(filled.value, part.value) for part in parts):
                continue
            parts.append(filled)
            if len(parts) >= limit:
                break
    if not any(part.supported for part in parts):
        return None
    while len(parts) < form.fewest:
        nothing = empty_value(form.items, item_intent(intent, form.items.description, len(parts)))
        if nothing is None:
            return None
        parts.append(nothing)
    parts = [_numbered(part, intent, number) for number, part in enumerate(parts)]
    return _whole([part.value for part in parts], parts)


def _numbered(part: FilledValue, intent: FieldIntent, number: int) -> FilledValue:
    """The sentences with the item's number in place of the list's name."""
    old, new = intent.label, f"{intent.label}[{number}]"
    sentences = tuple(
        replace(one, text=new + one.text.removeprefix(old)) if not one.text.startswith(new) else one
        for one in part.sentences
    )
    return replace(part, sentences=sentences)


def _items(
    sources: Sources, node: Node, intent: FieldIntent, view: EvidenceView, most: int
) -> Iterator[FilledValue]:
    below = item_intent(intent, node.description)
    for form in node.forms:
        match form:
            case Record():
                yield from _along(sources, node, form, below, view, most)
            case Array():
                if (filled := fill_node(sources, node, below, view)) is not None:
                    yield filled
            case Text() | Number() | Flag():
                seen: set[str] = set()
                for value, places in islice(_all(sources, form, below, view), TRIED):
                    key = str(value).casefold()
                    if len(places) == 1 and key not in seen and node.valid(value):
                        seen.add(key)
                        yield _cited_value(sources, below, value, places)
            case _:
                pass


def _all(
    sources: Sources, form: Text | Number | Flag, intent: FieldIntent, view: EvidenceView
) -> Iterator[Candidate]:
    """Every candidate of a list: of choices each one by itself, of times each item's."""
    edge = time_edge(form, intent)
    if edge is not None:
        for place in sorted(_best(sources, intent, view)):
            yield from islice(time_candidates(sources, form, intent, edge, [place]), 1)
    elif isinstance(form, Text) and form.choices is not None:
        for name in form.choices:
            yield from strings(sources, intent, replace(form, choices=(name,)), view.places)
    elif not isinstance(form, Flag):
        yield from _candidates(sources, form, intent, view)


def _along(
    sources: Sources, node: Node, form: Record, intent: FieldIntent, view: EvidenceView, most: int
) -> Iterator[FilledValue]:
    """An object for each stretch that says something of it, in the order of time; none twice."""
    values: list[Any] = []
    for part in _stretches(sources, form, intent, view, most):
        filled = _record(sources, node, form, intent, part)
        if filled is None or not node.valid(filled.value):
            continue
        if not any(same(filled.value, value) for value in values):
            values.append(filled.value)
            yield filled


def _stretches(
    sources: Sources, form: Record, intent: FieldIntent, view: EvidenceView, most: int
) -> Iterator[EvidenceView]:
    """The view cut into stretches of each video: of a whole one those it is made of, within one of
    these its events. Where the list is about something ("announcements"), those that have to do
    with it."""
    about = set(_best(sources, intent, view)) if intent.is_specific else None
    first = 0
    for evidence in sources.all_evidence:
        last = first + len(evidence.items)
        own = view.places[(view.places >= first) & (view.places < last)]
        first = last
        if not own.size:
            continue
        spans = (
            merged_segments(evidence, most)
            if view.span is None
            else _events(sources, form, intent, own, view.span, about)
        )
        for span in spans:
            inside = sources.inside(own, span)
            if inside.size and (about is None or about & set(inside.tolist())):
                yield EvidenceView(inside, span)


def _events(
    sources: Sources,
    form: Record,
    intent: FieldIntent,
    places: Places,
    within: Span,
    about: set[int] | None,
) -> list[Span]:
    """The times of items that have to do with what is wanted: of those that its fields ask for."""
    roles = {role for field in form.fields if (role := _below(field, intent).role) in MODALITIES}
    heard = {modality for role in roles for modality in MODALITIES[role]}
    items = (
        sources.items[n]
        for n in map(int, places)
        if (about is None or n in about) and (not heard or sources.items[n].modality in heard)
    )
    return list(dict.fromkeys(sorted(item.span.clamp(within) for item in items)))
