"""Display times count from the recording's start, wherever its timeline begins."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analyze.evidence_factory import (
    COFFEE,
    ENCODER,
    GARDENS,
    ROCKETS,
    make_evidence,
    moved,
    talk,
)
from tests.analyze.extraction.evidence_factory import SHOW, all_evidence
from tests.analyze.llm.replies import Scripted
from tests.analyze.llm.videos import assets_of, recording, rows_of

from videlicet.analyze.backend import PromptRequest
from videlicet.analyze.builtin import BuiltinBackend
from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.exports import tables
from videlicet.analyze.extraction.extract import extract
from videlicet.analyze.extraction.segment_definitions import definitions
from videlicet.analyze.extraction.segments import segment
from videlicet.analyze.extraction.time_fields import format_time
from videlicet.analyze.llm import map_reduce, prompts
from videlicet.analyze.llm.backends.base import Message
from videlicet.analyze.llm.checking import SupportChecker
from videlicet.analyze.llm.model import LanguageModel
from videlicet.analyze.matrix import open_matrix_store, run_matrix
from videlicet.analyze.qa.quotes import format_span
from videlicet.analyze.run import AnalysisRequest, run_analysis
from videlicet.types import Answer, Sentence, Span

BACKEND = BuiltinBackend(ENCODER)
#: Where timelines begin: as ffmpeg writes MPEG-TS, as broadcasts are recorded, before zero.
BEGINS = st.sampled_from([Fraction("1.4"), Fraction(10 * 3600), Fraction(-7, 2)]) | st.integers(
    -40_000, 400_000
).map(lambda n: Fraction(n, 4))

LECTURE = make_evidence(
    120,
    said=talk([*COFFEE, *ROCKETS, *GARDENS]),
    read=[(1, 6, "THREE HOBBIES FOR YOU")],
    labels=[(0, 40, "espresso"), (40, 80, "missile"), (80, 120, "daisy")],
    cuts=[40, 80],
)
_LOOKS = make_evidence(30, labels=[(0, 10, "cat"), (10, 12, "dog"), (12, 30, "cat")])
#: Nothing in it has a name.
WORDLESS = replace(_LOOKS, items=(), vectors=_LOOKS.vectors[:0])
TIMES = {
    "type": "object",
    "properties": {
        "deserts_start": {"type": "timestamp", "format": "hh:mm:ss"},
        "scenes": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "start_time": {"type": "string"},
                    "end": {"type": "timestamp", "format": "seconds"},
                    "timestamp": {"type": "integer"},
                    "objects": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
}


def alike(
    made: AssetEvidence, begin: Fraction, answer_of: Callable[[AssetEvidence], Answer]
) -> Answer:
    """The answer about a recording, the same whether its timeline begins at zero or at ``begin``.
    What is cited stays on the timeline."""
    first, second = answer_of(made), answer_of(moved(made, begin))
    assert second.text == first.text
    assert second.value == first.value
    assert [item.span for item in second.citations] == [
        item.span.shift(begin) for item in first.citations
    ]
    return first


@settings(max_examples=20, deadline=None)
@given(BEGINS)
def test_answers(begin: Fraction) -> None:
    for question, says in (
        ("When is a rocket engine burning fuel above deserts?", "0:40–0:43"),
        ("When is a missile shown?", "0:40–1:20"),
    ):
        assert says in alike(LECTURE, begin, lambda one, q=question: BACKEND.ask([one], q)).text  # type: ignore[misc]


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("Summarize this video", "coffee"),
        ("Divide this video into three chapters", "0:00–0:"),
        ("List the highlights", "0:"),
        ("What is seen in this video?", "espresso"),
        ("Give me the transcript", "tulips"),
    ],
)
@settings(max_examples=10, deadline=None)
@given(begin=BEGINS)
def test_open_requests(prompt: str, says: str, begin: Fraction) -> None:
    assert (
        says
        in alike(LECTURE, begin, lambda one: BACKEND.respond([one], PromptRequest(prompt))).text
    )


@settings(max_examples=20, deadline=None)
@given(BEGINS)
def test_a_highlight_that_has_nothing_but_its_times_for_a_title(begin: Fraction) -> None:
    first = BACKEND.highlights(WORDLESS)
    assert [one.title.text for one in first] == [format_span(one.span) for one in first] != []
    second = BACKEND.highlights(moved(WORDLESS, begin))
    assert [one.title.text for one in second] == [one.title.text for one in first]
    assert [one.span for one in second] == [one.span.shift(begin) for one in first]


@settings(max_examples=20, deadline=None)
@given(BEGINS)
def test_values_of_a_schema(begin: Fraction) -> None:
    found = alike(LECTURE, begin, lambda one: extract([one], TIMES, "", ENCODER))
    assert found.value["deserts_start"] == "00:00:40"
    assert [one["end"] for one in found.value["scenes"]][-1] == 80
    assert "00:00:40" in found.text


@settings(max_examples=30, deadline=None)
@given(all_evidence().filter(bool), st.integers(-400, 400_000).map(lambda n: Fraction(n, 4)))
def test_values_of_any_evidence(recordings: list[AssetEvidence], begin: Fraction) -> None:
    alike(recordings[0], begin, lambda one: extract([one], TIMES, "", ENCODER))


def test_values_of_several_recordings_count_from_the_start_of_each() -> None:
    other = make_evidence(30, said=[(5, 9, "A rocket burns over there.")], name="other.mp4")
    schema = {"type": "array", "items": {"type": "object", "properties": {
        "start": {"type": "number"}, "speech": {"type": "string"}}}}  # fmt: skip
    ranged = [moved(SHOW, Fraction(1000)), moved(other, Fraction("1.4"))]
    assert (
        extract(ranged, schema, "", ENCODER).value
        == extract([SHOW, other], schema, "", ENCODER).value
    )


EVENTS = {
    "name": "lines", "type": "time_array", "description": "each line that is said",
    "items": {"type": "object", "fields": [
        {"name": "quote", "type": "string", "description": "quote"}]},
}  # fmt: skip
SHOWN = {
    "name": "shown_at", "type": "timestamp", "format": "hh:mm:ss.fff",
    "description": "when the phone to call is shown",
}  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(
    BEGINS,
    st.sampled_from(["The missing cat", "Each scene of the video"]),
    st.sampled_from(["seconds", "hh:mm:ss", "hh:mm:ss.fff"]),
    st.booleans(),
)
def test_segments(begin: Fraction, what: str, clock: str, ranged: bool) -> None:
    row: dict[str, Any] = {"id": "it", "description": what, "fields": [EVENTS, SHOWN]}
    if ranged:
        row["time_ranges"] = [{"start_time": 12, "end_time": 30}]

    def found(made: AssetEvidence) -> Any:
        return segment(made, definitions([row]), encoder=ENCODER, clock=clock)["it"]

    first = found(SHOW)
    assert found(moved(SHOW, begin)) == first
    early = 12 if ranged else 10 if what == "The missing cat" else 0
    assert first[0]["start_time"] == format_time(Fraction(early), clock)
    assert first[0]["metadata"]["lines"]
    done = run_analysis(
        BACKEND,
        ENCODER,
        [moved(SHOW, begin)],
        AnalysisRequest(PromptRequest(""), segments=[row], time_format=clock),
    )
    assert json.loads(done.data) == {"it": first}


@settings(max_examples=20, deadline=None)
@given(BEGINS)
def test_what_a_language_model_is_shown(begin: Fraction) -> None:
    def lines(made: AssetEvidence) -> list[str]:
        rendered = prompts.evidence_lines(made.items, assets_of(made))

        def noted(part: Any) -> list[Sentence]:
            return [Sentence("Noted.", one.items[-1:]) for one in part]

        noted_lines = map_reduce.notes([made], 1000, len, noted, most=2)
        return [line.text for line in (*rendered, *noted_lines)]

    found = lines(LECTURE)
    assert found[0].startswith("00:00 ")
    assert found[-1].startswith("01:")
    assert lines(moved(LECTURE, begin)) == found


def test_no_request_to_a_language_model_tells_other_times() -> None:
    def asked(made: AssetEvidence) -> list[str]:
        backend = Scripted("Roses grow best [1].", context=2048)
        analysis = LanguageModel(backend, ENCODER, BACKEND)
        analysis.ask([made], "When do roses grow?")
        analysis.summarize([made])
        return [_unmarked(messages) for messages in backend.asked]

    assert asked(moved(LECTURE, Fraction(36_000))) == asked(LECTURE)


def _unmarked(messages: Any) -> str:
    """A request without the mark that is new in each."""
    user: Message = messages[-1]
    return user.text.replace(user.text.splitlines()[1], "")


@settings(max_examples=20, deadline=None)
@given(BEGINS)
def test_a_time_in_a_sentence_is_that_of_what_it_cites(begin: Fraction) -> None:
    made = moved(
        recording(("speech", "Hello and welcome."), ("speech", "The rocket lifts off.", 70.0)),
        begin,
    )
    assets = assets_of(made)
    checker = SupportChecker(
        ENCODER, prompts.evidence_lines(made.items, assets), rows_of(made), assets
    )
    for text, supported in (
        ("The rocket lifts off at 1:11 [2].", True),
        ("The rocket lifts off at 2:11 [2].", False),
        ("The rocket lifts off at 10:01:11 [2].", False),
    ):
        sentence = checker.sentence(text)
        assert sentence is not None
        assert sentence.supported is supported


def test_a_matrix_for_people_and_one_for_programs(tmp_path: Any) -> None:
    begin = Fraction(36_000)
    made = {one.asset.id: one for one in (moved(LECTURE, begin),)}
    with open_matrix_store(tmp_path / "cells") as kept:
        found = run_matrix(
            made.__getitem__, BACKEND, ["When is a missile shown?"], list(made), kept
        )
    table = tables.as_csv(found)
    assert "Seen at 0:40–1:20: missile." in table
    assert "40.00-80.00 s, visual: missile" in table
    (cell,) = json.loads(tables.as_json(found))["cells"]
    (cited,) = cell["answer"]["sentences"][0]["citations"]
    assert (cited["start"], cited["end"]) == (36_040, 36_080)


@given(st.fractions(-10_000, 10_000), st.fractions(0, 1000), st.fractions(0, 1000))
def test_a_stretch_is_reported_as_players_show_it(
    begin: Fraction, start: Fraction, more: Fraction
) -> None:
    asset = moved(LECTURE, begin).asset
    stretch = Span(start, start + more)
    assert asset.to_display_time(stretch.shift(begin)) == stretch
