from __future__ import annotations

import importlib.util
import re
import threading
from pathlib import Path

import pytest
from tests.models.conftest import card as made_up
from tests.models.conftest import file, only

from videlicet.errors import ModelError, NotFound
from videlicet.models import cards, fakes, registry
from videlicet.models.weights import faults
from videlicet.models.weights.store import content_path
from videlicet.settings import Settings, load


def test_ids_are_unique_and_every_role_has_one_default() -> None:
    every = [*cards.all_cards(), *cards.FAKES.values()]
    assert len({card.id for card in every}) == len(every)
    assert set(cards.default_cards()) == {*cards.ROLES} - {"observer"}
    for role in cards.default_cards():
        assert sum(card.default for card in every if card.role == role) == 1


def test_every_real_file_is_pinned_and_has_sources() -> None:
    by_hash: dict[str, tuple[str, int]] = {}
    for card in cards.all_cards():
        assert card.files
        assert card.licence
        assert card.limits
        assert card.homepage.startswith("https://")
        for one in card.files:
            assert re.fullmatch(r"[0-9a-f]{64}", one.sha256)
            assert one.size > 0
            assert one.sources
            assert one.provenance
            assert (one.convert == "copy") == (one.source_sha256 is None)
            assert by_hash.setdefault(one.sha256, (one.name, one.size)) == (one.name, one.size)
            for source in one.sources:
                for part in source.parts:
                    if source.kind == "hub":
                        assert re.fullmatch(r"[0-9a-f]{40}", part.version)


def test_needed_cards_come_first_and_once() -> None:
    wanted = [cards.card("efficientnet-lite0"), cards.card("efficientnet-lite1")]
    found = [card.id for card in cards.with_needs([*wanted, wanted[0]])]
    assert found == ["all-minilm-l6-v2", "efficientnet-lite0", "efficientnet-lite1"]


def test_unknown_models_are_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        registry.load("no-such-model", load(tmp_path))
    assert caught.value.code == "model_not_found"


def test_models_that_were_not_pulled_are_named(tmp_path: Path) -> None:
    settings = load(tmp_path, weights=tmp_path / "empty")
    with pytest.raises(ModelError) as caught:
        registry.load("vision", settings)
    assert caught.value.code == "weights_missing"
    vision = cards.default_cards()["vision"]
    assert caught.value.details["models"] == ["all-minilm-l6-v2", vision]
    assert vision in caught.value.message
    assert "videlicet models pull" in caught.value.remedy


def test_a_wrong_file_never_reaches_a_runtime(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = made_up([file("model.onnx", b"right", *()), file("tokenizer.json", b"{}")])
    folder = own.weights / "models" / wanted.id
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"wrong")
    (folder / "tokenizer.json").write_bytes(b"{}")
    monkeypatch.setattr(cards, "MODELS", only(wanted))
    with pytest.raises(ModelError) as caught:
        registry.load(wanted.id, own)
    assert caught.value.code == "weights_checksum_mismatch"
    assert "model.onnx" in str(caught.value.subject)


def test_a_model_is_loaded_once_by_many_threads(tmp_path: Path) -> None:
    settings = load(tmp_path)
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(registry.load("double-text", settings)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(model) for model in found}) == 1


def test_doubles_are_complete(tmp_path: Path) -> None:
    assert set(fakes.IDS) == set(cards.default_cards())
    for role, id in fakes.IDS.items():
        model = registry.load(id, load(tmp_path))
        assert model.card.id == id
        assert model.card.role == role


@pytest.mark.weights
def test_the_starter_set_is_as_pinned() -> None:
    settings = load()
    for id in cards.default_cards().values():
        card = cards.card(id)
        assert faults(settings, card) == []
        for one in card.files:
            assert content_path(settings, one.sha256).is_file()


def test_packages_that_carry_weights_are_installed() -> None:
    for card in cards.all_cards():
        for one in card.files:
            for source in one.sources:
                if source.kind == "installed":
                    assert importlib.util.find_spec(source.parts[0].package) is not None
