"""Classification with labels of the user's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import samples
from tests.samples import BLUE, GREEN, RED, YELLOW, Scene, Tone

import videlicet as vl
from videlicet.analyze.classify import logistic
from videlicet.analyze.classify.classifier import NONE
from videlicet.errors import InvalidInput, NotFound
from videlicet.library import Library
from videlicet.models.fakes import IDS
from videlicet.types import Modality, Span

COLOURS = {"red": RED, "green": GREEN, "blue": BLUE, "yellow": YELLOW}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Three videos of each colour, and one that is red, then green."""
    root = tmp_path_factory.mktemp("classify")
    recordings = []
    for name, colour in COLOURS.items():
        for number in range(3):
            scene = Scene(colour, 2 + number)
            recordings.append(samples.video(root / f"{name}{number}.mp4", [scene]))
    recordings.append(samples.video(root / "both.mp4", [Scene(RED, 3), Scene(GREEN, 3)]))
    with vl.open(root / "home") as one:
        one.create_index("default", IDS)
        assert not one.add(*recordings).failed
        yield one


@pytest.fixture(scope="module")
def ids(library: Library) -> dict[str, str]:
    return {Path(asset.name).stem: asset.id for asset in library.assets()}


@pytest.mark.slow
def test_by_description(library: Library, ids: dict[str, str]) -> None:
    found = library.classify({"red": "", "blue": "blue"})
    labels = {one.asset_id: one for one in found}
    assert len(labels) == len(ids)
    for name, id in ids.items():
        one = labels[id]
        wanted = "red" if name == "both" else name[:-1]
        assert one.label == (wanted if wanted in ("red", "blue") else NONE), name
        assert set(one.scores) == {"red", "blue"}
        assert one.score == max(one.scores.values())
        if one.label == NONE:
            assert one.score < 0.5
            assert not one.citations
        else:
            assert one.score >= 0.5
            assert {item.modality for item in one.citations} == {Modality.VISUAL}
            assert wanted in one.citations[0].text
            assert all(item.asset_id == id for item in one.citations)


def test_thresholds(library: Library, ids: dict[str, str]) -> None:
    (one,) = library.classify(["red"], assets=[ids["red0"]], threshold=0.5)
    (same,) = library.classify(["red"], assets=[ids["red0"]], threshold=one.score)
    assert same.label == "red"
    (none,) = library.classify(["red"], assets=[ids["red0"]], threshold=1.0)
    assert (none.label, none.score, none.scores) == (NONE, one.score, one.scores)
    (any_,) = library.classify(["red"], assets=[ids["blue0"]], threshold=0.0)
    assert any_.label == "red"


def test_what_nothing_supports_has_no_citations(tmp_path: Path) -> None:
    with vl.open(tmp_path / "home") as silent:
        silent.create_index("default", IDS)
        assert not silent.add(samples.sound(tmp_path / "tone.wav", Tone(300, 2))).failed
        for shots in (False, True):
            (one,) = silent.classify(["red"], threshold=0.0, shots=shots)
            assert (one.label, one.citations) == ("red", ())


def test_shots(library: Library, ids: dict[str, str]) -> None:
    found = library.classify(["red", "green"], assets=[ids["both"]], shots=True)
    assert [one.label for one in found] == ["red", "green"]
    assert found[0].span.end == found[1].span.start
    for one in found:
        assert all(item.span.overlap(one.span) for item in one.citations)


def test_from_examples(library: Library, ids: dict[str, str]) -> None:
    """Names that say nothing: only the examples can tell."""
    both = library.assets(filter={"name": "both.mp4"})[0]
    start = both.media.span.start
    examples: dict[str, list[Any]] = {
        "alpha": [ids["red0"], ids["red1"], (both.id, Span(start, start + 2))],
        "beta": [ids["green0"], (both.id, Span(start + Fraction(7, 2), start + 6))],
        NONE: [ids["blue0"], ids["blue1"], ids["yellow0"]],
    }
    wanted = {"red2": "alpha", "green1": "beta", "green2": "beta", "blue2": NONE, "yellow2": NONE}
    found = library.classify(
        ["alpha", "beta"], examples=examples, assets=[ids[name] for name in wanted]
    )
    assert [one.label for one in found] == list(wanted.values())
    again = library.classify(
        ["alpha", "beta"], examples=examples, assets=[ids[name] for name in wanted]
    )
    assert again == found
    # A label without examples among others that have some goes by its name.
    (mixed,) = library.classify(
        ["alpha", "beta", "yellow"], examples=examples, assets=[ids["yellow1"]]
    )
    assert mixed.label == "yellow"


