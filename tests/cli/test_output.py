"""What is printed, whatever is given: texts, times, records, errors."""

from __future__ import annotations

import json
import math
import os
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.cli import output
from videlicet.cli.output import exit_code, printable, replace_surrogates, timecode, to_plain
from videlicet.cli.search import parse_filters, scalar
from videlicet.cli.show import parse_metadata
from videlicet.errors import (
    AnalysisError,
    InvalidInput,
    InvalidQuery,
    ModelError,
    VidelicetError,
    all_codes,
    from_json,
)
from videlicet.types import Embedding, Span, Status

any_text = st.text(st.characters(codec=None, exclude_categories=()))


@given(any_text)
def test_whatever_is_printed_can_be_encoded_and_controls_nothing(text: str) -> None:
    safe = printable(text)
    safe.encode("utf-8")
    assert all(c.isprintable() or c in "\u200c\u200d" for c in safe)
    assert printable(safe) == safe


@given(st.binary())
def test_names_of_files_keep_the_bytes_that_are_no_text(data: bytes) -> None:
    safe = replace_surrogates(os.fsdecode(data))
    assert safe.encode("utf-8") == data.decode("utf-8", "backslashreplace").encode("utf-8")


def test_scripts_and_emoji_stay_while_escapes_become_visible() -> None:
    for text in ("naïve 🎬 👩‍👧", "می‌خواهم", "日本語"):
        assert printable(text) == text
    assert printable("\x1b[31mred\nline\u202etxt") == "\\x1b[31mred\\nline\\u202etxt"


@given(st.fractions(min_value=0, max_value=10**6))
def test_a_timecode_tells_the_time_to_a_tenth(seconds: Fraction) -> None:
    hours, minutes, rest = timecode(seconds).split(":")
    assert len(minutes) == 2
    assert len(rest) == 4
    parsed = int(hours) * 3600 + int(minutes) * 60 + Fraction(rest)
    assert abs(parsed - seconds) <= Fraction(1, 20) + Fraction(1, 10**6)


def test_timecodes() -> None:
    assert timecode(3661.25) == "1:01:01.2"
    assert timecode(Fraction(-3, 2)) == "-0:00:01.5"
    assert timecode(59.96) == "0:01:00.0"


json_ready = st.recursive(
    st.none() | st.booleans() | st.integers() | any_text | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(any_text, inner),
)


@given(json_ready)
def test_all_data_become_json(value: object) -> None:
    text = json.dumps(to_plain(value), ensure_ascii=False, allow_nan=False)
    text.encode("utf-8")
    json.loads(text)


@given(st.text())
def test_valid_text_stays_as_it_is_in_json(text: str) -> None:
    assert to_plain(text) == text


def test_records_become_json() -> None:
    assert to_plain(Span.of("1/4", 2)) == {"start": 0.25, "end": 2.0}
    assert to_plain({"a": (Fraction(1, 2), Status.READY, frozenset({1}))}) == {
        "a": [0.5, "ready", [1]]
    }
    assert to_plain([math.nan, math.inf, 1.5]) == [None, None, 1.5]
    assert to_plain(datetime(2024, 1, 2, tzinfo=UTC)) == "2024-01-02T00:00:00+00:00"
    assert to_plain(Path(os.fsdecode(b"/caf\xe9"))) == "/caf\\xe9"
    vector = Embedding("space", np.array([1, 0.5], "<f4").tobytes())
    assert to_plain(vector) == {"space": "space", "vector": [1.0, 0.5]}
    with pytest.raises(TypeError):
        to_plain(b"raw")


def test_every_error_has_an_exit_code_that_is_reported() -> None:
    for code in all_codes():
        error = from_json({"code": code, "message": "m"})
        number = exit_code(error)
        assert 1 <= number <= 7
        assert f" {number} " in output.EXIT_CODES
        assert (number == 7) == isinstance(error, ModelError | AnalysisError)
    assert exit_code(VidelicetError.__new__(VidelicetError)) == output.SOME_FAILED


def test_filters() -> None:
    assert parse_filters([]) == {}
    assert parse_filters(["speaker=Ada"]) == {"speaker": "Ada"}
    assert parse_filters(["year=1999", "hdr=true"]) == {"and": [{"year": 1999}, {"hdr": True}]}
    assert parse_filters(['{"year": {"gte": 2000}}', "a=b=c"]) == {
        "and": [{"year": {"gte": 2000}}, {"a": "b=c"}]
    }


@pytest.mark.parametrize("row", ["", "speaker", "=Ada", "{", '{"a": }'])
def test_filters_that_are_none(row: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse_filters([row])
    assert caught.value.code == "filter_invalid"


@given(st.text())
def test_a_value_is_text_unless_it_is_a_number_or_a_truth(text: str) -> None:
    value = scalar(text)
    assert value == text or isinstance(value, bool | int | float) or text.strip().startswith('"')


def test_metadata() -> None:
    assert parse_metadata("year=1999") == ("year", 1999)
    assert parse_metadata("speaker = Ada") == ("speaker", " Ada")
    assert parse_metadata("speaker=") == ("speaker", None)
    for row in ("speaker", "=Ada", ""):
        with pytest.raises(InvalidInput):
            parse_metadata(row)
