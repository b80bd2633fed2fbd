"""The results page, with a stub library: what it shows, and what it never lets through."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
from datetime import UTC, datetime
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.errors import InvalidInput, MediaError, NotFound
from videlicet.page import Section, report_page, results_page
from videlicet.page.document import escape, fragment, timecode
from videlicet.page.results import page_html
from videlicet.types import Asset, Evidence, Hit, MediaInfo, Modality, SearchPage, Span

EVIL = """"'><script>alert(1)</script><img src=x onerror=alert(2)> & javascript:"""
JPEG = b"\xff\xd8\xff\xe0 not really a picture \xff\xd9"


class StubLibrary:
    """Assets by id; a picture that is an error is raised."""

    def __init__(
        self,
        path: Path,
        *,
        start: int = 0,
        picture: bytes | Exception = JPEG,
        gone: bool = False,
        removed: bool = False,
    ) -> None:
        self.path, self.start, self.picture = path, start, picture
        self.gone, self.removed = gone, removed
        self.widths: list[int] = []

    def asset(self, asset_id: str) -> Asset:
        if self.removed:
            raise NotFound("asset_not_found", "No such asset.")
        media = MediaInfo("mp4", Span.of(self.start, self.start + 60), None, (), None)
        now = datetime(2024, 1, 1, tzinfo=UTC)
        return Asset(
            asset_id,
            "video.mp4",
            now,
            source=str(self.path),
            size=1,
            sha256="0" * 64,
            type="video",
            recording=media,
        )

    def original(self, asset: Asset) -> Path:
        if self.gone:
            raise MediaError("source_missing", f"The original of {asset.name} is gone.")
        return self.path

    def thumbnail(self, of: Hit | Asset, *, width: int = 320) -> bytes:
        self.widths.append(width)
        if isinstance(self.picture, Exception):
            raise self.picture
        return self.picture


def evidence(text: str | None = "a dog runs", **changes: Any) -> Evidence:
    fields: dict[str, Any] = {
        "lane": "speech",
        "modality": Modality.SPEECH,
        "card": "whisper-tiny.en",
        "rank": 1,
        "score": 0.9,
        "contribution": 0.4,
        "span": Span.of(2, 3),
        "text": text,
    }
    return Evidence(**{**fields, **changes})


def hit(name: str = "video.mp4", rank: int = 1, **changes: Any) -> Hit:
    fields: dict[str, Any] = {
        "asset_id": "a1",
        "index_id": "i1",
        "asset_name": name,
        "span": Span.of("1.25", "4.5"),
        "score": 0.61,
        "rank": rank,
        "evidence": (evidence(),),
    }
    return Hit(**{**fields, **changes})


def found(*hits: Hit, **changes: Any) -> SearchPage:
    fields: dict[str, Any] = {"total": len(hits), "next_page": None, "cards": ("whisper-tiny.en",)}
    return SearchPage(hits, **{**fields, **changes})


