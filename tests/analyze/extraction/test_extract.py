"""Data from evidence: examples that a person can check."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.analyze.extraction.evidence_factory import (
    ENCODER,
    INVOICE,
    SHOW,
    SPEECH,
    STATION,
    TEXT,
    VISUAL,
    Row,
    make_evidence,
)

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.extraction.extract import NOTHING, extract
from videlicet.errors import InvalidInput
from videlicet.types import Answer


def extracted(schema: Any, *recordings: AssetEvidence, prompt: str = "") -> Any:
    return answer(schema, *recordings, prompt=prompt).value


def answer(schema: Any, *recordings: AssetEvidence, prompt: str = "") -> Answer:
    return extract(recordings, schema, prompt, ENCODER)


def record(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def maybe(kind: str, description: str = "", **keys: Any) -> dict[str, Any]:
    return {"type": [kind, "null"], "description": description, **keys}


BILL = record(
    number=maybe("string", "Invoice number"),
    total=maybe("number"),
    due_in_days=maybe("integer"),
    issued=maybe("string", format="date"),
)


def test_an_invoice() -> None:
    found = answer(BILL, INVOICE)
    assert found.value == {"number": "20931", "total": 48.2, "due_in_days": 30, "issued": None}
    assert found.found
    by_text = {one.text: [item.text for item in one.citations] for one in found.sentences}
    assert by_text["total: 48.2"] == ["INVOICE 20931 TOTAL 48.20"]
    assert by_text["due_in_days: 30"][0].startswith("Your invoice has been sent.")
    assert len(by_text) == 3


def test_a_timetable() -> None:
    schema = record(
        platform={"type": "integer"},
        departure_time=maybe("string"),
        departs=maybe("string", format="time"),
    )
    assert extracted(schema, STATION) == {
        "platform": 9, "departure_time": "14:05", "departs": "14:05:00Z",
    }  # fmt: skip


def test_what_another_video_is_about_is_not_found() -> None:
    found = answer(BILL, STATION)
    assert found.value == {"number": None, "total": None, "due_in_days": None, "issued": None}
    assert not found.found
    assert [one.text for one in found.sentences] == [NOTHING]
    assert found.citations == ()


def test_what_must_be_there_and_is_not_is_said_to_be_missing() -> None:
    schema = record(total={"type": "number"}, kind={"enum": ["red", "unknown"]})
    found = answer(schema, STATION)
    assert found.value == {"total": 0, "kind": "unknown"}
    assert [one.text for one in found.sentences] == ["total: not found", "kind: not found"]
    assert not found.found


def test_what_need_not_be_there_is_left_out() -> None:
    schema = {
        "type": "object",
        "properties": {"total": {"type": "number"}, "platform": maybe("integer")},
    }
    assert extracted(schema, STATION) == {"platform": 9}


def test_contacts_and_dates() -> None:
    schema = record(
        phone=maybe("string"),
        email=maybe("string", format="email"),
        speaker=maybe("string", "Who speaks"),
        deadline=maybe("string", "Write before this date", format="date"),
        website=maybe("string", format="uri"),
    )
    assert extracted(schema, SHOW) == {
        "phone": "555-0139",
        "email": "john@example.org",
        "speaker": "John Smith",
        "deadline": "2026-03-03",
        "website": None,
    }


def test_prices_look_like_prices() -> None:
    assert extracted(record(price=maybe("number")), SHOW) == {"price": 2.5}
    assert extracted(record(price=maybe("number")), STATION) == {"price": None}


def test_units_are_not_taken_for_one_another() -> None:
    recording = make_evidence((SPEECH, "Payment is due within 30 hours.", 0, 3))
    assert extracted(record(due_in_days=maybe("integer")), recording) == {"due_in_days": None}
    assert extracted(record(due_in_hours=maybe("integer")), recording) == {"due_in_hours": 30}


def test_choices_by_their_words() -> None:
    schema = record(
        drink={"enum": ["tea", "espresso", None]},
        animal={"enum": ["dragon", "whale", None]},
        colour=maybe("string", enum=["black", "orange", None]),
    )
    assert extracted(schema, SHOW) == {"drink": "espresso", "animal": None, "colour": "orange"}


def test_booleans_only_where_it_is_stated() -> None:
    schema = record(
        has_cat=maybe("boolean"), has_dog=maybe("boolean"), has_horse=maybe("boolean"),
        has_speech=maybe("boolean"),
    )  # fmt: skip
    assert extracted(schema, SHOW) == {
        "has_cat": True, "has_dog": False, "has_horse": None, "has_speech": True,
    }  # fmt: skip


def test_lists_of_what_is_seen_said_and_written() -> None:
    strings = {"type": "array", "items": {"type": "string"}}
    found = extracted(
        record(objects=strings, quotes=strings, onscreen_text={**strings, "maxItems": 2}), SHOW
    )
    assert sorted(found["objects"]) == ["Egyptian cat", "espresso"]
    assert len(found["quotes"]) == 3
    assert len(found["onscreen_text"]) == 2
    colours = {"type": "array", "items": {"enum": ["orange", "green", "cat"]}}
    assert extracted(record(tags=colours), SHOW) == {"tags": ["orange", "cat"]}


def test_topics_are_short_and_in_the_words_of_the_video() -> None:
    found = extracted(record(topics={"type": "array", "items": {"type": "string"}}), SHOW)["topics"]
    words = " ".join(item.text for item in SHOW.items)
    assert all(topic in words and len(topic.split()) <= 3 for topic in found)
    assert {"espresso", "coffee beans"} & {*found, *(" ".join(t.split()[-2:]) for t in found)}


def test_scenes_have_the_times_of_their_shots() -> None:
    schema = record(
        scenes={
            "type": "array",
            "items": record(
                start={"type": "number"},
                end={"type": "number"},
                title={"type": "string"},
                start_time={"type": "string", "description": "hh:mm:ss"},
                seen=maybe("string"),
            ),
        }
    )
    found = answer(schema, SHOW)
    assert found.value["scenes"] == [
        {
            "start": 0.0, "end": 10.0, "title": "MORNING MENU: ESPRESSO $2.50",
            "start_time": "00:00:00", "seen": "espresso",
        },
        {
            "start": 10.0, "end": 20.0, "title": "LOST CAT - CALL 555-0139",
            "start_time": "00:00:10", "seen": "Egyptian cat",
        },
        {
            "start": 20.0, "end": 30.0, "title": "BREAKING NEWS",
            "start_time": "00:00:20", "seen": None,
        },
    ]  # fmt: skip
    assert any(one.text.startswith("scenes[1].title: LOST CAT") for one in found.sentences)


def test_times_beside_other_fields_are_those_of_their_evidence() -> None:
    schema = record(
        missing_animal={"type": "string", "description": "The missing cat"},
        start={"type": "integer"},
        end={"type": "timestamp", "format": "hh:mm:ss.fff"},
    )
    found = extracted(schema, SHOW)
    assert "cat" in found["missing_animal"].lower()
    assert found["start"] in (10, 11)
    assert found["end"] in ("00:00:18.000", "00:00:19.000", "00:00:20.000")


def test_patterns_lengths_and_counts() -> None:
    schema = record(
        code={"type": ["string", "null"], "pattern": "^[0-9]{5}$"},
        heading={"type": "string", "maxLength": 8, "description": "The invoice heading"},
        lines={"type": "array", "minItems": 3, "items": {"type": "string"}},
    )
    found = extracted(schema, INVOICE)
    assert found["code"] == "20931"
    assert found["heading"] == "INVOICE"
    assert len(found["lines"]) >= 3


def test_unions_take_the_form_that_evidence_supports() -> None:
    schema = {
        "anyOf": [
            record(platform={"type": "integer"}),
            record(total={"type": "number"}, due_in_days={"type": "integer"}),
        ]
    }
    assert extracted(schema, INVOICE) == {"total": 48.2, "due_in_days": 30}
    assert extracted(schema, STATION) == {"platform": 9}


def test_several_videos() -> None:
    schema = record(total=maybe("number"), platform=maybe("integer"))
    found = answer(schema, INVOICE, STATION)
    assert found.value == {"total": 48.2, "platform": 9}
    assert {item.asset_id for item in found.citations} == {INVOICE.asset.id, STATION.asset.id}


def test_the_prompt_helps_a_field_that_says_nothing() -> None:
    schema = record(number=maybe("integer"))
    assert extracted(schema, STATION, prompt="Which platform?") == {"number": 9}
    assert extracted(schema, STATION) == {"number": None}


def test_no_videos_and_empty_videos() -> None:
    schema = record(
        title={"type": "string"}, scenes={"type": "array", "items": record(title=maybe("string"))}
    )
    for recordings in ((), (make_evidence(),)):
        found = answer(schema, *recordings)
        assert found.value == {"title": "", "scenes": []}
        assert not found.found


def test_a_bad_schema_is_refused_before_any_work() -> None:
    class Never:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    with pytest.raises(InvalidInput) as caught:
        extract([INVOICE], {"type": "strnig"}, "", Never())  # type: ignore[arg-type]
    assert caught.value.code == "schema_invalid"


def test_an_hour_of_video_and_thirty_fields() -> None:
    rows: list[Row] = []
    for number in range(2_000):
        kind = (SPEECH, TEXT, VISUAL)[number % 3]
        text = f"In part {number % 97} they say word{number % 89} and word{number % 53} of {number}"
        rows.append((kind, text, number * 1.8, number * 1.8 + 2))
    recording = make_evidence(*rows, seconds=3_610, cuts=range(10, 3_600, 10))
    schema = record(
        **{f"word{n}_value": maybe("string") for n in range(15)},
        **{f"word{n}_count": maybe("number") for n in range(15, 30)},
    )
    begun = time.process_time()
    found = answer(schema, recording)
    assert time.process_time() - begun < 4
    assert found.value["word3_value"].startswith("In part")
