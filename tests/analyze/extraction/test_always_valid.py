"""Whatever the schema and the evidence: the value meets the schema, and is from the evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from tests.analyze.extraction.evidence_factory import ENCODER, all_evidence
from tests.analyze.schema.strategies import schemas

from videlicet.analyze.evidence.load import AssetEvidence
from videlicet.analyze.extraction.extract import extract
from videlicet.analyze.extraction.finding import literals
from videlicet.analyze.extraction.time_fields import format_time
from videlicet.analyze.schema import read_schema
from videlicet.types import Answer, EvidenceItem

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def plain(schema: Any) -> Any:
    """A schema in which what the v1.3 interface adds is plain JSON schema."""
    if isinstance(schema, dict):
        if schema.get("type") == "timestamp" and "properties" not in schema:
            if schema["format"] == "seconds":
                return {"type": "number", "minimum": 0}
            end = r"\.\d{3}$" if schema["format"].endswith("fff") else "$"
            return {"type": "string", "pattern": r"^\d{2}:\d{2}:\d{2}" + end}
        return {key: plain(value) for key, value in schema.items()}
    return [plain(one) for one in schema] if isinstance(schema, list) else schema


def check(schema: dict[str, Any], answer: Answer) -> None:
    """By the library itself, formats asserted (with rfc3339-validator for dates and times)."""
    judge = Draft202012Validator(plain(schema), format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert [error.message for error in judge.iter_errors(answer.value)] == []
    assert json.loads(json.dumps(answer.value)) == answer.value


@settings(max_examples=220, deadline=None, suppress_health_check=SLOW)
@given(schemas(), all_evidence())
def test_value_meets_its_schema(schema: dict[str, Any], recordings: list[AssetEvidence]) -> None:
    given_schema = deepcopy(schema)
    answer = extract(recordings, schema, "", ENCODER)
    assert schema == given_schema
    check(schema, answer)
    assert answer.found == any(sentence.supported for sentence in answer.sentences)
    assert answer.sentences


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(schemas(), all_evidence())
def test_the_same_again(schema: dict[str, Any], recordings: list[AssetEvidence]) -> None:
    assert extract(recordings, schema, "", ENCODER) == extract(recordings, schema, "", ENCODER)


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(schemas(), all_evidence())
def test_nothing_is_invented(schema: dict[str, Any], recordings: list[AssetEvidence]) -> None:
    answer = extract(recordings, schema, "", ENCODER)
    items = {item.id for recording in recordings for item in recording.items}
    choices = json.dumps(schema, ensure_ascii=False)
    for sentence in answer.sentences:
        assert {item.id for item in sentence.citations} <= items
        text = sentence.text.split(": ", 1)[-1]
        if not sentence.supported:
            assert text == "not found" or not answer.found
            continue
        said = " ".join(item.text for item in sentence.citations)
        chosen = json.dumps(text, ensure_ascii=False) in choices or text in ("true", "false")
        assert chosen or text in said or text in _read(sentence.citations)


def _read(citations: Sequence[EvidenceItem]) -> set[str]:
    """Every text that an answer may have beside those of items."""
    readers = (literals.numbers, literals.dates, literals.times, literals.moments)
    found = [one.value for p in citations for read in readers for one in read(p.text)]
    whole = [int(one) for one in found if isinstance(one, float) and one.is_integer()]
    offset = [f"{one}Z" for one in found if isinstance(one, str)]
    # The drawn videos have all their times, those of their cuts too, at whole seconds.
    forms = ("seconds", "hh:mm:ss", "hh:mm:ss.fff")
    times = [format_time(Fraction(at), form) for at in range(61) for form in forms]
    seconds = [round(one) for one in times if isinstance(one, float)]
    return {str(one) for one in (*found, *whole, *offset, *times, *seconds)}


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(schemas())
def test_the_empty_value_is_valid(schema: dict[str, Any]) -> None:
    found = read_schema(schema)
    judge = Draft202012Validator(plain(schema), format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert judge.is_valid(found.empty)
    assert found.valid(found.empty)
