"""Numbers, times and addresses in texts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.analyze.extraction.finding import literals
from videlicet.analyze.extraction.finding.field_intent import words_of
from videlicet.analyze.extraction.finding.phrases import phrases

READERS = (
    literals.numbers, literals.dates, literals.times, literals.moments, literals.emails,
    literals.addresses, literals.phones, literals.names,
)  # fmt: skip


@pytest.mark.parametrize(
    ("read", "text", "values"),
    [
        (literals.numbers, "INVOICE 20931 TOTAL 48.20", [20931, 48.2]),
        (literals.numbers, "platform nine, two hundred and six, twenty-five", [9, 206, 25]),
        (literals.numbers, "three million two thousand one hundred", [3_002_100]),
        (literals.numbers, "$1,234.50 or €3,20 or 12%", [1234.5, 3.2, 12]),
        (literals.numbers, "minus -5 degrees, the 9th try, 5kg", [-5, 9, 5]),
        (literals.numbers, "at 14:05 on 3 March 2026 call 555-0139, version 1.2.3", []),
        (literals.dates, "2026-03-04 and 9th of May 2020 and Dec. 1, 1999", None),
        (literals.dates, "Tuesday evening, 3/4/2026, 2026-02-30, March 3", []),
        (literals.times, "14:05 and 2 pm and 9:30:15 a.m. and 12 am", None),
        (literals.times, "25:00, 12:5, 1:0, 13 pm", []),
        (literals.moments, "2026-03-04T10:00:00Z, 12 March 2026 at 9:30 pm", None),
        (literals.emails, "write to a.b+c@example.co.uk.", ["a.b+c@example.co.uk"]),
        (literals.addresses, "see https://x.org/a?b=c, or www.y.net.", None),
        (literals.phones, "+44 20 7946 0958 or 555-0139 or 12-3 or 2026-03-04", None),
        (literals.names, "My name is Ada Lovelace and this is Dr. Grace Hopper", None),
    ],
)
def test_examples(read: Callable[[str], Any], text: str, values: list[Any] | None) -> None:
    expected = {
        literals.dates: ["2026-03-04", "2020-05-09", "1999-12-01"],
        literals.times: ["14:05:00", "14:00:00", "09:30:15", "00:00:00"],
        literals.moments: ["2026-03-04T10:00:00Z", "2026-03-12T21:30:00"],
        literals.addresses: ["https://x.org/a?b=c", "www.y.net"],
        literals.phones: ["+44 20 7946 0958", "555-0139"],
        literals.names: ["Ada Lovelace", "Dr. Grace Hopper"],
    }
    found = [one.value for one in read(text)]
    assert sorted(map(str, found)) == sorted(map(str, expected[read] if values is None else values))


@given(st.text(max_size=60) | st.text("0123456789:.,-+ $%@wpm/é", max_size=40))
def test_any_text_is_read_and_places_are_right(text: str) -> None:
    for read in READERS:
        for one in read(text):
            assert 0 <= one.start < one.end <= len(text)
    for phrase, _ in phrases([(text, 0)]):
        assert phrase in text


def test_hostile_texts_end_soon() -> None:
    begun = time.process_time()
    for part in ("1-", "a.", "www.", "1 ", "one ", "a@", "Mr. A ", "9:3"):
        text = (part * 2_000)[:2_000]
        for read in READERS:
            list(read(text))
    assert time.process_time() - begun < 5


def test_words_of_names() -> None:
    assert words_of("dueInDays") == ("due", "in", "days")
    assert words_of("HTTPStatus_code-2") == ("http", "status", "code", "2")
    assert words_of("Überschrift") == ("überschrift",)
