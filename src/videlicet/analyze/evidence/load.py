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
#: Seconds between two sightings of the same thing that are one sighting.
MERGE_GAP = Fraction(2)


#: Pieces with the ids of the observations that they come from.
PiecesWithIds = Iterable[tuple[EvidenceItem, str]]


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

    ``vectors`` (n, d) holds the meaning of each piece in the text encoder's space; a piece that no
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
        """The places of the pieces of some modalities."""
        return [n for n, piece in enumerate(self.items) if piece.modality in modalities]

    def indices_within(self, span: Span, modality: Modality) -> list[int]:
        """The places of the pieces of a modality that share time with a stretch."""
        return [n for n in self._strip.overlapping(span) if self.items[n].modality is modality]

    @cached_property
    def _strip(self) -> TimedVectors:
        return TimedVectors([piece.span for piece in self.items], self.vectors)


def load_evidence(
    scope: IndexScope, store: Store, asset_id: str, within: Span | None = None
) -> AssetEvidence:
    """The evidence of one asset of the scope's index, all of it or what touches ``within``.

    What is said stays in the phrases it was heard in. The same words on the screen, and the same
    thing seen, in stretches that touch are one piece.

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
        ids, strip = rows(kind.modality)
        by_id = dict(zip(ids, strip.rows, strict=True))
        own = [one for one in seen if isinstance(one.payload, kind.payload)]
        pieces_of = _PIECES.get(kind.name, _worded)
        placed += [(piece, by_id.get(id)) for piece, id in pieces_of(own)]
    _, looks = rows(Modality.VISUAL)
    visual = [one for one in seen if one.modality is Modality.VISUAL]
    placed += [(piece, looks.mean(piece.span)) for piece in _label_items(visual)]
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
        items=tuple(piece for piece, _ in placed),
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


def _within(strip: TimedVectors, within: Span | None) -> TimedVectors:
    if within is None:
        return strip
    inside = [n for n, span in enumerate(strip.spans) if span.overlap(within)]
    return TimedVectors([strip.spans[n] for n in inside], strip.rows[inside])


def _worded(seen: Iterable[Observation]) -> PiecesWithIds:
    for one in seen:
        if text := _clean(one.text or ""):
            sure = 1.0 if one.confidence is None else one.confidence
            speech = kind_of(one.payload).speech(one.payload)
            piece = EvidenceItem(
                one.asset_id, one.span, one.modality, text, (one.card,),
                speech.speaker if speech else None, sure, speech.words if speech else (),
            )  # fmt: skip
            yield piece, one.id


def _text_items(seen: Iterable[Observation]) -> PiecesWithIds:
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
            piece = EvidenceItem(
                own[0].asset_id, span, Modality.TEXT, text, _cards(own), confidence=sure
            )
            yield piece, own[0].id


#: Kinds whose pieces are more than their texts.
_PIECES: Mapping[str, Callable[[Iterable[Observation]], PiecesWithIds]] = {
    "text": _text_items,
}


def _label_items(seen: Sequence[Observation]) -> Iterable[EvidenceItem]:
    """The surest class names of each stretch; a name that goes on is one piece."""
    sightings: dict[str, list[tuple[Span, float]]] = {}
    cards: dict[str, list[Observation]] = {}
    for _, rows in groupby(seen, key=lambda one: one.span):
        labels = [(row, row.payload) for row in rows if isinstance(row.payload, Label)]
        labels.sort(key=lambda pair: -pair[1].score)
        for row, label in labels[:MAX_LABELS]:
            if label.score >= MIN_LABEL_SCORE:
                sightings.setdefault(label.name, []).append((row.span, label.score))
                cards.setdefault(label.name, []).append(row)
    for name, found in sightings.items():
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
