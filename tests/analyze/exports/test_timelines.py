"""Timelines, read back by OpenTimelineIO."""

from __future__ import annotations

import itertools
import re
from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analyze.exports.factories import EVIL, asset, chapter, make_item

from videlicet.analyze.exports import timelines
from videlicet.analyze.exports.cuts import Cut
from videlicet.errors import InvalidInput
from videlicet.types import Evidence, Highlight, Hit, Modality, Sentence, Span

A = asset("a" * 24, "talk show.mp4", rate="30000/1001", timecode="01:00:00;00")
B = asset("b" * 24, "talk show 2.mp4", rate="25", start=100, sound=False)
C = asset("c" * 24, "voice.wav", rate=None)


def cuts() -> list[Cut]:
    said = make_item("hello\nworld", 3, 4)
    return [
        Cut(A, "/videos/talk show.mp4", Span.of(2, 5), "One", (said,)),
        Cut(B, "https://host/b.mp4", Span.of("110.5", 120), "Two"),
        Cut(C, "/videos/voice.wav", Span.of(0, "1.5"), "Three"),
        Cut(A, "/videos/talk show.mp4", Span.of(20, 30), "Four"),
    ]


def opened(text: str, kind: str, **options: Any) -> Any:
    return otio.adapters.read_from_string(text, kind, **options)


def test_otio_refers_to_each_file_in_its_own_rate() -> None:
    timeline = opened(timelines.otio(cuts(), "Best of"), "otio_json")
    assert timeline.name == "Best of"
    pictures, sounds = timeline.tracks
    assert (pictures.kind, sounds.kind) == ("Video", "Audio")
    clip = pictures[0]
    reference = clip.media_reference
    assert reference.target_url == "file:///videos/talk%20show.mp4"
    rate = 30_000 / 1001
    begins = 107_892  # 01:00:00;00 in drop-frame timecode
    assert reference.available_range.start_time == otio.opentime.RationalTime(begins, rate)
    assert reference.available_range.duration.value == round(60 * rate)
    assert clip.source_range.start_time.value == begins + 60
    assert clip.source_range.duration.value == 90
    second = pictures[1]
    assert second.media_reference.target_url == "https://host/b.mp4"
    assert second.media_reference.available_range.start_time.value == 0
    assert second.source_range.start_time == otio.opentime.RationalTime(262, 25)
    assert isinstance(pictures[2], otio.schema.Gap)
    assert isinstance(sounds[1], otio.schema.Gap)
    assert sounds[2].name == "Three"
    for one, other in zip(pictures, sounds, strict=True):
        assert one.duration().almost_equal(other.duration(), 0.001)


def test_a_file_that_was_sent_is_named_without_a_folder() -> None:
    cut = Cut(A, "talk show.mp4", Span.of(2, 5), "One")
    (clip,) = opened(timelines.otio([cut], "x"), "otio_json").tracks[0]
    assert clip.media_reference.target_url == "talk%20show.mp4"


def test_markers_carry_the_title_and_the_citations() -> None:
    clip = opened(timelines.otio(cuts(), "x"), "otio_json").tracks[0][0]
    title, cited = clip.markers
    assert title.name == "One"
    assert title.metadata["videlicet"]["citations"][0]["text"] == "hello\nworld"
    assert cited.name == "hello world"
    assert cited.marked_range.start_time.value - clip.source_range.start_time.value == 30
    assert cited.metadata["videlicet"]["citation"]["id"] == make_item("hello\nworld", 3, 4).id


def test_an_edl_of_several_videos_is_read_back() -> None:
    text = timelines.edl(cuts(), "Best of")
    assert text.startswith("TITLE: Best of\nFCM: DROP FRAME\n")
    events = re.findall(r"^(\d{3})  (.{8}) (\S+) +C +(\S+) (\S+) (\S+) (\S+)$", text, re.MULTILINE)
    assert [event[:3] for event in events] == [
        ("001", "TALKSHOW", "AA/V"),
        ("002", "TALKSHO2", "V"),
        ("003", "VOICE   ", "AA"),
        ("004", "TALKSHOW", "AA/V"),
    ]
    assert events[0][3:] == ("01:00:02;00", "01:00:05;00", "00:00:00;00", "00:00:03;00")
    for before, after in itertools.pairwise(events):
        assert before[6] == after[5]
    timeline = opened(text, "cmx_3600", rate=30_000 / 1001)
    track = timeline.video_tracks()[0]
    assert [clip.name for clip in track] == ["One", "Two", "", "Four"]
    assert [clip.duration().value for clip in track] == [90, 284, 45, 300]
    assert track[1].source_range.start_time.to_seconds() == pytest.approx(10.5, abs=0.02)


