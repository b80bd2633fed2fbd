"""``videlicet demo`` as a command; the demo itself has tests of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from videlicet import demo
from videlicet.demo.question import Place
from videlicet.demo.run import DemoReport, DemoRow
from videlicet.errors import ModelError
from videlicet.types import Span

RIGHT = Place("cat.mp4", Span.of(0, 8))
WRONG = Place("rabbit.mp4", Span.of(1, 2))


def report(*ranks: int | None) -> DemoReport:
    rows = tuple(
        DemoRow("words → picture", f"question {n}", (RIGHT,), rank, place, 0.5, 0.02)
        for n, rank in enumerate(ranks)
        for place in [RIGHT if rank == 1 else WRONG if rank else None]
    )
    return DemoReport(rows, 8, 90.0, 4.0, 30.0, Path("out/demo.html"), ("A cat: somebody, CC0",))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the demo is called with; it answers with what is under ``report``."""
    seen: dict[str, object] = {"report": report(1, 1)}

    def run_demo(home, out, video=None, *, say, follow):
        seen.update(home=home, out=out, video=video)
        say("Making videos")
        follow([])
        return seen["report"]

    monkeypatch.setattr(demo, "run_demo", run_demo)
    return seen


def test_all_found(videlicet, asked, monkeypatch, tmp_path):
    monkeypatch.setenv("VIDELICET_HOME", str(tmp_path / "my own"))
    done = videlicet("demo")
    assert done.code == 0
    assert done.out.count("✓") == 2
    for text in ("Making videos", "A cat: somebody, CC0", "out/demo.html", "2 of 2"):
        assert text in done.err
    assert asked["out"] == Path("demo/out")
    assert tmp_path not in Path(str(asked["home"])).absolute().parents
    assert asked["video"] is None


def test_not_all_found(videlicet, asked):
    asked["report"] = report(1, 3, None)
    done = videlicet("demo", "--video", "mine.mp4", "--out", "there")
    assert (done.code, asked["video"], asked["out"]) == (1, Path("mine.mp4"), Path("there"))
    assert [done.out.count(sign) for sign in "✓·✗"] == [1, 1, 1]


def test_for_programs(videlicet, asked):
    done = videlicet("demo", "--json")
    assert done.code == 0
    assert [row["rank"] for row in done.json["rows"]] == [1, 1]
    assert done.err == ""


def test_nothing_to_make_videos_of(videlicet, monkeypatch):
    def run_demo(*_, **__):
        raise ModelError("weights_unavailable", "The registry is away.")

    monkeypatch.setattr(demo, "run_demo", run_demo)
    done = videlicet("demo", "--json")
    assert (done.code, done.error["code"]) == (7, "weights_unavailable")
