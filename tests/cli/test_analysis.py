"""The verbs of analysis on a library that holds three short videos: one of them shows a page and
has somebody say "dog"."""

from __future__ import annotations

import csv
import io
import json

import jsonschema
import pytest
from tests.cli.conftest import EMOJI

SLIDE = "slide.mp4"
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": ["string", "null"], "description": "what is written"}},
    "required": ["text"],
}


def test_ask(videlicet, home):
    done = videlicet("ask", "what", "is", "written", "about", "the", "invoice", "--json")
    assert done.code == 0
    assert done.json["found"]
    (sentence, *_) = done.json["sentences"]
    assert "invoice is due" in sentence["text"].lower()
    (citation, *_) = sentence["citations"]
    assert (citation["asset_name"], citation["start"], citation["modality"]) == (SLIDE, 0.0, "text")
    people = videlicet("ask", "what is written about the invoice?").out
    assert "slide.mp4 0:00:00.0–0:00:02.0 (text)" in people
    one = videlicet("ask", "what is written about the invoice?", "--asset", EMOJI, "--json").json
    assert not one["found"]
    assert not any(sentence["citations"] for sentence in one["sentences"])


def test_ask_what_is_not_there(videlicet, home):
    done = videlicet("ask", "what is the telephone number of the dentist?", "--json")
    assert (done.code, done.json["found"]) == (0, False)
    assert all(not sentence["citations"] for sentence in done.json["sentences"])
    assert "ot found" in videlicet("ask", "what is the telephone number of the dentist?").out


def test_summarize(videlicet, home):
    done = videlicet("summarize", SLIDE, "--sentences", "2", "--json")
    assert done.code == 0
    assert 1 <= len(done.json["sentences"]) <= 2
    assert not any(sentence["unsupported"] for sentence in done.json["sentences"])
    assert "invoice" in videlicet("summarize", SLIDE).out.lower()
    assert videlicet("summarize", "nobody.mp4").code == 3


def test_chapters(videlicet, home, tmp_path):
    rows = videlicet("chapters", SLIDE, "--json").json
    assert rows[0]["start"] == 0.0
    assert rows[-1]["end"] == 2.0
    assert "invoice" in videlicet("chapters", SLIDE).out.lower()
    assert videlicet("chapters", SLIDE, "--format", "vtt").out.startswith("WEBVTT")
    assert json.loads(videlicet("chapters", SLIDE, "--format", "podlove").out)[0]["title"]
    assert "<" in videlicet("chapters", SLIDE, "--format", "podlove-xml").out
    assert ";FFMETADATA1" in videlicet("chapters", SLIDE, "--format", "ffmetadata").out
    refused = videlicet("chapters", SLIDE, "--format", "youtube")
    assert refused.code == 2
    assert "YouTube" in refused.err
    assert videlicet("chapters", SLIDE, "--format", "song").code == 2
    into = tmp_path / "with.mp4"
    assert videlicet("chapters", SLIDE, "--embed-into", into).code == 0
    assert into.stat().st_size > 1000


def test_highlights(videlicet, home, tmp_path):
    rows = videlicet("highlights", SLIDE, "--count", "2", "--json").json
    assert rows
    assert all(0 <= row["start"] < row["end"] <= 2 and 0 <= row["score"] <= 1 for row in rows)
    assert sum(rows[0]["reasons"].values()) == pytest.approx(1)
    done = videlicet(
        "highlights", SLIDE, "--clips", tmp_path / "clips", "--reel", tmp_path / "reel.mp4",
        "--timeline", tmp_path / "cuts.otio",
    )  # fmt: skip
    assert done.code == 0
    assert list((tmp_path / "clips").glob("01-*.mp4"))
    assert (tmp_path / "reel.mp4").stat().st_size > 1000
    assert json.loads((tmp_path / "cuts.otio").read_text())["OTIO_SCHEMA"].startswith("Timeline")
    assert videlicet("highlights", SLIDE, "--timeline", tmp_path / "cuts.edl").code == 0
    assert "TITLE" in (tmp_path / "cuts.edl").read_text()
    assert videlicet("highlights", SLIDE, "--timeline", tmp_path / "cuts.txt").code == 2


