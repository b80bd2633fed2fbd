from __future__ import annotations

from dataclasses import replace

import pytest

from videlicet.errors import InvalidInput
from videlicet.models.base import ModelCard
from videlicet.models.cards import card, chosen_cards, default_cards, with_models
from videlicet.search.lanes import lane_names, lanes_of
from videlicet.types import cards_of
from videlicet.types.kinds import Method


def test_the_lanes_of_the_starter_set() -> None:
    """The constants that docs/decisions/0005-fusion.md was measured with."""
    vision = "efficientnet-lite1+2"
    text, spoken = "all-minilm-l6-v2", "whisper-tiny.en"
    assert [
        (lane.name, lane.card, lane.space, *_constants(lane))
        for lane in lanes_of(default_cards(), card)
    ] == [
        ("scene", vision, text, 0.20, 0.70, 0.9),
        ("speech", text, text, 0.30, 1.00, 0.9),
        ("speech-words", spoken, "", 0.40, 1.00, 0.6),
        ("screen", text, text, 0.35, 1.00, 0.8),
        ("screen-words", "pp-ocrv6-small", "", 0.40, 1.00, 0.7),
        ("screen-substring", "pp-ocrv6-small", "", 0.50, 1.00, 0.6),
        ("speech-phrase", spoken, "", 0.0, 1.0, 0.95),
        ("screen-phrase", "pp-ocrv6-small", "", 0.0, 1.0, 0.95),
        ("frames", vision, vision, 0.20, 1.00, 0.9),
        ("sound", "whisper-tiny.en-sound", "whisper-tiny.en-sound", 0.40, 1.00, 0.9),
    ]


def _constants(lane: object) -> tuple[float, float, float]:
    one = lane.calibration  # type: ignore[attr-defined]
    return one.floor, one.full, one.weight


def test_two_encoders_of_frames_have_a_lane_each() -> None:
    cards = with_models(default_cards(), {"vision": ["efficientnet-lite1+2", "efficientnet-lite0"]})
    assert cards_of(cards, "vision") == ["efficientnet-lite1+2", "efficientnet-lite0"]
    scenes = [lane for lane in lanes_of(cards, card) if lane.name == "scene"]
    assert [(one.card, one.space) for one in scenes] == [
        ("efficientnet-lite1+2", "all-minilm-l6-v2"),
        # Both translate into one text space, and their vectors do not mix.
        ("efficientnet-lite0", "all-minilm-l6-v2@efficientnet-lite0"),
    ]


def test_words_find_frames_through_a_text_encoder_of_their_space() -> None:
    def find(id: str) -> ModelCard:
        if id == "two-tower":
            frames = card("efficientnet-lite0")
            return replace(frames, id=id, space="shared", text_space="shared", needs=())
        return replace(card("all-minilm-l6-v2"), id=id, space=id)

    cards = {"text": "meaning", "text+shared": "shared", "vision": "two-tower"}
    (scene, frames) = lanes_of(cards, find)
    assert (scene.encoder, scene.space) == ("shared", "shared")
    assert (frames.encoder, frames.space) == ("two-tower", "shared")
    with pytest.raises(InvalidInput, match="No text encoder of the index shares the space"):
        lanes_of({"text": "meaning", "vision": "two-tower"}, find)


def test_an_index_without_a_role_has_none_of_its_lanes() -> None:
    cards = {"text": "all-minilm-l6-v2", "ocr": "pp-ocrv6-small"}
    lanes = lanes_of(cards, card)
    assert {lane.modality for lane in lanes} == {"text"}
    assert all(lane.encoder == "all-minilm-l6-v2" for lane in lanes if lane.space)
    assert Method.PHRASE in {lane.method for lane in lanes}


def test_every_lane_has_a_name_that_requests_may_use() -> None:
    assert {lane.name for lane in lanes_of(default_cards(), card)} <= set(lane_names())


def test_a_role_that_is_named_twice_has_both_cards() -> None:
    cards = chosen_cards("vision=efficientnet-lite1,vision=efficientnet-lite2,speech=whisper-base")
    assert cards["vision"] == "efficientnet-lite1"
    assert cards["vision+efficientnet-lite2"] == "efficientnet-lite2"
    assert cards["speech"] == "whisper-base"


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("speech", "names roles as in"),
        ("smell=whisper-base", "no role 'smell'"),
        ("vision=whisper-base", "'whisper-base' is for speech, not for vision"),
        ("speech=whisper-base,speech=whisper-tiny.en", "one model for speech"),
    ],
)
def test_a_setting_that_names_no_models_is_refused(setting: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        chosen_cards(setting)
