"""The lanes: each looks for one kind of evidence and says how far to trust it.

The lanes of an index follow from its cards: a frame or audio encoder is searched in its spaces,
and the texts of each kind of observation that a card makes in the ways that the kind names. A
lane's raw score becomes *evidence* in 0..1 by a fixed affine map, a :class:`Calibration` of the
card or the kind. Fixed maps, unlike ranks, keep "nothing here matches" apart from "the best of a
bad lot" (Bruch, Gai and Ingber, *An Analysis of Fusion Functions for Hybrid Retrieval*, 2023, call
this theoretical min-max). docs/decisions/0005-fusion.md has the ablation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from videlicet.errors import InvalidInput
from videlicet.models.base import ModelCard
from videlicet.models.cards import card, partition
from videlicet.types import Calibration, Modality, PartKind, Span, cards_of
from videlicet.types.kinds import KINDS, Method, ObservationKind, TextLane, all_kinds, searchable

FindCard = Callable[[str], ModelCard]

_WORDS = frozenset({PartKind.TEXT})
_PICTURES = frozenset({PartKind.IMAGE, PartKind.VIDEO})
_SOUNDS = frozenset({PartKind.AUDIO, PartKind.VIDEO})
#: Lanes of vectors of frames and sounds, by the kinds of query they take.
_SCENE, _FRAMES, _SOUND = "scene", "frames", "sound"


@dataclass(frozen=True, slots=True)
class Lane:
    """One way to find evidence in one index.

    ``card`` is the model whose observations or vectors are searched. For a semantic lane,
    ``encoder`` is the card that encodes the query and ``space`` the name under which the store
    holds the vectors.
    """

    name: str
    modality: Modality
    method: Method
    card: str
    queries: frozenset[PartKind]
    calibration: Calibration
    encoder: str = ""
    space: str = ""


def lanes_of(cards: Mapping[str, str], find_card: FindCard) -> tuple[Lane, ...]:
    """The lanes of an index with these ``cards``.

    Several encoders of one capability have a lane of the same name each; of a moment, the one that
    gives the strongest evidence counts.

    Raises:
        NotFound: ``model_not_found``.
        InvalidInput: ``invalid_argument``, no text encoder shares the space of a frame encoder.
    """
    kinds = list(_kind_lanes(cards, find_card))
    phrases = [lane for lane in kinds if lane.method is Method.PHRASE]
    return (
        *_scene_lanes(cards, find_card),
        *(lane for lane in kinds if lane.method is not Method.PHRASE),
        *phrases,
        *_media_lanes(cards, find_card, "vision", _FRAMES, Modality.VISUAL, "image", _PICTURES),
        *_media_lanes(cards, find_card, "sound", _SOUND, Modality.SOUND, "audio", _SOUNDS),
    )


def modalities_of(cards: Mapping[str, str]) -> list[Modality]:
    """What an index with these ``cards`` can be searched by."""
    there = {lane.modality for lane in lanes_of(cards, card)}
    return [modality for modality in searchable() if modality in there]


def lane_names() -> list[str]:
    """The names of all lanes that an index may have."""
    named = [lane.name for kind in all_kinds() for lane in kind.lanes]
    return [_SCENE, *named, _FRAMES, _SOUND]


def _scene_lanes(cards: Mapping[str, str], find_card: FindCard) -> Iterator[Lane]:
    """Words against frames."""
    for frames in map(find_card, cards_of(cards, "vision")):
        calibration = _calibration(frames, _SCENE, "text")
        if frames.text_space and calibration is not None:
            yield Lane(
                _SCENE,
                Modality.VISUAL,
                Method.SEMANTIC,
                frames.id,
                _WORDS,
                calibration,
                _text_encoder(cards, frames, find_card),
                partition(cards, frames, frames.text_space),
            )


def _text_encoder(cards: Mapping[str, str], frames: ModelCard, find_card: FindCard) -> str:
    """The text encoder that shares the space of a frame encoder: of the index, or the one that the
    frame encoder itself names."""
    for id in (*cards_of(cards, "text"), *frames.needs):
        one = find_card(id)
        if one.role == "text" and one.space == frames.text_space:
            return id
    raise InvalidInput(
        "invalid_argument",
        f"No text encoder of the index shares the space {frames.text_space!r} of {frames.id}.",
        subject=frames.id,
    )


def _media_lanes(
    cards: Mapping[str, str],
    find_card: FindCard,
    role: str,
    name: str,
    modality: Modality,
    query: str,
    queries: frozenset[PartKind],
) -> Iterator[Lane]:
    """Pictures against frames, sounds against sounds."""
    for one in map(find_card, cards_of(cards, role)):
        calibration = _calibration(one, name, query)
        if calibration is not None:
            space = partition(cards, one, one.space)
            yield Lane(name, modality, Method.SEMANTIC, one.id, queries, calibration, one.id, space)


#: Roles whose observations have texts, in the order of their lanes.
_OBSERVING = ("vision", "speech", "ocr", "sound", "observer")


def _kind_lanes(cards: Mapping[str, str], find_card: FindCard) -> Iterator[Lane]:
    """The texts of every kind of observation that a card of the index makes."""
    text = find_card(cards["text"])
    met: set[str] = set()
    for role in _OBSERVING:
        for one in map(find_card, cards_of(cards, role)):
            for kind in map(KINDS.get, one.kinds):
                if kind.name not in met:
                    yield from _text_lanes(kind, one, text)
                met.add(kind.name)


def _text_lanes(kind: ObservationKind[object], model: ModelCard, text: ModelCard) -> Iterator[Lane]:
    for lane in kind.lanes:
        assert kind.modality is not None
        semantic = lane.method is Method.SEMANTIC
        yield Lane(
            lane.name,
            kind.modality,
            lane.method,
            # What is compared by meaning is compared by the text encoder.
            text.id if semantic else model.id,
            lane.queries,
            _text_calibration(lane, text),
            text.id if semantic else "",
            text.space if semantic else "",
        )


def _text_calibration(lane: TextLane, text: ModelCard) -> Calibration:
    found = lane.calibration or _calibration(text, lane.name, "text")
    if found is None:
        raise InvalidInput(
            "invalid_argument",
            f"The text encoder {text.id} has no calibration for text.",
            subject=text.id,
        )
    return found


def _calibration(model: ModelCard, lane: str, query: str) -> Calibration | None:
    return model.calibration.get(lane) or model.calibration.get(query)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing one lane found for one part of the query."""

    lane: Lane
    part: int
    asset_id: str
    span: Span
    rank: int
    score: float
    evidence: float
    row_id: str
    text: str | None = None