class Reader(HTMLParser):
    """Every element with its attributes, and the visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self._raw = ""
        self.blocks: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._raw = tag

    def handle_endtag(self, tag: str) -> None:
        self._raw = ""

    def handle_data(self, data: str) -> None:
        self.blocks.get(self._raw, self.said).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join("".join(self.said).split())


def test_a_hit_shows_its_picture_its_times_and_why(tmp_path: Path) -> None:
    library = StubLibrary(tmp_path / "video.mp4")
    out = results_page(library, found(hit()), "dog", tmp_path / "page.html")

    page = Reader(out.read_text("utf-8"))
    picture = page.all("img")[0]["src"]
    assert picture == "data:image/jpeg;base64," + base64.b64encode(JPEG).decode()
    link = next(a for a in page.all("a") if a.get("class") == "play")
    assert link["href"] == (tmp_path / "video.mp4").as_uri() + "#t=1.250,4.500"
    assert "0:00:01.2 – 0:00:04.5" in page.text
    assert "a dog runs" in page.text
    assert "speech" in page.text
    assert "whisper-tiny.en" in page.text
    assert page.all("rect")[0]["width"] == "40.0"
    assert "<mark>dog</mark>" in out.read_text("utf-8")


def test_nothing_is_loaded_from_anywhere_but_the_originals(tmp_path: Path) -> None:
    page = Reader(page_html(StubLibrary(tmp_path / "video.mp4"), found(hit()), "dog"))

    addresses = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href") and value
    ]
    assert addresses
    assert all(address.startswith(("data:image/jpeg", "file://")) for address in addresses)
    assert "link" not in {name for name, _ in page.elements}


def test_the_policy_allows_the_pages_own_script_and_style_only(tmp_path: Path) -> None:
    page = Reader(page_html(StubLibrary(tmp_path / "video.mp4"), found(hit()), "dog"))

    meta = next(m for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    policy = meta["content"]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for kind in ("script", "style"):
        (block,) = page.blocks[kind]
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    # The policy would block these, so the page must not need them.
    assert not any("style" in attributes for _, attributes in page.elements)


def test_what_files_say_of_themselves_is_never_markup(tmp_path: Path) -> None:
    other = hit(EVIL, 2, span=Span.of(7, 8))
    evil = hit(
        EVIL,
        evidence=(evidence(EVIL, lane=EVIL, card=EVIL),),
        moments=(other,),
    )
    library = StubLibrary(tmp_path / EVIL.replace("/", "_"))
    text = page_html(library, found(evil, cards=(EVIL,)), EVIL)

    page = Reader(text)
    assert len(page.all("script")) == 1
    assert len(page.all("img")) == 1
    assert not [n for _, a in page.elements for n in a if n.startswith("on")]
    # Title, heading, name, lane, matched text, card of the evidence, card of the page.
    assert page.text.count(" ".join(EVIL.split())) == 7
    hrefs = [a["href"] or "" for a in page.all("a")]
    assert len(hrefs) == 2
    assert all(href.startswith("file://") for href in hrefs)


@given(st.text())
def test_escaped_text_reads_as_it_was_and_stays_inside_its_quotation_marks(text: str) -> None:
    page = Reader(f'<p title="{escape(text)}">{escape(text)}</p>')

    ((name, attributes),) = page.elements
    assert name == "p"
    assert list(attributes) == ["title"]
    printable = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]", "\ufffd", text)
    assert attributes["title"] == printable
    assert "".join(page.said) == printable


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text on this system")
def test_file_names_that_are_not_text_can_be_played(tmp_path: Path) -> None:
    raw = os.fsdecode(b"caf\xe9 #1?.mp4")
    out = results_page(
        StubLibrary(tmp_path / raw), found(hit(raw)), os.fsdecode(b"\xff?"), tmp_path / "p.html"
    )

    page = Reader(out.read_text("utf-8"))
    href = next(a["href"] for a in page.all("a"))
    assert href is not None
    assert href.partition("#t=")[0].endswith("/caf%E9%20%231%3F.mp4")
    assert "caf\ufffd #1?.mp4" in page.text


def test_a_timeline_that_does_not_start_at_zero_plays_from_the_right_place(tmp_path: Path) -> None:
    library = StubLibrary(tmp_path / "video.ts", start=100)
    text = page_html(library, found(hit(span=Span.of(101, 103))), "dog")

    assert "#t=1.000,3.000" in text
    assert "0:00:01.0 – 0:00:03.0" in text
    assert "Play video.mp4 from 0:00:01.0" in text


def test_a_sound_recording_plays_without_a_picture(tmp_path: Path) -> None:
    silent = MediaError("media_no_stream", "There is no picture.")
    text = page_html(StubLibrary(tmp_path / "a.wav", picture=silent), found(hit()), "dog")

    page = Reader(text)
    assert not page.all("img")
    assert "A sound recording" in page.text
    assert [a for a in page.all("a") if a.get("class") == "play"]


@pytest.mark.parametrize(
    ("state", "says"), [({"gone": True}, "is gone"), ({"removed": True}, "has been removed")]
)
def test_a_hit_whose_original_is_not_there_says_so(
    tmp_path: Path, state: dict[str, bool], says: str
) -> None:
    library = StubLibrary(tmp_path / "a.mp4", **state)  # type: ignore[arg-type]
    page = Reader(page_html(library, found(hit()), "dog"))

    assert says in page.text
    assert not page.all("a")
    assert not page.all("img")


def test_grouped_hits_list_their_moments(tmp_path: Path) -> None:
    moments = (hit(span=Span.of(1, 2)), hit(span=Span.of(3661, 3662)))
    page = Reader(page_html(StubLibrary(tmp_path / "a.mp4"), found(hit(moments=moments)), "dog"))

    assert "2 moments" in page.text
    assert "1:01:01.0" in page.text
    assert len([a for a in page.all("a") if a.get("class") == "moment"]) == 2


def test_no_hits_is_a_page_too(tmp_path: Path) -> None:
    assert "Nothing matches." in page_html(StubLibrary(tmp_path), found(), "dog")


def test_the_summary_tells_what_was_left_out(tmp_path: Path) -> None:
    page = found(hit(), total=40, exact=False, withheld_assets=3)
    text = Reader(page_html(StubLibrary(tmp_path / "a.mp4"), page, "dog")).text

    assert "1 of 40" in text
    assert "approximately" in text
    assert "3 videos withheld" in text


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        results_page(StubLibrary(tmp_path), found(), "dog", tmp_path / "no" / "page.html")
    assert caught.value.code == "path_not_found"


def test_a_page_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(InvalidInput) as caught:
        results_page(StubLibrary(tmp_path), found(), "dog", tmp_path / "page.html")
    assert caught.value.code == "path_not_allowed"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize(
    ("seconds", "label"),
    [
        (Fraction(0), "0:00:00.0"),
        (Fraction(599, 10), "0:00:59.9"),
        (Fraction(5999, 100), "0:01:00.0"),
        (Fraction(36610), "10:10:10.0"),
        (Fraction(-1, 2), "-0:00:00.5"),
    ],
)
def test_time_codes(seconds: Fraction, label: str) -> None:
    assert timecode(seconds) == label


def test_several_queries_share_a_page_with_credits(tmp_path: Path) -> None:
    sections = [
        Section("dog", found(hit(), cards=("a", "b")), "words, in pictures"),
        Section(EVIL, found(cards=("b",)), EVIL),
    ]
    out = report_page(
        StubLibrary(tmp_path / "a.mp4"), sections, "Demo", tmp_path / "p.html", [f"By {EVIL}"]
    )

    page = Reader(out.read_text("utf-8"))
    assert len(page.all("section")) == 2
    assert len(page.all("script")) == 1
    assert "2 queries" in page.text
    assert "words, in pictures" in page.text
    assert "Nothing matches." in page.text
    assert f"By {EVIL}" in page.text
    assert page.text.count("a b ") == 1


@given(st.fractions(0, 10**6), st.fractions(0, 2))
def test_links_to_stretches_are_valid_media_fragments(start: Fraction, length: Fraction) -> None:
    match = re.fullmatch(r"#t=([0-9.]+)(?:,([0-9.]+))?", fragment(start, start + length))
    assert match
    assert match[2] is None or float(match[1]) < float(match[2])
    assert (match[2] is None) == (f"{float(start):.3f}" == f"{float(start + length):.3f}")
