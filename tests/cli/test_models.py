"""``videlicet models``, on a small folder of weights."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from tests.models.conftest import only

from videlicet.models import cards
from videlicet.models.base import File, ModelCard
from videlicet.models.cards import all_cards

CONTENT = {"model.bin": b"weights" * 500, "words.txt": b"a b c\n"}


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> ModelCard:
    """A model of two small files, as an example of all models."""
    usual = all_cards()[0]
    first = usual.files[0]
    files = tuple(
        replace(
            first, name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest(), sources=()
        )
        for name, data in CONTENT.items()
    )
    assert all(isinstance(file, File) for file in files)
    small = replace(usual, id="small", title="A small model", files=files, needs=())
    monkeypatch.setattr(cards, "MODELS", only(small))
    return small


@pytest.fixture
def folder(card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The model's files as somebody might bring them by hand."""
    given = tmp_path / "given" / card.id
    given.mkdir(parents=True)
    for name, data in CONTENT.items():
        (given / name).write_bytes(data)
    monkeypatch.setenv("VIDELICET_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("VIDELICET_WEIGHTS_MIRROR", str(given.parent))
    return given


def test_list_and_show(videlicet, card, folder):
    (row,) = videlicet("models", "list", "--json").json
    assert (row["id"], row["pulled"], row["licence"]) == ("small", False, card.licence)
    assert "small" in videlicet("models", "list").out
    details = videlicet("models", "show", "small", "--json").json
    assert [file["sha256"] for file in details["files"]] == [f.sha256 for f in card.files]
    for text in ("A small model", card.licence, card.files[0].sha256):
        assert text in videlicet("models", "show", "small").out


def test_pull_and_verify(videlicet, card, folder):
    done = videlicet("models", "verify", "--json")
    assert done.code == 7
    assert {fault["code"] for fault in done.json["faults"]} == {"weights_missing"}
    done = videlicet("models", "pull", "--json")
    assert (done.code, done.json) == (0, {"changed": ["small"]})
    assert videlicet("models", "pull", "--json").json == {"changed": []}
    assert "1 models are here, 0 of them new" in videlicet("models", "pull").err
    assert videlicet("models", "list", "--json").json[0]["pulled"] is True
    assert videlicet("models", "verify", "--json").json == {"verified": ["small"], "faults": []}
    assert "as pinned" in videlicet("models", "verify", "small").out


def test_one_flipped_bit(videlicet, card, folder, tmp_path):
    assert videlicet("models", "pull").code == 0
    (path, *_) = (tmp_path / "weights").rglob("model.bin")
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.unlink()  # it may be one file under two names
    path.write_bytes(data)
    done = videlicet("models", "verify", "--json")
    assert done.code == 7
    assert [fault["code"] for fault in done.json["faults"]] == ["weights_checksum_mismatch"]
    assert "--force" in videlicet("models", "verify").out
    assert videlicet("models", "pull", "--force").code == 0
    assert videlicet("models", "verify").code == 0


def test_other_bytes_are_not_taken(videlicet, card, folder):
    (folder / "model.bin").write_bytes(b"malware" * 500)
    done = videlicet("models", "pull", "--json")
    assert done.code == 7
    assert done.error["code"] in ("weights_unavailable", "weights_checksum_mismatch")
    assert videlicet("models", "verify").code == 7


def test_nobody_knows_that_model(videlicet):
    for verb in ("show", "pull", "verify"):
        done = videlicet("models", verb, "nobody", "--json")
        assert (done.code, done.error["code"]) == (3, "model_not_found")


def test_searching_without_weights_says_so(videlicet, home, tmp_path, monkeypatch):
    import videlicet as vl

    monkeypatch.setenv("VIDELICET_WEIGHTS", str(tmp_path / "none"))
    with vl.open(home) as library:
        library.create_index("real")
    done = videlicet("search", "a dog", "--index", "real", "--json")
    assert (done.code, done.error["code"]) == (7, "weights_missing")
    assert "models pull" in done.error["remedy"]