def test_extract(videlicet, home, tmp_path):
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(SCHEMA))
    value = videlicet("extract", schema, SLIDE).json
    jsonschema.validate(value, SCHEMA)
    assert "invoice" in value["text"].lower()
    whole = videlicet("extract", schema, SLIDE, "--json").json
    assert whole["value"] == value
    assert whole["sentences"][0]["citations"]
    schema.write_text("{")
    assert videlicet("extract", schema, SLIDE, "--json").error["code"] == "invalid_argument"
    schema.write_text('{"type": "animal"}')
    assert videlicet("extract", schema, SLIDE, "--json").error["code"] == "schema_invalid"
    missing = videlicet("extract", tmp_path / "none.json", SLIDE, "--json")
    assert (missing.code, missing.error["code"]) == (2, "path_not_found")


def test_matrix(videlicet, home, tmp_path):
    questions = tmp_path / "questions.txt"
    questions.write_text("What is written about the invoice?\n\nWhich animal is named?\n")
    out = tmp_path / "out.csv"
    first = videlicet("matrix", questions, out)
    assert first.code == 0
    assert "6 cells, 6 of them asked now" in first.err
    rows = list(csv.reader(io.StringIO(out.read_bytes().decode())))
    assert len(rows) == 3
    assert "invoice is due" in " ".join(rows[1]).lower()
    again = videlicet("matrix", questions, tmp_path / "out.json", "--kept", f"{out}.cells")
    assert "6 cells, 0 of them asked now" in again.err
    assert len(json.loads((tmp_path / "out.json").read_text())["cells"]) == 6
    page = tmp_path / "out.html"
    assert videlicet("matrix", questions, page, "--asset", SLIDE).code == 0
    assert "invoice" in page.read_text("utf-8").lower()
    assert videlicet("matrix", questions, tmp_path / "out.xls").code == 2
    questions.write_text("\n")
    assert videlicet("matrix", questions, out).code == 2


def test_compare(videlicet, home):
    row = videlicet("compare", SLIDE, EMOJI, "--json").json
    assert {row["left"], row["right"]} != {None}
    assert any("invoice" in one["text"].lower() for one in row["only_left"])
    assert "0:00:00.0–0:00:02.0" in videlicet("compare", SLIDE, EMOJI).out
    (both, *_) = videlicet("compare", SLIDE, SLIDE).out.splitlines()[1:]
    assert "both" in both
    assert "invoice is due" in both.lower()


def test_subtitles(videlicet, home, tmp_path):
    assert "dog" in videlicet("subtitles", SLIDE).out
    assert videlicet("subtitles", SLIDE, "--format", "vtt").out.startswith("WEBVTT")
    assert "invoice" in videlicet("subtitles", SLIDE, "--on-screen-text").out.lower()
    out = tmp_path / "said.srt"
    assert videlicet("subtitles", SLIDE, out).code == 0
    assert out.read_text("utf-8").startswith("1\n00:00:00")
    assert videlicet("subtitles", SLIDE, tmp_path / "said.txt").code == 2
    assert videlicet("subtitles", SLIDE, tmp_path / "no" / "said.srt").code == 6


def test_report(videlicet, home, tmp_path):
    out = tmp_path / "report.html"
    done = videlicet(
        "report", SLIDE, EMOJI, "--ask", "What is written about the invoice?", "-o", out
    )
    assert done.code == 0, done.err
    text = out.read_text("utf-8")
    assert "invoice is due" in text.lower()
    assert "<video" in text


@pytest.mark.parametrize(
    "words",
    [
        ("subtitles", SLIDE, "/etc/passwd/x.srt"),
        ("subtitles", SLIDE, f"/tmp/{'x' * 300}.srt"),
        ("highlights", SLIDE, "--clips", "/etc/passwd"),
        ("highlights", SLIDE, "--clips", "/etc/passwd/clips"),
        ("highlights", SLIDE, "--reel", "{}/none/x.mp4"),
        ("highlights", SLIDE, "--timeline", "{}/none/x.edl"),
        ("chapters", SLIDE, "--embed-into", "{}/none/x.mp4"),
        ("matrix", "{}/questions.txt", "{}/none/x.csv"),
        ("report", SLIDE, "--out", "{}/none/x.html"),
    ],
)
def test_what_cannot_be_written(videlicet, home, tmp_path, words):
    (tmp_path / "questions.txt").write_text("What?")
    done = videlicet(*(word.format(tmp_path) for word in words))
    assert done.code == 6
    assert "[store_not_writable]" in done.err
    assert "Name a file in a folder that you may write to." in done.err
    assert ".cells" not in done.err


