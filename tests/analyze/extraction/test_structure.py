"""Segments that a definition describes by how a video is made."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.analyze.extraction.evidence_factory import (
    ENCODER,
    SHOW,
    SPEECH,
    STATION,
    TEXT,
    VISUAL,
    make_evidence,
)

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.evidence.topics import topic_spans
from videlicet.analyze.extraction.segment_definitions import definitions
from videlicet.analyze.extraction.segments import segment
from videlicet.analyze.extraction.structure import Structure, structure_of
from videlicet.models.registry import load
from videlicet.settings import load as settings

WORDINGS = {
    Structure.SHOT: [
        "each distinct scene or shot", "Each shot of the video.", "every camera cut",
        "the individual shots, one after another", "one segment per shot",
        "Every uninterrupted take", "a new shot begins", "whenever the picture changes",
        "segments during which the camera angle stays the same", "Divide the film at every cut",
        "all the separate shots",
    ],
    Structure.SCENE: [
        "each distinct scene", "scenes", "Split the footage into its scenes",
        "every new location", "a different setting", "stretches in which the place stays the same",
        "consecutive scenes of the movie", "each part of the video", "every separate segment",
        "self-contained sequences",
    ],
    Structure.CHAPTER: [
        "chapters", "each chapter of the lecture", "the main sections of this talk",
        "every time a new topic begins", "a portion about one single subject",
        "Each section covers one topic", "logical chapters",
    ],
    Structure.SLIDE: [
        "each slide", "every page that is shown", "one slide after another",
        "the time for which one slide stays on the screen", "whenever the text on screen changes",
        "each new title card", "every slide of the presentation",
    ],
    Structure.TURN: [
        "each speaker turn", "whenever somebody else talks", "every utterance",
        "a different person speaks", "one segment for each speaker",
        "each turn in the conversation",
        "where the speaker changes", "stretches in which the same voice speaks",
    ],
}  # fmt: skip

TOPICAL = [
    "a page about an invoice", "each scene with a dog", "every shot of the station",
    "the coffee chapter", "scenes with people", "slides that show a price",
    "a speaker talks about trains", "outdoor scenes", "people take a photograph",
    "each time the cat changes its place", "weather", "", "goals and fouls",
    "whenever a new product is presented",
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "wording"), [(kind, one) for kind, row in WORDINGS.items() for one in row]
)
def test_definitions_that_name_units(kind: Structure, wording: str) -> None:
    assert structure_of(wording, ENCODER) is kind


@pytest.mark.parametrize("wording", TOPICAL)
def test_definitions_that_are_about_something(wording: str) -> None:
    assert structure_of(wording, ENCODER) is None


def found(evidence: AssetEvidence, description: str, **limits: float) -> list[tuple[float, float]]:
    rows = definitions([{"id": "it", "description": description}])
    segments = segment(evidence, rows, encoder=ENCODER, **limits)["it"]  # type: ignore[arg-type]
    return [(one["start_time"], one["end_time"]) for one in segments]


@pytest.mark.parametrize("wording", WORDINGS[Structure.SHOT])
def test_shots_are_those_that_were_detected(wording: str) -> None:
    assert found(SHOW, wording) == [(0, 10), (10, 20), (20, 30)]


def test_each_shot_has_its_fields() -> None:
    field = {"name": "what", "type": "string", "description": "an animal that is seen"}
    row = {"id": "it", "description": "each distinct scene or shot", "fields": [field]}
    segments = segment(SHOW, definitions([row]), encoder=ENCODER)["it"]
    assert [one["metadata"].keys() for one in segments] == [{"what"}] * 3


def test_shots_within_limits_and_ranges() -> None:
    assert found(SHOW, "each shot", longest=5) == [(n, n + 5) for n in range(0, 30, 5)]
    rows = definitions(
        [
            {
                "id": "it",
                "description": "each shot",
                "time_ranges": [{"start_time": 5, "end_time": 25}],
            }
        ]
    )
    segments = segment(SHOW, rows, encoder=ENCODER)["it"]
    assert [(one["start_time"], one["end_time"]) for one in segments] == [
        (5, 10), (10, 20), (20, 25),
    ]  # fmt: skip


def test_chapters_are_those_of_the_chapterer() -> None:
    expected = [(float(one.start), float(one.end)) for one in topic_spans(SHOW)]
    assert found(SHOW, "each chapter of the video") == expected


DECK = make_evidence(
    (TEXT, "ACME Annual Review", 0, 30),  # on every slide
    (TEXT, "Agenda for today", 0, 10),
    (TEXT, "Numbers and figures first", 4, 10),
    (TEXT, "Revenue grew twelve percent", 10, 20),
    (TEXT, "Thank you, any questions left?", 20, 30),
    (SPEECH, "Hello everybody.", 1, 9),
    seconds=40,
    name="deck.mp4",
)


@pytest.mark.parametrize("wording", WORDINGS[Structure.SLIDE])
def test_a_slide_stays_as_long_as_its_text(wording: str) -> None:
    assert found(DECK, wording) == [(0, 10), (10, 20), (20, 30)]


def test_text_that_comes_back_is_another_slide() -> None:
    recording = make_evidence((TEXT, "One", 0, 5), (TEXT, "One", 20, 25), (TEXT, "x", 30, 30.5))
    assert found(recording, "each slide") == [(0, 5), (20, 25)]


def talk(*rows: tuple[str | None, float, float]) -> AssetEvidence:
    recording = make_evidence(*((SPEECH, f"word{n}", row[1], row[2]) for n, row in enumerate(rows)))
    items = zip(recording.items, rows, strict=True)
    return replace(recording, items=tuple(replace(one, speaker=row[0]) for one, row in items))


@pytest.mark.parametrize("wording", WORDINGS[Structure.TURN])
def test_turns_end_where_another_voice_begins(wording: str) -> None:
    recording = talk(("A", 0, 4), ("A", 6, 9), ("B", 9, 12), ("A", 12, 15), ("A", 30, 33))
    assert found(recording, wording) == [(0, 9), (9, 12), (12, 15), (30, 33)]


def test_without_voices_turns_end_at_pauses() -> None:
    assert found(talk((None, 0, 4), (None, 5, 9), (None, 12, 15)), "each speaker turn") == [
        (0, 9), (12, 15),
    ]  # fmt: skip


def test_what_was_not_observed_is_not_found() -> None:
    silent = make_evidence((VISUAL, "cat", 0, 5))
    assert found(silent, "each slide") == []
    assert found(silent, "each speaker turn") == []
    assert found(STATION, "each shot") == [(0, 11.25)]


@pytest.mark.weights
@pytest.mark.parametrize(
    ("wording", "kind"),
    [
        ("discrete scenes", Structure.SCENE),
        ("every standalone shot", Structure.SHOT),
        ("the respective slides", Structure.SLIDE),
        ("contiguous shots", Structure.SHOT),
        ("outdoor scenes", None),
        ("a funny scene", None),
        ("scenes in a kitchen", None),
        ("slides with a product", None),
        ("every violent shot", None),
    ],
)
def test_words_that_mean_the_same_as_those_for_dividing(
    wording: str, kind: Structure | None
) -> None:
    assert structure_of(wording, load("text", settings())) is kind
