"""Fields parsed from their descriptions, and times in the video by their names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analyze.extraction.evidence_factory import (
    ENCODER,
    INVOICE,
    SHOW,
    STATION,
    TEXT,
    VISUAL,
    make_evidence,
)

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.extraction.extract import extract
from videlicet.analyze.extraction.finding.field_intent import Edge, described_intent, field_intent


def extracted(recording: AssetEvidence, kind: str, name: str, description: str = "") -> Any:
    schema = {
        "type": "object",
        "properties": {name: {"type": [kind, "null"], "description": description}},
        "required": [name],
    }
    return extract([recording], schema, "", ENCODER).value[name]


@pytest.mark.parametrize(
    ("recording", "kind", "name", "description", "value"),
    [
        (INVOICE, "number", "q", "invoice total", 48.2),
        (INVOICE, "number", "sum_x", "The total of the invoice", 48.2),
        (INVOICE, "integer", "n", "Days until the payment is due", 30),
        (SHOW, "number", "x", "price of an espresso", 2.5),
        (SHOW, "number", "kaffee", "price of an espresso", 2.5),
        (SHOW, "string", "p", "phone number to call", "555-0139"),
        (SHOW, "string", "contact", "phone number to call", "555-0139"),
        (SHOW, "boolean", "c", "whether a cat is shown", True),
        (STATION, "integer", "gleis", "platform of the train", 9),
        # Nothing of it is in the video, whatever else costs something there.
        (SHOW, "number", "x", "price of a croissant", None),
        (SHOW, "number", "croissant_price", "price of a croissant in dollars", None),
        (STATION, "number", "q", "invoice total", None),
        # A name that says enough is not overruled.
        (INVOICE, "number", "total", "A number from the invoice", 48.2),
        (SHOW, "boolean", "elephant", "whether a cat or an elephant is shown", None),
    ],
)
def test_what_is_said_of_a_field_stands_in_for_its_name(
    recording: AssetEvidence, kind: str, name: str, description: str, value: object
) -> None:
    assert extracted(recording, kind, name, description) == value


MENU = make_evidence(
    (TEXT, "MORNING MENU: ESPRESSO 2.50", 3, 9), (VISUAL, "espresso", 3, 9), seconds=20
)


@pytest.mark.parametrize(
    ("kind", "name", "description", "value"),
    [
        ("number", "espresso_start", "", 3.0),
        ("number", "espressoStart", "", 3.0),
        ("number", "espresso_end", "", 9.0),
        ("number", "end_of_menu", "", 9.0),
        ("integer", "menu_start_seconds", "", 3),
        ("string", "espresso_shown_at", "", "00:00:03.000"),
        ("string", "menu_timestamp", "", "00:00:03.000"),
        ("string", "timecode_of_espresso", "", "00:00:03.000"),
        ("string", "espresso", "When it is shown, as hh:mm:ss", "00:00:03"),
        ("number", "espresso_seen", "Timestamp of the espresso", 3.0),
        # Nothing rather than the time, or the price, of something else.
        ("number", "croissant_start", "", None),
        ("string", "croissant_shown_at", "", None),
        ("number", "espresso_price", "", 2.5),
        ("number", "start_price", "Price of the espresso", 2.5),
    ],
)
def test_times_in_the_video_by_name(kind: str, name: str, description: str, value: object) -> None:
    assert extracted(MENU, kind, name, description) == value


def test_the_time_of_one_thing_is_not_that_of_another() -> None:
    schema = {
        "type": "object",
        "properties": {
            name: {"type": ["number", "null"]} for name in ("espresso_start", "train_start")
        },
        "required": ["espresso_start", "train_start"],
    }
    assert extract([MENU], schema, "", ENCODER).value == {"espresso_start": 3, "train_start": None}


@pytest.mark.parametrize(
    "name", ["start_date", "end_of_year", "start_price", "weekend", "departure_time", "end_user"]
)
def test_what_begins_and_ends_elsewhere(name: str) -> None:
    assert field_intent(name).edge is None


_words = st.lists(
    st.sampled_from("menu train red goal espresso door".split()), min_size=1, max_size=3
)


@given(_words, st.sampled_from(["start", "begin", "shown_at", "timestamp", "offset", "start_time"]))
def test_the_rest_of_the_name_is_what_it_is_the_time_of(words: list[str], mark: str) -> None:
    named = field_intent("_".join([*words, mark]))
    assert named.edge is Edge.START
    assert named.is_named_time
    assert not named.is_segment_edge
    assert set(named.keys) == set(field_intent("_".join(words)).keys)
    assert field_intent("_".join([*words, "end"])).edge is Edge.END


@given(st.text(max_size=80), st.text(max_size=12))
def test_any_description_can_stand_in(description: str, name: str) -> None:
    asked = field_intent(name, description)
    other = described_intent(asked)
    if other is not None:
        assert (other.label, other.text) == (asked.label, asked.text)
        assert other.keys or other.kinds or other.role
