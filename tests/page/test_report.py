"""The report of an analysis: what it shows, where its links lead, what it never lets through."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import prerequisites
from tests.analyze.exports.factories import EVIL, answer, asset, make_item
from tests.page.test_results import Reader

from videlicet.analyze.matrix import Cell, Matrix
from videlicet.errors import InvalidInput
from videlicet.page import AssetReport, analysis_page, matrix_page
from videlicet.page.report import analysis_html, matrix_html
from videlicet.types import Answer, Chapter, Gist, Highlight, Sentence, Span

A, B = asset("a" * 24, "talk.mp4", start=100), asset("b" * 24, "dog show.mp4")


def asset_report(text: str = "Title", **changes: Any) -> AssetReport:
    cited = Sentence(text, (make_item(text, 102, 105),))
    fields: dict[str, Any] = {
        "asset": A,
        "source": "/videos/talk #1?.mp4",
        "gist": Gist(cited, (cited,), (Sentence("#dogs", cited.citations),)),
        "summary": Answer((cited,), True, "builtin"),
        "chapters": (Chapter(Span.of(100, 130), cited, (cited,)),),
        "highlights": (Highlight(Span.of(110, "112.5"), 0.9, cited, {"rare": 0.75}),),
    }
    return AssetReport(**{**fields, **changes})


def links(page: Reader) -> list[str]:
    return [a["href"] or "" for a in page.all("a") if a.get("class") == "cite"]


def test_everything_that_was_found_is_shown(tmp_path: Path) -> None:
    out = analysis_page(
        [asset_report("A dog runs")],
        [("Who?", answer("Ann says so."))],
        "Report",
        tmp_path / "r.html",
    )
    page = Reader(out.read_text("utf-8"))
    for text in (
        "Report", "1 video", "talk.mp4", "A dog runs", "#dogs", "Summary", "Chapters", "Highlights",
        "0.90: rare 0.75", "Who?", "Ann says so.", "Evidence", "speech: A dog runs",
        "whisper-tiny.en",
    ):  # fmt: skip
        assert text in page.text, text


def test_each_citation_is_a_link_into_the_video_for_the_player() -> None:
    page = Reader(analysis_html([asset_report()], [], "Report"))
    address = "file:///videos/talk%20%231%3F.mp4"
    (player,) = page.all("video")
    assert player["src"] == player["data-address"] == address
    assert "controls" in player
    found = links(page)
    # A browser's time counts from the first frame, wherever the container's begins.
    assert set(found) == {
        f"{address}#t=2.000,5.000", f"{address}#t=0.000,30.000", f"{address}#t=10.000,12.500",
    }  # fmt: skip
    assert "0:00:02.0" in page.text
    for link in page.all("a"):
        assert link["aria-label"]
        assert link["aria-label"] == link["title"]
    (status,) = [p for p in page.all("p") if p.get("aria-live")]
    assert status["aria-live"] == "polite"


def test_links_lead_to_the_video_that_is_cited() -> None:
    both = Sentence("Both", (make_item("one", 102, 103), make_item("two", 1, 2, asset_id=B.id)))
    asset_reports = [asset_report(), AssetReport(B, "https://user:pw@host:8443/b.mp4?key=1#x")]
    page = Reader(analysis_html(asset_reports, [("Both?", Answer((both,), True, "x"))], "R"))
    assert links(page)[:2] == [
        "file:///videos/talk%20%231%3F.mp4#t=2.000,3.000",
        "https://user:pw@host:8443/b.mp4?key=1#t=1.000,2.000",
    ]
    assert "dog show.mp4, speech: two" in (page.all("a")[1]["title"] or "")


def test_what_is_seen_in_one_frame_has_no_end() -> None:
    sentence = Sentence("A dog", (make_item("dog", 106, 106),))
    page = Reader(
        analysis_html([asset_report(gist=None, summary=Answer((sentence,), True, "x"))], [], "x")
    )
    (address,) = {link for link in links(page) if "#t=6" in link}
    assert address.endswith("#t=6.000")


def policy(page: Reader) -> dict[str, str]:
    meta = next(m for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    rows = [part.strip().partition(" ") for part in (meta["content"] or "").split(";")]
    return {name: value for name, _, value in rows}


def test_the_policy_allows_the_page_and_its_videos_only() -> None:
    asset_reports = [asset_report(), AssetReport(B, "https://user:pw@host:8443/b.mp4")]
    page = Reader(analysis_html(asset_reports, [], "R"))
    found = policy(page)
    assert found["default-src"] == "'none'"
    assert found["media-src"] == "file: https://host:8443"
    for kind in ("script", "style"):
        (block,) = page.blocks[kind]
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert found[f"{kind}-src"] == f"'sha256-{digest}'"
    assert not any("style" in attributes for _, attributes in page.elements)
    alone = Reader(analysis_html([asset_report(source=None)], [], "R"))
    assert policy(alone)["media-src"] == "'none'"


def test_nothing_is_loaded_from_anywhere_but_the_videos() -> None:
    page = Reader(analysis_html([asset_report()], [("Q", answer("A"))], "R"))
    addresses = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "poster", "data", "action") and value
    ]
    assert len(addresses) > 3
    assert all(address.startswith("file:///videos/") for address in addresses)
    assert not {"link", "iframe", "object", "form"} & {name for name, _ in page.elements}


def test_what_videos_and_models_say_is_never_markup() -> None:
    evil = asset_report(
        EVIL,
        asset=asset("a" * 24, EVIL, start=100),
        source=f"/videos/{EVIL.replace('/', '_')}",
        highlights=(Highlight(Span.of(110, 111), 1, Sentence(EVIL), {EVIL: 1.0}),),
    )
    said = Answer((Sentence(EVIL, (make_item(EVIL, speaker=EVIL, cards=(EVIL,)),)),), True, EVIL)
    texts = [analysis_html([evil], [(EVIL, said)], EVIL)]
    id = "a" * 24
    cell = Cell(EVIL, id, "k", said)
    texts.append(
        matrix_html(Matrix((EVIL,), (id,), {id: EVIL}, {id: Fraction(100)}, (cell,)), [evil], EVIL)
    )
    for text in texts:
        page = Reader(text)
        assert len(page.all("script")) == 1
        assert not page.all("img")
        assert not [n for _, a in page.elements for n in a if n.startswith("on")]
        assert all(href.startswith("file:///videos/") for href in links(page))
        assert page.text.count(" ".join(EVIL.split())) >= 4


@given(st.text(), st.text())
def test_any_text_adds_no_element(one: str, other: str) -> None:
    def elements(text: str, question: str) -> list[str]:
        page = Reader(analysis_html([asset_report(text)], [(question, answer(text))], text))
        return [name for name, _ in page.elements]

    assert elements(_storable(one), other) == elements("plain", "plain")


def _storable(text: str) -> str:
    """As models give it."""
    return text.encode("utf-8", "replace").decode()


def test_what_is_not_supported_or_not_found_says_so() -> None:
    mixed = Answer((Sentence("Surely."), Sentence("Yes.", (make_item(),))), True, "x",
                   dropped=2, untrusted=True)  # fmt: skip
    page = Reader(analysis_html([asset_report()], [("Q", mixed)], "R"))
    assert "Surely. (unsupported)" in page.text
    assert "Yes. (unsupported)" not in page.text
    assert "2 sentences that nothing supports were left out." in page.text
    assert "reads like instructions" in page.text
    none = Reader(
        analysis_html([asset_report()], [("Q", answer("Not in here.", found=False))], "R")
    )
    assert "Not in here." in none.text
    assert "unsupported" not in none.text


def test_a_video_that_is_gone_is_cited_without_links() -> None:
    page = Reader(analysis_html([asset_report(source=None)], [("Q", answer("A"))], "R"))
    assert "cannot be played from here" in page.text
    assert links(page) == []
    assert page.all("video") == []
    assert "0:00:02.0" in page.text


@pytest.mark.parametrize(
    "source",
    ["javascript://x/%0aalert(1)", "ftp://host/a.mp4", "https://", "https://a b/c", "http://h;x/a",
     "https://h:99999/a", "data://x"],
)  # fmt: skip
def test_only_files_and_web_addresses_play(source: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        analysis_html([asset_report(source=source)], [], "R")
    assert caught.value.code == "url_not_allowed"


def test_a_matrix_is_a_table_with_the_same_links(tmp_path: Path) -> None:
    cells = (
        Cell(
            "Who?", A.id, "1", Answer((Sentence("Ann.", (make_item("x", 103, 104),)),), True, "x")
        ),
        Cell("Who?", B.id, "2", answer("Not found.", found=False)),
    )
    begins = {one.id: one.media.span.start for one in (A, B)}
    made = Matrix(("Who?",), (A.id, B.id), {A.id: A.name, B.id: B.name}, begins, cells)
    out = matrix_page(made, [asset_report()], "Questions", tmp_path / "m.html")
    page = Reader(out.read_text("utf-8"))
    assert [th["scope"] for th in page.all("th")] == ["col", "col", "col", "row"]
    assert len(page.all("td")) == 2
    assert "1 × 2" in page.text
    assert set(links(page)) == {"file:///videos/talk%20%231%3F.mp4#t=3.000,4.000"}
    (region,) = [d for d in page.all("div") if d.get("role") == "region"]
    assert region["tabindex"] == "0"


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        analysis_page([asset_report()], [], "R", tmp_path / "no" / "r.html")
    assert caught.value.code == "path_not_found"


def test_a_report_of_nothing_is_a_page_too() -> None:
    page = Reader(analysis_html([], [], ""))
    assert "Analysis" in page.text
    assert "0 videos" in page.text


#: As much of a browser as the page's script asks for.
_BROWSER = """
const listeners = {};
const player = {
  dataset: { address: "file:///a.mp4" }, src: "file:///a.mp4", currentTime: 0, calls: [],
  addEventListener(name, run) { listeners["player " + name] = run; },
  play() { this.calls.push("play"); return Promise.resolve(); },
  pause() { this.calls.push("pause"); },
};
const note = { textContent: "" };
const link = (href, label) => ({
  href, attributes: { "aria-label": label },
  getAttribute(name) { return this.attributes[name]; },
  setAttribute(name, value) { this.attributes[name] = value; },
  removeAttribute(name) { delete this.attributes[name]; },
  closest() { return this; },
});
globalThis.document = {
  querySelector: (which) => (which === "video" ? player : note),
  addEventListener(name, run) { listeners[name] = run; },
};
const click = (target, more = {}) => {
  let kept = true;
  listeners.click({ target, preventDefault() { kept = false; }, ...more });
  return kept;
};
"""
_CLICKS = """
const seen = [];
const note_ = () => seen.push([player.src, player.currentTime, player.calls.join(" ")]);
const one = link("file:///a.mp4#t=2.000,5.000", "Play one");
const two = link("https://host/b.mp4#t=7.000", "Play two");
seen.push(click(one));
note_();
player.currentTime = 4; listeners["player timeupdate"](); note_();
player.currentTime = 5; listeners["player timeupdate"](); note_();
player.currentTime = 6; listeners["player timeupdate"](); note_();
seen.push(one.attributes["aria-current"], note.textContent);
seen.push(click(two)); note_();
seen.push(one.attributes["aria-current"] ?? null, two.attributes["aria-current"]);
player.currentTime = 99; listeners["player timeupdate"](); note_();
seen.push(click(one, { ctrlKey: true }), click({ closest: () => null }));
listeners["player error"]();
seen.push(note.textContent);
console.log(JSON.stringify(seen));
"""


def test_a_click_on_a_citation_plays_it_and_stops_behind_it() -> None:
    prerequisites.program("node", "install Node.js to run the page's script")
    script = (files("videlicet.page") / "report.js").read_text("utf-8")
    # Together in one block, for what the script declares to be in reach.
    program = f"{_BROWSER}{{{script}{_CLICKS}}}"
    done = subprocess.run(
        ["node", "-e", program],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    a, b = "file:///a.mp4", "https://host/b.mp4#t=7.000"
    assert json.loads(done.stdout) == [
        False, [a, 2, "play"],
        [a, 4, "play"], [a, 5, "play pause"], [a, 6, "play pause"],
        "true", "Play one",
        False, [b, 6, "play pause play"],
        None, "true",
        [b, 99, "play pause play"],
        True, True,
        "This browser cannot play the file, or it is no longer there.",
    ]  # fmt: skip
