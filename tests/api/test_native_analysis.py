"""The native interface to analysis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import samples
from tests.api.server import Client, Server
from tests.samples import GREEN, Tone

from videlicet.models.fakes import VOCABULARY, draw_text

DOG = 500 + 40 * VOCABULARY.index("dog")


@pytest.fixture(scope="module")
def index(client: Client) -> str:
    return client.index()


@pytest.fixture(scope="module")
def video(client: Client, index: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A video whose timeline does not begin at zero: a page and somebody saying "dog", then
    green."""
    page = draw_text(np.zeros((240, 320, 3), np.uint8), "The invoice is due")
    green = np.full((240, 320, 3), GREEN, np.uint8)
    path = samples.video(
        tmp_path_factory.mktemp("slide") / "slide.ts", pictures=[page] * 50 + [green] * 100,
        tones=[Tone(DOG, 2, start=3600)], start=3600,
    )  # fmt: skip
    return client.add_video(index, path)


@pytest.fixture(scope="module")
def place(index: str, video: str) -> str:
    return f"indexes/{index}/videos/{video}"


def cited(row: dict[str, Any], video: str) -> None:
    for sentence in row["sentences"]:
        assert sentence["unsupported"] is not bool(sentence["citations"])
        for one in sentence["citations"]:
            assert one["video_id"] == video
            assert 0 <= one["start"] < one["end"] <= 6.5
            assert len(one["evidence_sha256"]) == 64


def test_ask(native: Client, index: str, video: str) -> None:
    for chosen in ({}, {"videos": [video]}):
        body = {"question": "What is written about the invoice?", **chosen}
        row = native.ok("POST", f"indexes/{index}/ask", json=body)
        assert row["found"]
        assert "invoice is due" in row["text"].lower()
        cited(row, video)
    body = {"question": "When is the invoice shown?"}
    row = native.ok("POST", f"indexes/{index}/ask", json=body)
    (citation,) = row["sentences"][0]["citations"]
    start, end = (f"0:{int(citation[key]):02d}" for key in ("start", "end"))
    assert f"On screen at {start}–{end}: “The invoice is due”" in row["text"]
    body = {"question": "Who is the president of the choir?"}
    assert not native.ok("POST", f"indexes/{index}/ask", json=body)["found"]


def test_what_it_contains(native: Client, place: str, video: str) -> None:
    gist = native.ok("GET", f"{place}/gist")
    assert gist["title"]["text"]
    summary = native.ok("POST", f"{place}/summary", json={"sentences": 2})
    assert "invoice" in summary["text"].lower()
    cited(summary, video)
    late = native.ok("POST", f"{place}/summary", json={"start": 3, "end": 6})
    assert "invoice" not in late["text"].lower()
    chapters = native.ok("GET", f"{place}/chapters?count=2")["chapters"]
    assert chapters[0]["start"] == 0
    assert [one["end"] for one in chapters[:-1]] == [one["start"] for one in chapters[1:]]
    highlights = native.ok("GET", f"{place}/highlights?count=2&query=invoice")["highlights"]
    assert all(0 <= one["start"] < one["end"] <= 6.5 for one in highlights)


def test_subtitles(native: Client, place: str) -> None:
    vtt = native.get(f"{place}/subtitles")
    assert vtt.headers["content-type"].startswith("text/vtt")
    assert vtt.text.startswith("WEBVTT")
    assert "dog" in vtt.text
    assert native.get(f"{place}/subtitles?form=srt").text.startswith("1\n")


def test_exports_of_a_video(native: Client, place: str) -> None:
    rows = native.ok("GET", "exporters")["exporters"]
    by_name = {row["name"]: row for row in rows}
    assert {"subtitles.srt", "chapters.vtt", "cuts.otio", "matrix.html"} <= by_name.keys()
    assert {row["package"] for row in rows} == {None}
    for name in ("subtitles.srt", "chapters.vtt", "chapters.podlove", "cuts.otio", "cuts.edl"):
        found = native.get(f"{place}/exports/{name}")
        assert found.status_code == 200, found.text
        assert found.headers["content-type"] == by_name[name]["media_type"]
        assert by_name[name]["file_ending"] in found.headers["content-disposition"]
        assert found.content
        assert b"/tmp/" not in found.content
    assert "dog" in native.get(f"{place}/exports/subtitles.srt").text
    for name in ("subtitles.none", "matrix.csv", "cuts.reel"):
        bad = native.get(f"{place}/exports/{name}")
        assert (bad.status_code, bad.json()["code"]) == (400, "parameter_invalid")


def test_extract_and_compare(native: Client, index: str, video: str) -> None:
    text = {"type": ["string", "null"], "description": "what is written"}
    fields = {
        "text": text,
        "invoice_start": {"type": "timestamp", "format": "seconds"},
        "asset_id": {"type": ["array", "null"], "items": {"type": "number"}},
    }
    schema = {"type": "object", "properties": fields, "required": ["text", "asset_id"]}
    body = {"schema": schema, "videos": [video]}
    row = native.ok("POST", f"indexes/{index}/extract", json=body)
    assert "invoice" in row["value"]["text"].lower()
    # Fields keep their names and values, whatever they are called.
    times = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1}
    fields = {"asset_id": times, "start": {"type": "integer"}, "end": {"type": "integer"}}
    named = {"type": "object", "properties": fields, "required": list(fields)}
    kept = native.ok("POST", f"indexes/{index}/extract", json={**body, "schema": named})["value"]
    assert kept.keys() == fields.keys()
    # Of whoever asked: neither named nor moved like what is cited.
    assert 0 <= row["value"]["invoice_start"] <= 2
    assert "asset_id" in row["value"]
    bad = native.post(f"indexes/{index}/extract", json={**body, "schema": {"type": "animal"}})
    assert (bad.status_code, bad.json()["code"]) == (400, "schema_invalid")
    same = native.ok("POST", f"indexes/{index}/compare", json={"left": video, "right": video})
    assert same["shared"]
    assert same["only_left"] == same["only_right"] == []


def test_refusals(
    server: Server, native: Client, stranger: Client, index: str, place: str, tmp_path: Path
) -> None:
    assert native.post(f"indexes/{index}/ask", json={}).status_code == 400
    assert native.post(f"indexes/{index}/ask", json={"question": ""}).status_code == 400
    for question in ("?!", "x" * 5001):
        for chosen in ({}, {"videos": [place.rpartition("/")[2]]}):
            body = {"question": question, **chosen}
            assert native.post(f"indexes/{index}/ask", json=body).status_code == 400
    assert native.post(f"{place}/summary", json={"focus": "x" * 5001}).status_code == 400
    assert native.get(f"{place}/highlights?query={'x' * 5001}").status_code == 400
    nobody = {"question": "x", "videos": ["0" * 24]}
    assert native.post(f"indexes/{index}/ask", json=nobody).status_code == 404
    assert native.post(f"{place}/summary", json={"start": 5, "end": 2}).status_code == 400
    assert native.post(f"{place}/summary", json={"start": 100}).status_code == 400
    assert native.get(f"{place}/chapters?count=0").status_code == 400
    for path in ("gist", "chapters", "highlights", "subtitles"):
        assert stranger.get(f"{place}/{path}").status_code == 404
    asked = stranger.post(f"indexes/{index}/ask", json={"question": "x"})
    assert asked.status_code == 404
    with Client(server, server.key(scopes=["read"]), "v1") as reader:
        assert reader.post(f"indexes/{index}/ask", json={"question": "dog?"}).status_code == 200
