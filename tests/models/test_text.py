from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from videlicet.embedding.texts import require_meaning
from videlicet.errors import InvalidInput
from videlicet.models import registry
from videlicet.models.base import TextEncoder
from videlicet.settings import load

GOLDEN = json.loads((Path(__file__).parent / "golden" / "text.json").read_text())["rows"]

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def text() -> TextEncoder:
    return registry.load("text", load())  # type: ignore[no-any-return]


@pytest.mark.parametrize("row", GOLDEN, ids=[row["text"][:20] for row in GOLDEN])
def test_vectors_are_those_of_the_upstream_weights(
    text: TextEncoder, row: dict[str, object]
) -> None:
    assert text.count_tokens(str(row["text"])) == row["tokens"]
    found = text.encode([str(row["text"])])[0]
    assert np.abs(found - np.asarray(row["vector"])).max() <= 1e-5


def test_a_row_does_not_depend_on_its_neighbours(text: TextEncoder) -> None:
    alone = text.encode(["a dog on a beach"])
    long = "something much longer than the others " * 5
    crowd = text.encode(["a cat", "a dog on a beach", long] * 20)
    assert crowd.shape == (60, text.dimensions)
    assert np.array_equal(crowd[1::3], np.repeat(alone, 20, axis=0))
    assert np.allclose(np.linalg.norm(crowd, axis=1), 1, atol=1e-6)


def test_nothing_gives_no_rows(text: TextEncoder) -> None:
    assert text.encode([]).shape == (0, text.dimensions)


def test_nothing_is_cut_off_in_silence(text: TextEncoder) -> None:
    long = "word " * (text.max_tokens - 2)
    assert text.count_tokens(long) == text.max_tokens
    text.encode([long])
    with pytest.raises(ValueError, match="tokens"):
        text.encode([long + "word"])


def test_meaning_is_near(text: TextEncoder) -> None:
    dog, puppy, tax = text.encode(["a dog", "a small puppy", "annual tax report"])
    assert dog @ puppy > 0.5 > dog @ tax


def test_what_it_knows_nothing_of_means_nothing(text: TextEncoder) -> None:
    rows = text.encode(["エスプレッソ", "猫", "🐱", "a cat", "a 猫 sits"])
    assert np.linalg.norm(rows, axis=1).tolist() == pytest.approx([0, 0, 0, 1, 1], abs=1e-5)
    with pytest.raises(InvalidInput):
        require_meaning(rows)
    require_meaning(rows[3:])
