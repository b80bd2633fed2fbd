"""``videlicet classify``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests import samples
from tests.cli.conftest import EMOJI, Run
from tests.samples import GREEN, RED, Scene


def test_labels(videlicet: Run, home: Path) -> None:
    rows = videlicet("classify", "--label", "green", "--label", "blue: blue", "--json").json
    by_name = {row["asset_name"]: row["label"] for row in rows}
    assert by_name["slide.mp4"] == "none"
    assert by_name[EMOJI] == "green"
    assert sorted(by_name.values()) == ["blue", "green", "none"]
    (only,) = videlicet("classify", EMOJI, "--label", "green", "--threshold", "1", "--json").json
    assert (only["label"], only["citations"]) == ("none", [])
    table = videlicet("classify", "--label", "green", "--shots").out
    assert "green" in table
    assert "none" in table


def test_examples(videlicet: Run, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "examples.json"
    part = {"asset": "slide.mp4", "start": 0, "end": 1}
    file.write_text(json.dumps({"alpha": [EMOJI, EMOJI], "none": ["slide.mp4", part]}))
    rows = videlicet("classify", "--examples", file, "--json").json
    by_name = {row["asset_name"]: row["label"] for row in rows}
    assert by_name[EMOJI] == "alpha"
    assert by_name["slide.mp4"] == "none"


@pytest.mark.parametrize(
    "examples",
    [
        "{",
        [],
        {"a": "slide.mp4"},
        {"a": [1]},
        {"a": [{"start": 1}]},
        {"a": [{"asset": "slide.mp4", "start": 1}]},
        {"a": [{"asset": "slide.mp4", "start": 2, "end": 1}]},
        {"a": [{"asset": "slide.mp4", "start": -1, "end": 1}]},
        {"a": [{"asset": "slide.mp4", "start": 0, "end": 1e300}]},
        {"a": ["slide.mp4"]},
    ],
)
def test_bad_examples(videlicet: Run, home: Path, tmp_path: Path, examples: Any) -> None:
    file = tmp_path / "examples.json"
    file.write_text(examples if isinstance(examples, str) else json.dumps(examples))
    done = videlicet("classify", "--examples", file, "--json")
    assert (done.code, done.error["code"]) == (2, "invalid_argument")


def test_bad_words(videlicet: Run, home: Path, tmp_path: Path) -> None:
    assert videlicet("classify", "--json").error["code"] == "invalid_argument"
    missing = videlicet("classify", "--examples", tmp_path / "none.json", "--json")
    assert missing.error["code"] == "path_not_found"
    unknown = videlicet("classify", "nothing.mp4", "--label", "red", "--json")
    assert (unknown.code, unknown.error["code"]) == (3, "asset_not_found")


def test_labels_that_are_none(videlicet: Run, home: Path) -> None:
    signs = videlicet("classify", "--label", "🐱")
    assert (signs.code, "has no letters or digits" in signs.err) == (2, True)
    twice = videlicet("classify", "--label", "a: sea", "--label", "a : train")
    assert (twice.code, "Two labels have the same name" in twice.err) == (2, True)


def test_reasons_are_reported_once(videlicet: Run, home: Path, tmp_path: Path) -> None:
    """A video in which the same is seen twice, with something else in between."""
    samples.video(tmp_path / "twice.mp4", [Scene(GREEN, 3), Scene(RED, 3), Scene(GREEN, 3)])
    assert videlicet("add", tmp_path / "twice.mp4").code == 0
    (row,) = videlicet("classify", "twice.mp4", "--label", "green", "--json").json
    texts = [piece["text"] for piece in row["citations"]]
    assert len(texts) > len(set(texts))
    (printed,) = [
        line for line in videlicet("classify", "twice.mp4", "--label", "green").out.splitlines()
        if "twice.mp4" in line
    ]  # fmt: skip
    assert f"; {texts[0]}" not in printed
    assert texts[0] in printed
