"""What is known of one asset, ready to be analysed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from videlicet.embedding.spans import TimedVectors
from videlicet.embedding.texts import normalize
from videlicet.errors import InvalidInput
from videlicet.models.cards import card
from videlicet.types import (
    Asset,
    EvidenceItem,
    Label,
    Levels,
    Measure,
    Modality,
    Observation,
    ScreenText,
    Span,
    merge,
)
from videlicet.types.kinds import all_kinds, kind_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.rights import IndexScope
    from videlicet.store import Store
    from videlicet.types import Index

    Floats = NDArray[np.float32]

#: Least mean probability of a class name that counts as seen.
MIN_LABEL_SCORE = 0.15
#: Class names that count for one stretch.
MAX_LABELS = 3
#: Seconds between two occurrences of a label that are merged.
MERGE_GAP = Fraction(2)


#: Items with the ids of the observations that they come from.
ItemsWithIds = Iterable[tuple[EvidenceItem, str]]


@dataclass(frozen=True, slots=True)
class Curve:
    """What was measured along the time: ``values`` (n,) from each of ``starts`` (n,), in seconds,
    for ``step`` seconds."""

    starts: Floats
    values: Floats
    step: float


@dataclass(frozen=True)
class AssetEvidence:
    """Everything that is known of one asset within ``span``, in the order of time.

    ``vectors`` (n, d) holds the meaning of each item in the text encoder's space; an item that no
    model has placed there has a row of zeros. ``looks`` is what the pictures show along the time,
    in the same space (no rows for a sound recording). ``curves`` has what was measured of it; a
    recording that was indexed before something was measured has no curve of it.
    """

    asset: Asset
    index: Index
    span: Span
    items: tuple[EvidenceItem, ...]
    vectors: Floats
    shots: tuple[Span, ...]
    frame_vectors: TimedVectors
    curves: Mapping[Measure, Curve] = field(default_factory=dict)

    def indices_of(self, *modalities: Modality) -> list[int]:
        """The places of the items of some modalities."""
        return [n for n, item in enumerate(self.items) if item.modality in modalities]

    def indices_within(self, span: Span, modality: Modality) -> list[int]:
        """The places of the items of a modality that share time with a stretch."""
        return [n for n in self._strip.overlapping(span) if self.items[n].modality is modality]

    @cached_property
    def _strip(self) -> TimedVectors:
        return TimedVectors([item.span for item in self.items], self.vectors)


def load_evidence(
    scope: IndexScope, store: Store, asset_id: str, within: Span | None = None
) -> AssetEvidence:
    """The evidence of one asset of the scope's index, all of it or what touches ``within``.

    What is said stays in the phrases it was heard in. The same words on the screen, and the same
    thing seen, in stretches that touch are one item.

    Raises:
        NotFound: the asset is unknown.
        InvalidInput: ``invalid_argument``, ``within`` lies outside of the asset.
    """
    asset = store.catalog.asset(scope, asset_id)
    if (video := store.catalog.video_of(scope, asset_id)) is not None:
        # What was attached to it in this index belongs to it too.
        asset = replace(asset, metadata={**asset.metadata, **video.metadata})
    whole = asset.media.span
    if within is not None and not within.overlap(whole):
        raise InvalidInput(
            "invalid_argument",
            f"{asset.name} has no second from {float(within.start):g} to {float(within.end):g}.",
            subject="within",
        )
    seen = store.catalog.observations(scope, asset_id, None, within)
    shots = [one.span for one in seen if one.modality is Modality.SHOT]
    text_space = card(scope.index.cards["text"]).space

    def rows(modality: Modality) -> tuple[Sequence[str], TimedVectors]:
        found = store.vectors.of_asset(scope, modality, text_space, asset_id)
        if found is None:
            return (), TimedVectors((), np.zeros((0, 1), np.float32))
        return found.ids, TimedVectors(found.spans, found.vectors)

    placed: list[tuple[EvidenceItem, Floats | None]] = []
    for kind in all_kinds():
        if not kind.lanes or kind.modality is None:
            continue
        ids, timed = rows(kind.modality)
        by_id = dict(zip(ids, timed.rows, strict=True))
        own = [one for one in seen if isinstance(one.payload, kind.payload)]
        items_of = _ITEMS.get(kind.name, _worded)
        placed += [(item, by_id.get(id)) for item, id in items_of(own)]
    _, looks = rows(Modality.VISUAL)
    visual = [one for one in seen if one.modality is Modality.VISUAL]
    placed += [(item, looks.mean(item.span)) for item in _label_items(visual)]
    placed.sort(key=lambda row: (row[0].span, row[0].modality.value, row[0].text))
    wide = max([looks.rows.shape[1], *(len(v) for _, v in placed if v is not None)])
    vectors = np.zeros((len(placed), wide), np.float32)
    for number, (_, vector) in enumerate(placed):
        if vector is not None:
            vectors[number] = vector
    return AssetEvidence(
        asset=asset,
        index=scope.index,
        span=whole if within is None else within.clamp(whole),
        items=tuple(item for item, _ in placed),
        vectors=normalize(vectors),
        shots=tuple(dict.fromkeys(shots)),
        frame_vectors=_within(looks, within),
        curves=_curves(seen),
    )


def _curves(seen: Iterable[Observation]) -> dict[Measure, Curve]:
    measured: dict[Measure, list[tuple[float, Levels]]] = {}
    for one in seen:
        if isinstance(one.payload, Levels):
            row = float(one.span.start), one.payload
            measured.setdefault(one.payload.measure, []).append(row)
    curves = {}
    for measure, rows in measured.items():
        step = float(rows[0][1].step)
        starts = [start + step * n for start, one in rows for n in range(len(one.values))]
        values = [value for _, one in rows for value in one.values]
        curves[measure] = Curve(np.array(starts, np.float32), np.array(values, np.float32), step)
    return curves


def _within(vectors: TimedVectors, within: Span | None) -> TimedVectors:
    if within is None:
        return vectors
    inside = [n for n, span in enumerate(vectors.spans) if span.overlap(within)]
    return TimedVectors([vectors.spans[n] for n in inside], vectors.rows[inside])


def _worded(seen: Iterable[Observation]) -> ItemsWithIds:
    for one in seen:
        if text := _clean(one.text or ""):
            sure = 1.0 if one.confidence is None else one.confidence
            speech = kind_of(one.payload).speech(one.payload)
            item = EvidenceItem(
                one.asset_id, one.span, one.modality, text, (one.card,),
                speech.speaker if speech else None, sure, speech.words if speech else (),
            )  # fmt: skip
            yield item, one.id


def _text_items(seen: Iterable[Observation]) -> ItemsWithIds:
    by_text: dict[str, list[Observation]] = {}
    for one in seen:
        assert isinstance(one.payload, ScreenText)
        by_text.setdefault(_clean(one.payload.text), []).append(one)
    for text, rows in by_text.items():
        if not text:
            continue
        for span in merge((row.span for row in rows), MERGE_GAP):
            own = [row for row in rows if _in(row.span, span)]
            sure = max(row.payload.confidence for row in own if isinstance(row.payload, ScreenText))
            item = EvidenceItem(
                own[0].asset_id, span, Modality.TEXT, text, _cards(own), confidence=sure
            )
            yield item, own[0].id


#: Kinds whose items are more than their texts.
_ITEMS: Mapping[str, Callable[[Iterable[Observation]], ItemsWithIds]] = {
    "text": _text_items,
}


def _label_items(seen: Sequence[Observation]) -> Iterable[EvidenceItem]:
    """The surest class names of each stretch; a name that goes on is one item."""
    label_scores: dict[str, list[tuple[Span, float]]] = {}
    cards: dict[str, list[Observation]] = {}
    for _, rows in groupby(seen, key=lambda one: one.span):
        labels = [(row, row.payload) for row in rows if isinstance(row.payload, Label)]
        labels.sort(key=lambda pair: -pair[1].score)
        for row, label in labels[:MAX_LABELS]:
            if label.score >= MIN_LABEL_SCORE:
                label_scores.setdefault(label.name, []).append((row.span, label.score))
                cards.setdefault(label.name, []).append(row)
    for name, found in label_scores.items():
        for span in merge((one for one, _ in found), MERGE_GAP):
            own = {one: score for one, score in found if _in(one, span)}
            sure = _mean(own)
            yield EvidenceItem(
                cards[name][0].asset_id, span, Modality.VISUAL, name, _cards(cards[name]),
                confidence=sure,
            )  # fmt: skip


def _mean(scores: Mapping[Span, float]) -> float:
    """The mean over the time it was seen; instants count like the shortest stretch there is."""
    weights = {span: float(span.duration) or 1e-3 for span in scores}
    return sum(scores[span] * weight for span, weight in weights.items()) / sum(weights.values())


def _in(span: Span, whole: Span) -> bool:
    return whole.start <= span.start and span.end <= whole.end


def _cards(rows: Iterable[Observation]) -> tuple[str, ...]:
    return tuple(sorted({row.card for row in rows}))


def _clean(text: str) -> str:
    return " ".join(text.split())
