"""Segments that somebody defines: where they are, how long, and their fields."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analyze.extraction.evidence_factory import (
    ENCODER,
    SHOW,
    SPEECH,
    TEXT,
    all_evidence,
    make_evidence,
)

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.extraction.segment_definitions import definitions
from videlicet.analyze.extraction.segments import segment
from videlicet.analyze.extraction.time_fields import format_time
from videlicet.errors import InvalidInput


def field(name: str, type: str = "string", description: str = "", **keys: Any) -> dict[str, Any]:
    return {"name": name, "type": type, "description": description or name, **keys}


def one(description: str, *fields: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"id": "it", "description": description, "fields": list(fields), **keys}


def found(recording: AssetEvidence, row: dict[str, Any], **keys: Any) -> list[dict[str, Any]]:
    return segment(recording, definitions([row]), encoder=ENCODER, **keys)["it"]


def test_segments_are_where_the_evidence_is() -> None:
    row = one(
        "The missing cat",
        field("phone"),
        field("animal", enum=["orange cat", "whale"]),
        field("price", "number"),
        field("shown_at", "timestamp", "when the phone to call is shown", format="hh:mm:ss"),
    )
    (segment,) = found(SHOW, row)
    assert (segment["start_time"], segment["end_time"]) == (10.0, 18.0)
    assert segment["metadata"] == {
        "phone": "555-0139", "animal": "orange cat", "price": None, "shown_at": "00:00:10",
    }  # fmt: skip


def test_what_is_not_in_the_video_has_no_segments() -> None:
    assert found(SHOW, one("Penguins on skateboards", field("what"))) == []
    assert found(make_evidence(), one("Penguins")) == []


def test_every_scene() -> None:
    row = one(
        "Each scene of the video",
        field("title"),
        field("objects", "array", items={"type": "string"}),
    )
    scenes = found(SHOW, row)
    assert [(s["start_time"], s["end_time"]) for s in scenes] == [(0, 10), (10, 20), (20, 30)]
    assert [s["metadata"]["title"] for s in scenes] == [
        "MORNING MENU: ESPRESSO $2.50", "LOST CAT - CALL 555-0139", "BREAKING NEWS",
    ]  # fmt: skip
    assert [s["metadata"]["objects"] for s in scenes] == [["espresso"], ["Egyptian cat"], None]


def test_events_inside_a_segment_have_their_own_times() -> None:
    recording = make_evidence(
        (SPEECH, "The first goal is scored.", 2, 4),
        (TEXT, "1:0", 2, 20),
        (SPEECH, "The second goal is scored.", 9, 11),
        seconds=20,
    )
    row = one(
        "Each part of the film",
        field("lines", "time_array", items={"type": "object", "fields": [field("quote")]}),
    )
    (part,) = found(recording, row, clock="hh:mm:ss.fff")
    assert part["start_time"] == "00:00:00.000"
    assert part["metadata"]["lines"] == [
        {
            "start_time": "00:00:02.000", "end_time": "00:00:04.000",
            "quote": "The first goal is scored.",
        },
        {
            "start_time": "00:00:09.000", "end_time": "00:00:11.000",
            "quote": "The second goal is scored.",
        },
    ]  # fmt: skip


def test_time_ranges_limit_where_is_looked() -> None:
    ranges = [{"start_time": 0, "end_time": 5}, {"start_time": 12, "end_time": 30}]
    (segment,) = found(SHOW, one("The missing cat", time_ranges=ranges))
    assert (segment["start_time"], segment["end_time"]) == (12.0, 18.0)
    with pytest.raises(InvalidInput) as caught:
        found(SHOW, one("The cat", time_ranges=[{"start_time": 40, "end_time": 50}]))
    assert caught.value.subject == "segment_definitions[0].time_ranges[0]"


def test_lengths_are_kept_to() -> None:
    short = found(SHOW, one("The missing cat"), longest=3)
    assert [round(s["end_time"] - s["start_time"], 3) for s in short] == [2.667, 2.666, 2.667]
    (long,) = found(SHOW, one("The missing cat"), shortest=25)
    assert (long["start_time"], long["end_time"]) == (1.5, 26.5)
    (whole,) = found(SHOW, one("The missing cat"), shortest=60)
    assert (whole["start_time"], whole["end_time"]) == (0.0, 30.0)
    with pytest.raises(InvalidInput):
        found(SHOW, one("The cat"), shortest=9, longest=3)


_FIELDS = st.lists(
    st.sampled_from(
        [
            field("title"), field("price", "number"), field("count", "integer"),
            field("has_cat", "boolean"), field("colour", enum=["red", "green"]),
            field("tags", "array", items={"type": "string"}, enum=["red", "cat"]),
            field("numbers", "array", items={"type": "number"}),
            field("flags", "array", items={"type": "boolean"}),
            field("at", "timestamp", format="seconds"),
            field("when", "timestamp", "when the cat is shown", format="hh:mm:ss"),
            field("events", "time_array", items={"type": "object", "fields": [field("quote")]}),
        ]
    ),
    max_size=6,
    unique_by=lambda row: row["name"],
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    all_evidence().filter(bool),
    _FIELDS,
    st.sampled_from(["Each scene", "the cat on the mat", "invoice total", "speech about times"]),
    st.integers(0, 10),
    st.integers(0, 30) | st.none(),
)
def test_any_segments_are_in_order_inside_and_complete(
    recordings: list[AssetEvidence],
    fields: list[dict[str, Any]],
    what: str,
    least: int,
    more: int | None,
) -> None:
    most = None if more is None else least + more + 1
    row = one(what, *fields)
    segments = found(recordings[0], row, shortest=least, longest=most)
    end = 0.0
    for part in segments:
        assert end <= part["start_time"] < part["end_time"] <= 60
        end = part["end_time"]
        lasts = end - part["start_time"]
        assert lasts <= (most or 60) + 0.002
        assert lasts >= least - 0.002 or most is not None
        assert list(part["metadata"]) == [one["name"] for one in fields]
    assert json.loads(json.dumps(segments)) == segments


TIMED = field("b", "timestamp")
BAD: list[tuple[Any, str]] = [
    ([], ""),
    ("x", ""),
    ([{}] * 21, ""),
    ([3], "[0]"),
    ([{"id": "a"}], "[0].description"),
    ([{"id": "", "description": "x"}], "[0].id"),
    ([{"id": "a", "description": "x"}, {"id": "a", "description": "y"}], "[1].id"),
    ([{"id": "a", "description": "x", "colour": 1}], "[0].colour"),
    ([one("x", media_sources=[{"name": "n"}])], "[0].media_sources"),
    ([one("x", field("start_time"))], "[0].fields[0].name"),
    ([one("x", field("a"), field("a"))], "[0].fields[1].name"),
    ([one("x", field("a", "object"))], "[0].fields[0].type"),
    ([one("x", {"name": "a", "type": "string"})], "[0].fields[0].description"),
    ([one("x", field("a", "timestamp"))], "[0].fields[0].format"),
    ([one("x", field("a", format="seconds"))], "[0].fields[0].format"),
    ([one("x", field("a", "number", enum=["1"]))], "[0].fields[0].enum"),
    ([one("x", field("a", enum=[1]))], "[0].fields[0].enum"),
    ([one("x", field("a", "array"))], "[0].fields[0].items"),
    ([one("x", field("a", items={"type": "string"}))], "[0].fields[0].items"),
    ([one("x", field("a", "array", items={"type": "object"}))], "[0].fields[0].items.type"),
    ([one("x", field("a", "time_array", items={"type": "object"}))], "[0].fields[0].items.fields"),
    (
        [
            one(
                "x",
                field("a", "time_array", items={"type": "object", "fields": [TIMED]}),
            )
        ],
        "[0].fields[0].items.fields[0].type",
    ),
    ([one("x", time_ranges=[{"start_time": 1, "end_time": 2}])], "[0].time_ranges[0]"),
    ([one("x", time_ranges=[{"start_time": -1, "end_time": 2}])], "[0].time_ranges[0].start_time"),
    (
        [
            one(
                "x",
                time_ranges=[{"start_time": 0, "end_time": 9}, {"start_time": 5, "end_time": 20}],
            )
        ],
        "[0].time_ranges",
    ),
]


@pytest.mark.parametrize(("rows", "place"), BAD)
def test_bad_definitions_name_the_field(rows: Any, place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        definitions(rows)
    assert caught.value.code == "invalid_argument"
    assert caught.value.subject == f"segment_definitions{place}"


@given(st.fractions(0, 400_000))
def test_clocks(moment: Fraction) -> None:
    hours, minutes, seconds = str(format_time(moment, "hh:mm:ss.fff")).split(":")
    seconds_in = int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    assert abs(seconds_in - moment) <= Fraction(1, 2000)
    assert format_time(Fraction(7199, 2) + Fraction(1, 2), "hh:mm:ss") == "01:00:00"
    assert format_time(Fraction(-3), "hh:mm:ss") == "00:00:00"
