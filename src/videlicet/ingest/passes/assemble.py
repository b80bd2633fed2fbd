"""From finished units to observations and rows: a pure function of the journal.

Nothing here depends on when or in what order the units ran, so a pass that was killed and resumed
ends in the same bytes as one that was not.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from videlicet.embedding.texts import normalize
from videlicet.errors import ModelError
from videlicet.ingest.passes.journal import Entry, Journal
from videlicet.ingest.passes.levels import levels
from videlicet.ingest.plan import IndexingModels, IndexingPlan
from videlicet.models.base import SOUND_RATE
from videlicet.models.cards import partition
from videlicet.store.records import TextRow, VectorRow
from videlicet.types import (
    Label,
    Measure,
    Modality,
    Observation,
    ScreenText,
    Segment,
    Shot,
    Span,
    Utterance,
    Word,
    derived_id,
    instant,
    windows,
)
from videlicet.types.kinds import kind_of, payload_from_json

if TYPE_CHECKING:
    from videlicet.models.base import AudioEncoder, Floats, FrameEncoder, FrameObserver

#: Keys of the records that say that a pass over pictures or sound is complete.
VIDEO_DONE, AUDIO_DONE = "watched", "listened"
#: Key of the record that holds the texts on the screen.
SCREEN_TEXT = "screen"
#: The card of what the shot detector says.
SHOT_CARD = "shot-cuts"
#: Class names kept for a segment, and the least mean probability of one.
LABELS = 5
LEAST_PROBABILITY = 0.02
#: Frames of a segment whose features are at least this similar are one look. Lower values cost
#: recall: a mean over different pictures resembles none of them (docs/decisions/0006-vision.md).
SIMILAR = 0.95


def model_key(key: str, card: str, number: int = 1) -> str:
    """The key of what one model makes of a unit; the first of a role has the unit's own."""
    return key if number == 0 else f"{key}@{card}"


class Incomplete(LookupError):
    """The journal lacks a unit of a pass that has ended: it was ended elsewhere."""


@dataclass(slots=True)
class Findings:
    """Everything one pass found. ``vectors`` is keyed by modality and space, then by row id."""

    observations: list[Observation] = field(default_factory=list)
    vectors: dict[tuple[Modality, str], dict[str, VectorRow]] = field(default_factory=dict)
    texts: list[TextRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def vector(self, modality: Modality, space: str, id: str, span: Span, row: Floats) -> None:
        self.vectors.setdefault((modality, space), {})[id] = VectorRow(id, span, row)


@dataclass(frozen=True, slots=True)
class PooledFrames:
    """Frames as an encoder sees them, averaged; without ``semantics`` where words do not find
    them."""

    features: Floats
    semantics: Floats | None
    labels: tuple[tuple[str, float], ...]


def pool_frames(
    features: Floats, semantics: Floats | None, labels: Sequence[Sequence[tuple[str, float]]]
) -> PooledFrames:
    """Frames (n rows each) as one: the directions of the mean vectors, and the class names with
    the highest mean probability. The one place that decides how frames become a segment."""
    sums: dict[str, float] = {}
    for frame in labels:
        for name, probability in frame:
            sums[name] = sums.get(name, 0.0) + probability / len(labels)
    best = sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:LABELS]
    return PooledFrames(
        normalize(features.mean(axis=0)),
        None if semantics is None else normalize(semantics.mean(axis=0)),
        tuple((name, score) for name, score in best if score >= LEAST_PROBABILITY),
    )


class Frames:
    """The sampled frames of a pass as one model encoded them, read from the journal as they are
    needed."""

    def __init__(self, journal: Journal, batches: Iterable[str]) -> None:
        self._journal = journal
        self.times: list[Fraction] = []
        self._places: list[tuple[str, int]] = []
        for key in batches:
            entry = _entry(journal, key)
            for number, time in enumerate(entry.head["times"]):
                self.times.append(Fraction(time))
                self._places.append((key, number))
        self._open: tuple[str, Entry | None] = ("", None)

    def within(self, span: Span, shot: Span) -> range:
        """Which frames show ``span``: those sampled in it, else the one that is still shown."""
        first, last = bisect_left(self.times, span.start), bisect_left(self.times, span.end)
        if first == last:
            before = bisect_right(self.times, span.start) - 1
            if before < 0 or self.times[before] < shot.start:
                return range(0)
            return range(before, before + 1)
        return range(first, last)

    def similar_runs(self, numbers: range) -> list[range]:
        """``numbers`` cut into runs of frames that look alike."""
        runs = [range(numbers.start, numbers.start + 1)]
        first = self._features(numbers.start)
        for number in numbers[1:]:
            features = self._features(number)
            if float(first @ features) >= SIMILAR:
                runs[-1] = range(runs[-1].start, number + 1)
            else:
                runs.append(range(number, number + 1))
                first = features
        return runs

    def view(self, numbers: range) -> PooledFrames:
        features, semantics, labels = [], [], []
        for number in numbers:
            entry, row = self._frame(number)
            features.append(entry.arrays["features"][row])
            if "semantics" in entry.arrays:
                semantics.append(entry.arrays["semantics"][row])
            labels.append(entry.head["labels"][row])
        return pool_frames(np.stack(features), np.stack(semantics) if semantics else None, labels)

    def _features(self, number: int) -> Floats:
        entry, row = self._frame(number)
        features: Floats = entry.arrays["features"][row]
        return features

    def _frame(self, number: int) -> tuple[Entry, int]:
        key, row = self._places[number]
        if self._open[0] != key:
            self._open = (key, self._journal.get(key))
        entry = self._open[1]
        assert entry is not None
        return entry, row