def test_an_edl_in_a_rate_of_ones_own() -> None:
    text = timelines.edl(cuts()[1:2], "x", Fraction(24))
    assert "FCM: NON-DROP FRAME" in text
    assert "00:00:10:12 00:00:20:00 00:00:00:00 00:00:09:12" in text
    assert "FCM: NON-DROP FRAME" in timelines.edl(cuts()[2:3], "sound alone")


def test_an_edl_that_cannot_be() -> None:
    for given_, rate in (([], None), (cuts()[:1] * 1000, None), (cuts(), Fraction(12))):
        with pytest.raises(InvalidInput) as caught:
            timelines.edl(given_, "x", rate)
        assert caught.value.code == "invalid_argument"


def test_titles_add_no_line_of_their_own() -> None:
    evil = f"{EVIL}\r\n002  EVIL     V     C        00:00:00:00"
    one = Cut(
        asset(name=f"{evil}.mp4"), f"/x/{evil}", Span.of(0, 1), evil, (make_item(evil, 0, 1),)
    )
    text = timelines.edl([one, one], evil)
    assert len(re.findall(r"^\d{3}  ", text, re.MULTILINE)) == 2
    assert len(opened(text, "cmx_3600", rate=25).video_tracks()[0]) == 2
    assert len(opened(timelines.otio([one], evil), "otio_json").tracks[0]) == 1


def test_cuts_of_what_was_found() -> None:
    lit = Highlight(Span.of(1, 2), 0.5, Sentence("A  goal\n", (make_item(),)))
    assert Cut.of(A, "/a", lit) == Cut(A, "/a", Span.of(1, 2), "A goal", (make_item(),))
    assert Cut.of(A, "/a", chapter(0, 9, "Intro")).title == "Intro"
    evidence = Evidence("speech", Modality.SPEECH, "w", 1, 0.9, 0.4, Span.of(2, 3), "a dog")
    hit = Hit(A.id, "i", A.name, Span.of(1, 4), 0.5, 1, (evidence,))
    assert Cut.of(A, "/a", hit).title == "a dog"
    assert Cut.of(A, "/a", Hit(A.id, "i", A.name, Span.of(1, 4), 0.5, 1, ())).title == A.name


@given(st.text(max_size=20), st.lists(st.text(max_size=12), max_size=12))
def test_reels_are_eight_characters_and_no_two_alike(name: str, others: list[str]) -> None:
    names = [name, *others, name, f"{name}.mp4", "bl.mp4", "ax.mp4"]
    assets = [asset(f"{n:024x}", one) for n, one in enumerate(names)]
    text = timelines.edl([Cut(one, "/x", Span.of(0, 1), "t") for one in assets], "x")
    reels = re.findall(r"^\d{3}  (.{8}) AA/V", text, re.MULTILINE)
    assert len(set(reels)) == len(assets)
    assert all(re.fullmatch("[A-Z0-9]+ *", reel) for reel in reels)
    assert not {"BL      ", "AX      "} & set(reels)


@given(st.fractions(1, 240), st.sampled_from(timelines.RATES))
def test_the_nearest_rate(rate: Fraction, other: Fraction) -> None:
    assert abs(timelines.nearest(rate) - rate) <= abs(other - rate)


@given(
    st.lists(
        st.tuples(st.sampled_from([A, B, C]), st.fractions(0, 59), st.fractions(0, 20)),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(timelines.RATES),
)
def test_an_edl_has_every_cut_without_a_gap(rows: list[Any], rate: Fraction) -> None:
    given_ = []
    for one, start, length in rows:
        first = one.media.span.start + start
        given_.append(Cut(one, one.source, Span(first, first + length), "t"))
    text = timelines.edl(given_, "x", rate)
    opened(text, "cmx_3600", rate=float(rate))  # which refuses times that do not agree
    codes = re.findall(r" C +(\S+) (\S+) (\S+) (\S+)$", text, re.MULTILINE)
    events = [[otio.opentime.from_timecode(c, float(rate)).value for c in row] for row in codes]
    assert len(events) == len(given_)
    assert events[0][2] == 0
    assert all(before[3] == after[2] for before, after in itertools.pairwise(events))
    for (one, start, length), (source_in, source_out, record_in, record_out) in zip(
        rows, events, strict=True
    ):
        assert source_out - source_in == record_out - record_in >= 1
        end = min(start + length, Fraction(60))
        assert abs(source_out - source_in - max(1, float((end - start) * rate))) <= 1
        begins = float(rate) * 3600 if one is A else 0
        assert abs(source_in - begins - float(start * rate)) <= 0.51 + 4 * (one is A)
