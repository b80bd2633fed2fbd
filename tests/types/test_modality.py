from __future__ import annotations

import pickle

import pytest

from videlicet.types import Modality, modality
from videlicet.types.kinds import ObservationKind


def test_our_names_have_one_object() -> None:
    assert Modality("speech") is Modality.SPEECH
    assert pickle.loads(pickle.dumps(Modality.SPEECH)) is Modality.SPEECH


def test_the_name_of_a_kind_has_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modality, "_KNOWN", dict(modality._KNOWN))
    assert Modality("smell") is not Modality("smell")
    ObservationKind(
        name="smell", payload=int, to_json=lambda _: {}, from_json=lambda _: 0,
        identity=str, describe=str, modality=Modality("smell"),
    )  # fmt: skip
    assert Modality("smell") is Modality("smell")


def test_names_that_callers_send_are_not_remembered() -> None:
    before = len(modality._KNOWN)
    for number in range(1000):
        assert Modality(f"made-up-{number}") == f"made-up-{number}"
    assert len(modality._KNOWN) == before


@pytest.mark.parametrize("name", ["", "Speech", "-a", "a" * 33, "a b", "a\n"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a modality"):
        Modality(name)