def shots(span: Span, cuts: Sequence[Fraction]) -> list[Span]:
    """The unbroken takes of ``span`` between ``cuts``."""
    edges = [span.start, *sorted({cut for cut in cuts if span.start < cut < span.end}), span.end]
    return [Span(start, end) for start, end in pairwise(edges) if end > start]


def segments(plan: IndexingPlan, shot: Span) -> Iterator[Segment]:
    """The windows of one shot that are embedded and searched."""
    for span in windows(shot, instant(plan.segment_min), instant(plan.segment_max)):
        yield Segment(plan.asset_id, span, shot)


def assemble(plan: IndexingPlan, models: IndexingModels, journal: Journal) -> Findings:
    """Every observation and row of a pass whose records are all in ``journal``."""
    found = Findings()
    if plan.media.video is not None:
        _pictures(plan, models, journal, found)
    if plan.audio_track is not None:
        _sound(plan, models, journal, found)
    return found


def _pictures(
    plan: IndexingPlan, models: IndexingModels, journal: Journal, found: Findings
) -> None:
    facts = _head(journal, VIDEO_DONE)
    found.notes += facts["notes"]
    span = Span.from_json(facts["span"])
    takes = shots(span, [Fraction(cut) for cut in facts["cuts"]])
    encoded = [
        (encoder, Frames(journal, [model_key(key, encoder.card.id, n) for key in facts["batches"]]))
        for n, encoder in enumerate(models.frame_encoders)
    ]
    for shot in takes:
        inside = encoded[0][1].within(shot, shot) if encoded else range(0)
        keyframe = encoded[0][1].times[inside[len(inside) // 2]] if inside else shot.midpoint
        found.observations.append(
            Observation(plan.asset_id, shot, Modality.SHOT, SHOT_CARD, Shot(keyframe))
        )
        for segment in segments(plan, shot):
            views = [
                (encoder, frames, numbers)
                for encoder, frames in encoded
                if (numbers := frames.within(segment.span, shot))
            ]
            names: dict[str, None] = {}
            for encoder, frames, numbers in views:
                names |= _segment(plan, segment, encoder, frames, numbers, found)
            if views:
                text = TextRow(segment.id, Modality.VISUAL, segment.span, ", ".join(names))
                found.texts.append(text)
    start, values = facts["motion"]
    found.observations += levels(plan.asset_id, Measure.MOTION, Fraction(start), values, span)
    if models.ocr is not None:
        _screen(plan, models, journal, found)
    for observer in models.observers:
        keys = [model_key(key, observer.card.id) for key in facts["batches"]]
        _assemble_observer(
            plan, models, observer, [_entry(journal, key) for key in keys], span, found
        )


def _segment(
    plan: IndexingPlan,
    segment: Segment,
    encoder: FrameEncoder,
    frames: Frames,
    numbers: range,
    found: Findings,
) -> dict[str, None]:
    """Labels for the whole segment; vectors for each of its looks. Returns the labels' names."""
    card, span = encoder.card, segment.span
    visual, asset = Modality.VISUAL, plan.asset_id
    own = partition(plan.cards, card, card.space)
    words = partition(plan.cards, card, card.text_space) if card.text_space else own
    whole = frames.view(numbers)
    for name, score in whole.labels:
        found.observations.append(Observation(asset, span, visual, card.id, Label(name, score)))
    looks = frames.similar_runs(numbers)
    for look, following in pairwise([*looks, range(numbers.stop, numbers.stop)]):
        start = span.start if look.start == numbers.start else frames.times[look.start]
        end = frames.times[following.start] if following else span.end
        visible = Span(start, max(start, end))
        id = derived_id(segment.id, *visible.to_json())
        view = whole if len(looks) == 1 else frames.view(look)
        found.vector(visual, own, id, visible, view.features)
        if view.semantics is not None and words != own:
            found.vector(visual, words, id, visible, view.semantics)
    return dict.fromkeys(name for name, _ in whole.labels)


def _assemble_observer(
    plan: IndexingPlan,
    models: IndexingModels,
    observer: FrameObserver,
    entries: Sequence[Entry],
    span: Span,
    found: Findings,
) -> None:
    """What an observer says of the frames: the same of frames that follow each other is one
    observation."""
    frames = [
        (Fraction(time), payloads)
        for entry in entries
        for time, payloads in zip(entry.head["times"], entry.head["found"], strict=True)
    ]
    vectors = iter([row for entry in entries for row in entry.arrays["vectors"]])
    runs: dict[str, tuple[Fraction, Any, Floats]] = {}
    ends = [*(time for time, _ in frames[1:]), span.end]
    for place, (time, payloads) in enumerate(frames):
        following = frames[place + 1][1] if place + 1 < len(frames) else []
        going_on = {_run_of(row) for row in following}
        for row in payloads:
            vector, key = next(vectors), _run_of(row)
            start, first, meaning = runs.pop(key, (time, row, vector))
            if key in going_on:
                runs[key] = start, first, meaning
            else:
                whole = Span(start, max(start, ends[place]))
                _add_observation(
                    plan, models, observer, payload_from_json(first), whole, meaning, found
                )


def _run_of(row: Mapping[str, Any]) -> str:
    payload = payload_from_json(row)
    return f"{row['kind']}:{kind_of(payload).identity(payload)}"


def _add_observation(
    plan: IndexingPlan,
    models: IndexingModels,
    observer: FrameObserver,
    payload: object,
    span: Span,
    vector: Floats,
    found: Findings,
) -> None:
    kind = kind_of(payload)
    if kind.name not in observer.card.kinds or kind.modality is None:
        raise ModelError(
            "model_failed",
            f"The model {observer.card.id} made an observation of the kind {kind.name}, which its "
            "card does not name.",
            subject=observer.card.id,
        )
    one = Observation(plan.asset_id, span, kind.modality, observer.card.id, payload)
    found.observations.append(one)
    if kind.lanes and (text := one.text):
        found.texts.append(TextRow(one.id, one.modality, span, text))
        found.vector(one.modality, models.text.card.space, one.id, span, vector)


def _screen(plan: IndexingPlan, models: IndexingModels, journal: Journal, found: Findings) -> None:
    entry = _entry(journal, SCREEN_TEXT)
    for (start, end, text), vector in zip(
        entry.head["texts"], entry.arrays["vectors"], strict=True
    ):
        span, payload = Span.from_json((start, end)), payload_from_json(text)
        assert isinstance(payload, ScreenText)
        one = Observation(plan.asset_id, span, Modality.TEXT, plan.cards["ocr"], payload)
        found.observations.append(one)
        found.vector(Modality.TEXT, models.text.card.space, one.id, span, vector)
        found.texts.append(TextRow(one.id, Modality.TEXT, span, payload.text))


def _sound(plan: IndexingPlan, models: IndexingModels, journal: Journal, found: Findings) -> None:
    facts = _head(journal, AUDIO_DONE)
    found.notes += facts["notes"]
    start, bounds = Fraction(facts["start"]), Span.from_json(facts["span"])
    found.observations += levels(plan.asset_id, Measure.LOUDNESS, start, facts["loudness"], bounds)
    for key in facts["speech"]:
        entry = _entry(journal, key)
        origin = start + Fraction(entry.head["start"], SOUND_RATE)
        for (begins, ends, said), vector in zip(
            entry.head["said"], entry.arrays["vectors"], strict=True
        ):
            payload = payload_from_json(said)
            assert isinstance(payload, Utterance)
            span = _placed(begins, ends, origin, bounds)
            words = tuple(
                Word(w.text, w.span.shift(origin).clamp(bounds), w.probability)
                for w in payload.words
            )
            one = Observation(
                plan.asset_id,
                span,
                Modality.SPEECH,
                plan.cards["speech"],
                replace(payload, words=words),
            )
            found.observations.append(one)
            found.vector(Modality.SPEECH, models.text.card.space, one.id, span, vector)
            found.texts.append(TextRow(one.id, Modality.SPEECH, span, payload.text))
    for number, encoder in enumerate(models.audio_encoders):
        _sounds(plan, encoder, number, facts, start, journal, found)


def _sounds(
    plan: IndexingPlan,
    encoder: AudioEncoder,
    number: int,
    facts: Mapping[str, Any],
    start: Fraction,
    journal: Journal,
    found: Findings,
) -> None:
    window = instant(encoder.window)
    space = partition(plan.cards, encoder.card, encoder.card.space)
    for key in facts[model_key("sounds", encoder.card.id, number)]:
        entry = _entry(journal, key)
        first = start + Fraction(entry.head["start"], SOUND_RATE)
        last = first + Fraction(entry.head["length"], SOUND_RATE)
        for place, vector in enumerate(entry.arrays["vectors"]):
            begins = first + place * window
            span = Span(begins, max(begins, min(begins + window, last)))
            id = derived_id(plan.asset_id, "sound", *span.to_json())
            found.vector(Modality.SOUND, space, id, span, vector)


def _placed(start: float, end: float, origin: Fraction, bounds: Span) -> Span:
    """A span given in seconds from ``origin``, on the container's timeline."""
    return Span.of(start, max(start, end)).shift(origin).clamp(bounds)


def _entry(journal: Journal, key: str) -> Entry:
    entry = journal.get(key)
    if entry is None:
        raise Incomplete(f"the journal lacks {key}")
    return entry


def _head(journal: Journal, key: str) -> Any:
    return _entry(journal, key).head
