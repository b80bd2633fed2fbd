"""A transport stream whose timeline begins after an hour: what people read are a player's times."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from tests import samples
from tests.cli.conftest import DOG, Run
from tests.samples import Tone

import videlicet as vl
from videlicet.models.fakes import IDS, draw_text

HOUR = 3600.0
VIDEO = "late.ts"


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a video of six seconds. From the second on there is an invoice to be
    read for two seconds, and from the fourth on somebody says "dog"."""
    root = tmp_path_factory.mktemp("late")
    blank = np.zeros((240, 320, 3), np.uint8)
    page = draw_text(blank, "The invoice is due")
    samples.video(
        root / VIDEO,
        pictures=[*[blank] * 50, *[page] * 50, *[blank + np.uint8(90)] * 50],
        tones=[Tone(DOG, 2, start=HOUR + 4)],
        start=HOUR,
    )
    with vl.open(root / "home") as library:
        library.create_index("default", IDS)
        assert not library.add(root / VIDEO).failed
    return root / "home"


@pytest.fixture
def begin(late: Path, monkeypatch: pytest.MonkeyPatch) -> float:
    """Where the video's timeline begins, the command using the library that holds it."""
    monkeypatch.setenv("VIDELICET_HOME", str(late))
    with vl.open(late) as library:
        (asset,) = library.assets()
    start = float(asset.media.span.start)
    assert HOUR <= start <= HOUR + 2
    return start


def parse_times(text: str) -> tuple[float, float]:
    """The first stretch in a table."""
    found = re.search(r"(\d+):(\d\d):(\d\d\.\d)–(\d+):(\d\d):(\d\d\.\d)", text)
    assert found is not None, text
    h, m, s, *end = map(float, found.groups())
    return h * 3600 + m * 60 + s, end[0] * 3600 + end[1] * 60 + end[2]


def test_answers(videlicet: Run, begin: float) -> None:
    question = "When is the invoice shown?"
    answer = videlicet("ask", question, "--json").json
    assert answer["found"]
    (citation, *_) = answer["sentences"][0]["citations"]
    start, end = citation["start"] - begin, citation["end"] - begin
    assert (start, end) == pytest.approx((2, 4), abs=0.75)
    says = f"On screen at 0:0{int(start)}–0:0{int(end)}: “The invoice is due”"
    assert says in answer["text"]
    people = videlicet("ask", question).out
    assert says in people
    assert parse_times(people) == pytest.approx((start, end), abs=0.06)


def test_searches(videlicet: Run, begin: float, tmp_path: Path) -> None:
    (hit,) = videlicet("search", "invoice", "--modality", "text", "--json").json["hits"]
    page = tmp_path / "page.html"
    table = videlicet("search", "invoice", "--modality", "text", "--html", page).out
    start, end = hit["span"]["start"] - begin, hit["span"]["end"] - begin
    assert 0 <= start <= 2.1
    assert parse_times(table) == pytest.approx((start, end), abs=0.06)
    html = page.read_text("utf-8")
    assert f"#t={start:.3f},{end:.3f}" in html
    assert "1:00:" not in html
    grouped = videlicet("search", "invoice", "--group-by", "asset").out
    assert "1:00:" not in table + grouped


@pytest.mark.parametrize(
    "words",
    [
        ("show", VIDEO),
        ("chapters", VIDEO),
        ("chapters", VIDEO, "--format", "vtt"),
        ("chapters", VIDEO, "--format", "podlove"),
        ("highlights", VIDEO),
        ("classify", "--label", "green", "--shots"),
        ("subtitles", VIDEO),
        ("ask", "what is said?"),
        ("summarize", VIDEO),
    ],
)
def test_tables_and_texts(videlicet: Run, begin: float, words: tuple[str, ...]) -> None:
    done = videlicet(*words)
    assert done.code == 0
    assert not re.search(r"\b0?1:00:|60:0|360\d", done.out)
    assert re.search(r"0:0", done.out)


def test_values(videlicet: Run, begin: float, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(
        json.dumps({"type": "object", "properties": {
            "invoice_start": {"type": "timestamp", "format": "seconds"}}})
    )  # fmt: skip
    value = json.loads(videlicet("extract", schema, VIDEO).out)
    assert value["invoice_start"] == pytest.approx(2, abs=0.75)


def test_examples_are_given_in_a_players_time(videlicet: Run, begin: float, tmp_path: Path) -> None:
    file = tmp_path / "examples.json"
    parts = [{"asset": VIDEO, "start": at, "end": at + 2} for at in (0, 2, 4)]
    file.write_text(json.dumps({"paper": parts[1:2] * 2, "none": [parts[0], parts[2]]}))
    rows = videlicet("classify", "--examples", file, "--shots", "--json").json
    labels = {round(row["start"] - begin): row["label"] for row in rows}
    assert labels[2] == "paper"
