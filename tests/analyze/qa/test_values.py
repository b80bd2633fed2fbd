from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.analyze.qa.passages import sentences
from videlicet.analyze.qa.quotes import format_span
from videlicet.analyze.qa.values import (
    AnswerType,
    contains_answer,
    is_counted,
    names,
    states_value,
    stems,
    subjects,
)
from videlicet.types import Span


@pytest.mark.parametrize(
    ("wanted", "yes", "no"),
    [
        (
            AnswerType.PRICE,
            ["ESPRESSO 2.50", "€3", "twelve pounds", "5 dollars"],
            ["at 14:05", "1.2.3", "12"],
        ),
        (
            AnswerType.CLOCK,
            ["at 14:05", "6 pm", "nine o'clock", "at noon"],
            ["2.50", "platform 9", "99:99"],
        ),
        (
            AnswerType.PHONE,
            ["555-0139", "+44 20 7946 0018", "08005551234"],
            ["20931", "14:05", "2.50"],
        ),
        (AnswerType.DAY, ["on Tuesday", "SATURDAY", "tomorrow"], ["in May", "14:05"]),
        (AnswerType.DATE, ["3 May", "2026-05-01", "in June"], ["it may rain", "48.20"]),
        (AnswerType.YEAR, ["in 1961", "2031"], ["20931", "961"]),
        (AnswerType.DURATION, ["thirty days", "5 minutes", "two more weeks"], ["thirty", "days"]),
        (
            AnswerType.WHEN,
            ["within thirty days", "06:45", "next week", "Friday"],
            ["today we learn", "now"],
        ),
        (AnswerType.EMAIL, ["write to ida@berg.no"], ["ida at berg"]),
        (AnswerType.LINK, ["www.berg.no", "see berg.com"], ["e.g. this"]),
        (AnswerType.COLOUR, ["an orange cat"], ["a cat"]),
        (AnswerType.NUMBER, ["INVOICE 20931", "chapter eight"], ["invoice"]),
        (AnswerType.PLACE, ["near the station", "at home"], ["to learn more"]),
        (AnswerType.ANYTHING, ["", "x"], []),
    ],
)
def test_values_by_their_form(wanted: AnswerType, yes: list[str], no: list[str]) -> None:
    assert [text for text in yes if not contains_answer(wanted, text, ())] == []
    assert [text for text in no if contains_answer(wanted, text, ())] == []


def test_what_is_known_already_is_no_answer() -> None:
    assert not contains_answer(
        AnswerType.NUMBER, "CHAPTER 3", stems("What is the number of chapter 3?")
    )
    assert contains_answer(
        AnswerType.NUMBER, "CHAPTER 3 PAGE 9", stems("What is the number of chapter 3?")
    )
    assert not contains_answer(
        AnswerType.NAME, "READINGS FROM DICKENS", stems("Who reads Dickens?")
    )
    assert contains_answer(
        AnswerType.NAME, "READINGS FROM DICKENS", stems("Whose readings are they?")
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("and then Ida Berg came", ["Ida", "Berg"]),
        ("Here is Ida. She came on Tuesday, I think.", ["Ida"]),
        ("LOST CAT - CALL 555-0139", []),
        ("WORDS TO LIVE BY", []),
        ("DIRECTED BY IDA BERG", ["IDA BERG"]),
        ("presents / THE BERG FOUNDATION", ["presents", "THE BERG FOUNDATION"]),
        ("Nobody", []),
        ("", []),
    ],
)
def test_names(text: str, found: list[str]) -> None:
    assert names(text) == found


def test_counts_kinds_and_doers() -> None:
    assert is_counted("You need four red apples.", stems("apples"))
    assert not is_counted("Four of us like to eat apples.", stems("apples"))
    assert states_value("a glass of dry white wine", stems("wine"))
    assert not states_value("the wine is dry", stems("wine"))
    assert subjects("Carter scored twice.", stems("scored")) == ["carter"]
    assert subjects("It was scored.", stems("scored")) == []


def test_stems_of_numbers_possessives_and_joined_words() -> None:
    assert stems("thirty days") == ["30", "day"]
    assert stems("The cat's CHAPTER 3:GRAVITY") == ["the", "cat", "chapter", "3", "graviti"]
    assert stems("at 14:05, 2.50") == ["at", "14:05", "2.50"]


def test_sentences() -> None:
    assert sentences("Dr. Berg paid 2.50. Then she left! “Why?” he asked.") == [
        "Dr. Berg paid 2.50.",
        "Then she left!",
        "“Why?”",
        "he asked.",
    ]
    assert sentences("") == []


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    for wanted in AnswerType:
        contains_answer(wanted, text, stems(text))
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_times_are_reported_as_players_do() -> None:
    assert format_span(Span.of(-1, 59.9)) == "0:00–0:59"
    assert format_span(Span.of(61, 3600)) == "1:01–1:00:00"
    assert format_span(Span.of(3725, 36_061)) == "1:02:05–10:01:01"
