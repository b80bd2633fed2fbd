from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests import prerequisites

from videlicet.models import registry
from videlicet.models.base import FrameEncoder, TextEncoder
from videlicet.models.cards import all_cards, card
from videlicet.models.runtime import Graph
from videlicet.models.vision import square_crops
from videlicet.models.weights import missing_files, open_files
from videlicet.settings import load

GOLDEN = json.loads((Path(__file__).parent / "golden" / "vision.json").read_text())
SIDES = {"lite0": 224, "lite1": 240, "lite2": 260}


def picture(side: int) -> NDArray[np.float32]:
    """The same as in scripts/make_vision_golden.py."""
    y, x = np.mgrid[:side, :side].astype(np.float64) / side
    waves = [np.sin(2 * np.pi * (a * x + b * y)) for a, b in ((3, 1), (1, 4), (5, 2))]
    pixels = np.round((np.stack(waves) + 1) * 127.5)
    return ((pixels - 127) / 128).astype(np.float32)[None]


@pytest.mark.weights
@pytest.mark.parametrize("variant", SIDES)
def test_networks_agree_with_the_reference(variant: str) -> None:
    settings = load()
    name = f"efficientnet-{variant}.onnx"
    having = [c for c in all_cards() if any(f.name == name for f in c.files)]
    there = [c for c in having if not missing_files(settings, c)]
    if not there:
        prerequisites.absent(f"run `videlicet models pull {having[-1].id}`")
    graph = Graph(open_files(settings, there[0])[name])
    features, chances = graph.run({"pictures": picture(SIDES[variant])})
    assert np.abs(features[0] - GOLDEN[variant]["features"]).max() < 1e-4
    assert np.abs(chances[0] - GOLDEN[variant]["probabilities"]).max() < 1e-5


@pytest.fixture(scope="module")
def vision() -> FrameEncoder:
    return registry.load("vision", load())  # type: ignore[no-any-return]


@pytest.mark.weights
def test_a_frame_is_seen_whole_and_by_itself(vision: FrameEncoder) -> None:
    random = np.random.default_rng(0)
    frames = [
        random.integers(0, 255, (90, 160, 3)).astype(np.uint8),
        np.full((120, 120, 3), 40, np.uint8),
        random.integers(0, 255, (160, 90, 3)).astype(np.uint8),
    ]
    together = vision.encode_frames(frames)
    assert together.features.shape == (3, vision.dimensions)
    assert all(0 < score <= 1 for names in together.labels for _, score in names)
    for rows in (together.features, together.semantics):
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for number, frame in enumerate(frames):
        alone = vision.encode_frames([frame])
        assert np.array_equal(alone.features[0], together.features[number])
        assert np.array_equal(alone.semantics[0], together.semantics[number])
        assert alone.labels[0] == together.labels[number]
    best = [[score for _, score in row] for row in together.labels]
    assert all(row == sorted(row, reverse=True) for row in best)


@pytest.mark.weights
def test_no_frames_are_no_rows(vision: FrameEncoder) -> None:
    seen = vision.encode_frames([])
    assert seen.features.shape == (0, vision.dimensions)
    assert seen.labels == ()


@pytest.mark.weights
@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [("q066.jpg", "a tabby cat", "a rocket"), ("q063.jpg", "cars on a street", "a cat")],
)
def test_words_meet_pictures_in_one_space(
    vision: FrameEncoder, corpus: Path, name: str, right: str, wrong: str
) -> None:
    text: TextEncoder = registry.load("text", load())
    frame = np.asarray(Image.open(corpus / "query_media" / name).convert("RGB"))
    one, other = (vision.encode_frames([frame]).semantics @ text.encode([right, wrong]).T)[0]
    assert one > other


@pytest.mark.parametrize("size", [(160, 90), (90, 160), (1000, 10), (10, 10), (105, 100)])
def test_views_cover_the_whole_picture(size: tuple[int, int]) -> None:
    # A picture whose colour says where it is: red from left to right, green from top to bottom.
    width, height = size
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([x * 255 / max(1, width - 1), y * 255 / max(1, height - 1), 0 * x], axis=2)
    seen = [np.asarray(v) for v in square_crops(Image.fromarray(pixels.astype(np.uint8)), 64)]
    assert all(view.shape == (64, 64, 3) for view in seen)
    for channel in (0, 1):
        assert min(view[..., channel].min() for view in seen) < 30
        assert max(view[..., channel].max() for view in seen) > 225


def test_every_vision_card_names_files_it_has() -> None:
    for one in all_cards():
        if one.role == "vision":
            names = {file.name for file in one.files}
            networks = one.preprocessing["networks"]
            assert isinstance(networks, tuple)
            assert {name for name, _ in networks} <= names
            assert [card(id).role for id in one.needs] == ["text"]