@pytest.mark.parametrize(
    ("words", "choices"),
    [
        (("highlights", SLIDE, "--clips", "{}/clips", "--reel", "{}/x.txt"), ".mp4"),
        (("highlights", SLIDE, "--reel", "{}/x.mp4", "--timeline", "{}/x.foo"), ".otio or .edl"),
        (("chapters", SLIDE, "--embed-into", "{}/x.mp4", "--format", "song"), "table, youtube"),
        (("chapters", SLIDE, "--embed-into", "{}/x.avi"), ".mp4"),
        (("subtitles", SLIDE, "{}/x.txt"), ".srt or .vtt"),
        (("subtitles", SLIDE, "{}/x.vtt", "--format", "srt"), "--format says srt"),
        (("subtitles", SLIDE, "--format", "txt"), "srt or vtt"),
    ],
)
def test_wrong_endings_and_forms_are_refused_before_anything_is_written(
    videlicet, home, tmp_path, words, choices
):
    before = sorted(tmp_path.iterdir())
    done = videlicet(*(word.format(tmp_path) for word in words))
    assert done.code == 2
    assert choices in done.err
    assert sorted(tmp_path.iterdir()) == before


def test_chapters_that_cannot_be_printed_are_not_written_either(videlicet, home, tmp_path):
    into = tmp_path / "with.mp4"
    refused = videlicet("chapters", SLIDE, "--format", "youtube", "--embed-into", into)
    assert refused.code == 2
    assert "there is 1 chapter," in refused.err
    assert not into.exists()


def test_endings_and_forms_in_capitals(videlicet, home, tmp_path):
    assert videlicet("subtitles", SLIDE, tmp_path / "x.SRT").code == 0
    assert (tmp_path / "x.SRT").read_text("utf-8").startswith("1\n")
    assert videlicet("subtitles", SLIDE, "--format", "VTT").out.startswith("WEBVTT")
    timeline, reel = tmp_path / "x.EDL", tmp_path / "x.MP4"
    assert videlicet("highlights", SLIDE, "--timeline", timeline, "--reel", reel).code == 0
    assert timeline.read_text().startswith("TITLE")
    (tmp_path / "questions.txt").write_text("What is due?")
    assert videlicet("matrix", tmp_path / "questions.txt", tmp_path / "x.CSV").code == 0
    assert (tmp_path / "x.CSV").read_text("utf-8").startswith("question,")


def test_files_with_a_byte_order_mark(videlicet, home, tmp_path):
    questions = tmp_path / "questions.txt"
    questions.write_text("What is written about the invoice?\n", "utf-8-sig")
    done = videlicet("matrix", questions, tmp_path / "x.json", "--json", "--asset", SLIDE)
    assert done.json["questions"] == ["What is written about the invoice?"]
    assert "1 cell, 1 of them asked now" in done.err
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(SCHEMA), "utf-8-sig")
    assert videlicet("extract", schema, SLIDE).code == 0
    examples = tmp_path / "examples.json"
    examples.write_text(json.dumps({"a": [SLIDE, SLIDE], "none": [EMOJI]}), "utf-8-sig")
    assert videlicet("classify", "--examples", examples).code == 0


@pytest.mark.parametrize(
    ("question", "code"),
    [("", "query_empty"), ("?!", "query_empty"), ("x" * 5001, "query_too_long")],
)
def test_what_is_no_question(videlicet, home, tmp_path, question, code):
    for words in (
        ("ask", question), ("ask", question, "--asset", SLIDE),
        ("report", SLIDE, "--ask", question, "--out", tmp_path / "x.html"),
    ):  # fmt: skip
        done = videlicet(*words)
        assert done.code == 2
        assert f"[{code}]" in done.err
        assert "The question has" in done.err
        assert "search" not in done.err
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize(
    "verb", [("summarize", SLIDE, "--focus"), ("highlights", SLIDE, "--query")]
)
def test_words_that_are_too_many(videlicet, home, verb):
    assert videlicet(*verb, "x" * 5000).code == 0
    done = videlicet(*verb, "x" * 5001)
    assert (done.code, "[query_too_long]" in done.err) == (2, True)


def test_what_nothing_is_about_is_reported(videlicet, home):
    for words in (("summarize", SLIDE, "--focus"), ("highlights", SLIDE, "--query")):
        odd = videlicet(*words, "bassoon")
        assert odd.code == 0
        assert "Nothing was found about 'bassoon'" in odd.err
        assert odd.out == videlicet(*words[:2]).out
        assert "Nothing" not in videlicet(*words, "the invoice").err
    assert "query" in videlicet("highlights", SLIDE, "--query", "the invoice").out