@pytest.mark.parametrize(
    ("labels", "options"),
    [
        ([], {}),
        (["..."], {}),
        (["red", "red"], {}),
        ([NONE], {}),
        ([f"label {n}" for n in range(51)], {}),
        (["red"], {"threshold": 1.5}),
        (["red"], {"threshold": float("nan")}),
        (["red"], {"examples": {"red": ["red0"]}}),
        (["red"], {"examples": {"red": ["red0", "red1"]}}),
        (["red"], {"examples": {NONE: ["red0", "red1"]}}),
        (["red"], {"examples": {"green": ["red0", "red1"]}}),
        (["red", "blue"], {"examples": {"red": ["red0"] * 201, "blue": ["blue0"] * 2}}),
        (["red"], {"examples": {"red": [("red0", Span.of(50, 60))] * 2, NONE: ["blue0"]}}),
    ],
)
def test_bad_labels(
    library: Library, ids: dict[str, str], labels: list[str], options: dict[str, Any]
) -> None:
    def known(example: Any) -> Any:
        return ids[example] if isinstance(example, str) else (ids[example[0]], example[1])

    if "examples" in options:
        examples = {k: [known(one) for one in v] for k, v in options["examples"].items()}
        options = {**options, "examples": examples}
    with pytest.raises(InvalidInput) as raised:
        library.classify(labels, **options)
    assert raised.value.code == "invalid_argument"


def test_unknown_assets(library: Library, ids: dict[str, str]) -> None:
    with pytest.raises(NotFound):
        library.classify(["red"], assets=["0" * 24])
    with pytest.raises(NotFound):
        library.classify(["red"], examples={"red": ["0" * 24] * 2, NONE: [ids["blue0"]]})


def test_as_json(library: Library, ids: dict[str, str]) -> None:
    (one,) = library.classify(["red"], assets=[ids["red0"]])
    row = json.loads(json.dumps(one.to_json()))
    assert (row["label"], row["start"]) == ("red", 0.0)
    assert row["citations"][0]["modality"] == "visual"


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.booleans()), min_size=2, max_size=30),
    st.floats(0.01, 10),
    st.booleans(),
)
def test_regression_finds_the_least_loss(
    examples: list[tuple[float, float, bool]], penalty: float, balanced: bool
) -> None:
    """No step away from what was found costs less, and both outcomes keep it finite."""
    rows = np.array([[a, b] for a, b, _ in examples])
    truth = np.array([*(one for *_, one in examples[:-1]), not examples[0][2]])
    start = np.array([1.0, 1.0, 0.0])
    found = logistic.fit(rows, truth, penalty, start=start, balanced=balanced)
    chances = logistic.sigmoid(logistic.scores(rows, found))
    assert np.isfinite(found).all()
    assert ((chances >= 0) & (chances <= 1)).all()

    weights = np.ones(len(truth))
    if balanced:
        weights = np.where(truth, 0.5 / truth.sum(), 0.5 / (~truth).sum()) * len(truth)

    def loss(chosen: Any) -> float:
        margins = np.where(truth, 1, -1) * logistic.scores(rows, chosen)
        away = np.square(chosen - start).sum()
        return float(weights @ np.logaddexp(0, -margins) + penalty * away / 2)

    for step in np.vstack([np.eye(3), -np.eye(3)]) * 0.05:
        assert loss(found) <= loss(found + step) + 1e-6


def test_sigmoid_of_what_is_far() -> None:
    with np.errstate(all="raise"):
        assert logistic.sigmoid(np.array([-500.0, 0.0, 500.0])) == pytest.approx([0, 0.5, 1])
