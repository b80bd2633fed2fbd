from __future__ import annotations

import gc
import json
import pickle
from collections.abc import Iterator
from typing import ClassVar

import pytest

from videlicet import errors
from videlicet.errors import Code, MediaError, VidelicetError, all_codes


def kinds(base: type[VidelicetError] = VidelicetError) -> Iterator[type[VidelicetError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


PAIRS = [(kind, code) for kind in kinds() for code in kind.CODES]


def test_each_code_belongs_to_one_class() -> None:
    codes = [code for _, code in PAIRS]
    assert len(set(codes)) == len(codes)
    assert set(all_codes()) == set(codes)


def test_a_code_in_two_classes_is_noticed() -> None:
    class Twice(VidelicetError):
        CODES: ClassVar = {"media_empty": Code(400, False, "No.")}

    try:
        with pytest.raises(LookupError, match="two classes"):
            all_codes()
    finally:
        del Twice
        gc.collect()
    assert "media_empty" in all_codes()


@pytest.mark.parametrize(("kind", "code"), PAIRS, ids=[code for _, code in PAIRS])
def test_every_code_says_all_there_is_to_say(kind: type[VidelicetError], code: str) -> None:
    error = kind(code, "It went wrong.", subject="talk.mp4")
    assert 400 <= error.status <= 599
    assert error.remedy.endswith(".")
    body = json.loads(json.dumps(error.to_json()))
    assert body == {
        "code": code,
        "message": "It went wrong.",
        "subject": "talk.mp4",
        "retryable": error.retryable,
        "remedy": error.remedy,
    }
    assert str(error) == "It went wrong."


@pytest.mark.parametrize(("kind", "code"), PAIRS, ids=[code for _, code in PAIRS])
def test_errors_cross_processes_whole(kind: type[VidelicetError], code: str) -> None:
    error = kind(code, "message", subject="it", remedy="Do this.", details={"limit": 3})
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert again.to_json() == error.to_json()
    assert again.to_json()["details"] == {"limit": 3}
    assert (again.status, again.args) == (error.status, error.args)
    stored = errors.from_json(json.loads(json.dumps(error.to_json())))
    assert type(stored) is kind
    assert stored.to_json() == error.to_json()


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_a_class_takes_only_its_own_codes(kind: type[VidelicetError]) -> None:
    with pytest.raises(LookupError, match="no_such_code"):
        kind("no_such_code", "message")
    other = next(code for owner, code in PAIRS if owner is not kind)
    with pytest.raises(LookupError, match=other):
        kind(other, "message")


def test_a_media_error_is_an_input_error() -> None:
    with pytest.raises(errors.InvalidInput):
        raise MediaError("media_empty", "talk.mp4 has no bytes.")
