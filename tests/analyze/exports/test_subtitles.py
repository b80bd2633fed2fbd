"""Subtitles, read back by FFmpeg and by a reader of the tests' own."""

from __future__ import annotations

import html
import itertools
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from hypothesis import given
from hypothesis import strategies as st
from tests.analyze.exports.factories import EVIL, said

from videlicet.analyze.exports.cue import Cue
from videlicet.analyze.exports.subtitles import (
    LONGEST,
    READING,
    SHORTEST,
    cues_of,
    main_language,
    spoken_cues,
    srt,
    text_cues,
    webvtt,
)
from videlicet.types import (
    Box,
    Instant,
    Label,
    Modality,
    Observation,
    ScreenText,
    Shot,
    Span,
    Utterance,
    Word,
)

_TIMES = re.compile(r"(\d+):(\d\d):(\d\d)[.,](\d{3}) --> (\d+):(\d\d):(\d\d)[.,](\d{3})(.*)")


def read(text: str) -> list[tuple[Fraction, Fraction, str, list[str]]]:
    """Start, end, settings and lines of each cue of SubRip or WebVTT."""
    found = []
    for block in filter(None, text.strip().split("\n\n")):
        lines = block.split("\n")
        at = next((n for n, line in enumerate(lines) if _TIMES.fullmatch(line)), None)
        if at is None:
            assert lines[0] == "WEBVTT"
            continue
        match = _TIMES.fullmatch(lines[at])
        assert match
        h, m, s, ms, h2, m2, s2, ms2 = map(int, match.groups()[:8])
        start = Fraction((h * 3600 + m * 60 + s) * 1000 + ms, 1000)
        end = Fraction((h2 * 3600 + m2 * 60 + s2) * 1000 + ms2, 1000)
        found.append((start, end, match[9].strip(), lines[at + 1 :]))
    return found


def demuxed(path: Path, text: str) -> list[tuple[float, float, str]]:
    """What FFmpeg reads."""
    path.write_text(text, "utf-8")
    with av.open(str(path)) as file:
        return [
            (
                float(packet.pts * packet.time_base),
                float((packet.pts + packet.duration) * packet.time_base),
                bytes(packet).decode(),
            )
            for packet in file.demux()
            if packet.size
        ]


TALK = [
    said("Good morning, everybody. Today we grind the beans,", 10, 13),
    said("and we brew a perfect cup of espresso at home without any machine at all.", 13, 18),
    said("Why?", 30, "30.2", speaker="Ann"),
    said("Because we can.", 31, 32, speaker="Bob Brown", language="de"),
]


def test_ffmpeg_reads_what_is_written(tmp_path: Path) -> None:
    cues = spoken_cues(TALK, Fraction(0))
    for name, text in (("a.srt", srt(cues)), ("a.vtt", webvtt(cues))):
        rows = demuxed(tmp_path / name, text)
        assert [(row[0], row[1]) for row in rows] == [
            (float(cue.span.start), float(cue.span.end)) for cue in cues
        ]
        assert "grind" in rows[0][2]


def test_cues_break_where_sentences_and_phrases_end() -> None:
    cues = spoken_cues(TALK[:2], Fraction(0))
    assert [cue.lines for cue in cues] == [
        ("Good morning, everybody.", "Today we grind the beans,"),
        ("and we brew a perfect cup of espresso", "at home without any machine at all."),
    ]


def test_times_count_from_the_start_of_the_file() -> None:
    late = spoken_cues([said("One two three.", 101, 103)], Fraction(100))
    assert late[0].span == Span.of(1, 3)


def test_speakers_and_languages_are_named() -> None:
    cues = spoken_cues(TALK, Fraction(0))
    assert main_language(cues) == "en"
    text = webvtt(cues)
    assert text.startswith("WEBVTT\nKind: captions\nLanguage: en\n\n")
    assert "<v Ann>Why?</v>" in text
    assert "<v Bob Brown><lang de>Because we can.</lang></v>" in text
    assert "ANN: Why?" in srt(cues)
    assert "BOB BROWN: Because we can." in srt(cues)


def test_a_speaker_is_named_once_and_a_long_name_is_shortened() -> None:
    name = "The Right Honourable Member for Nowhere"
    cues = spoken_cues(
        [said("One. Two.", 0, 4, speaker=name), said("Three.", 20, 22, speaker=name)], Fraction(0)
    )
    text = srt(cues)
    assert text.count("THE RIGHT HONOURAB…: ") == 1
    assert all(len(line) <= 42 for *_, lines in read(text) for line in lines)


def test_a_short_cue_stays_long_enough_to_read_if_there_is_room() -> None:
    (cue,) = spoken_cues(
        [said("Nobody can read these words at such speed.", 1, "1.1")], Fraction(0)
    )
    assert cue.span.duration * READING >= len("Nobody can read these words at such speed.") - 1
    both = [said("Yes.", 1, "1.1", speaker="A"), said("No.", "2.2", 3, speaker="B")]
    near = spoken_cues(both, Fraction(0))
    assert [cue.span for cue in near] == [Span.of(1, "1.834"), Span.of("2.2", "3.034")]


def test_who_speaks_at_once_follows() -> None:
    both = [said("Yes, I do.", 1, 3, speaker="A"), said("Not at all.", 1, 3, speaker="B")]
    first, second = spoken_cues(both, Fraction(0))
    assert first.span.end <= second.span.start
    assert (first.speaker, second.speaker) == ("A", "B")
    assert first.span.duration >= Fraction(5, 6)


def test_an_utterance_without_word_times_shares_its_time() -> None:
    text = " ".join(["wordy"] * 40)
    cues = spoken_cues([said(text, 0, 40, words=False)], Fraction(0))
    assert " ".join(" ".join(cue.lines) for cue in cues) == text
    assert len(cues) > 4
    assert abs(cues[len(cues) // 2].span.start - 20) < 5


def test_text_without_spaces_is_broken_all_the_same() -> None:
    text = "これは日本語の文章です。" * 12
    words = tuple(
        Word(part, Span(Fraction(n), Fraction(n + 1)), 1.0)
        for n, part in enumerate(re.findall(".{6}", text))
    )
    one = Utterance(text, "ja", 1.0, words)
    seen = Observation("a" * 24, Span.of(0, 24), Modality.SPEECH, "whisper", one)
    cues = spoken_cues([seen], Fraction(0))
    assert "".join("".join(cue.lines) for cue in cues) == text
    assert all(len(line) <= 42 for cue in cues for line in cue.lines)


def test_nothing_in_the_words_is_markup(tmp_path: Path) -> None:
    cues = spoken_cues([said(EVIL, 1, 9, speaker=EVIL)], Fraction(0))
    text = webvtt(cues)
    assert "<script" not in text
    assert text.count("-->") == len(cues)
    assert len(demuxed(tmp_path / "a.vtt", text)) == len(cues)
    plain = srt(cues)
    assert plain.count("-->") == len(cues)
    assert not re.search(r"<[A-Za-z/!]|\{\\", plain)
    assert len(demuxed(tmp_path / "a.srt", plain)) == len(cues)


def test_nothing_said_is_an_empty_file() -> None:
    assert srt(spoken_cues([], Fraction(0))) == ""
    assert webvtt(spoken_cues([], Fraction(0))) == "WEBVTT\nKind: captions\n"


def test_words_on_the_screen_stand_where_they_stood(tmp_path: Path) -> None:
    def seen(text: str, start: Any, end: Any, box: Box) -> Observation:
        read_ = ScreenText(text, box, 0.9)
        return Observation("a" * 24, Span.of(start, end), Modality.TEXT, "ocr", read_)

    box = Box(0.1, 0.8, 0.5, 0.1)
    cues = text_cues(
        [
            seen("EXIT", 5, 6, box),
            seen("EXIT", 7, 8, box),
            seen("EXIT", 30, 30, Box(0.9, 0, 0.3, 0.1)),
            seen("<b>", 5, 6, box),
        ],
        Fraction(5),
    )
    assert [(cue.span, cue.lines) for cue in cues] == [
        (Span.of(0, 1), ("<b>",)),
        (Span.of(0, 3), ("EXIT",)),
        (Span.of(25, "25.834"), ("EXIT",)),
    ]
    text = webvtt(cues, kind="metadata")
    assert " line:80.0% position:10.0%,line-left size:50.0% align:left\nEXIT\n" in text
    assert " line:0.0% position:90.0%,line-left size:10.0% align:left\nEXIT\n" in text
    assert len(demuxed(tmp_path / "a.vtt", text)) == 3


def test_cues_of_a_kind_follow_what_it_says_of_itself() -> None:
    cues = cues_of([*TALK, *TALK[:1]], Fraction(0))
    assert cues == spoken_cues([*TALK, *TALK[:1]], Fraction(0))
    label = Observation("a" * 24, Span.of(1, 3), Modality.VISUAL, "eyes", Label("lynx", 0.8))
    shot = Observation("a" * 24, Span.of(1, 3), Modality.SHOT, "cuts", Shot(Instant(2)))
    assert cues_of([label, shot], Fraction(1)) == [Cue(Span.of(0, 2), ("lynx",))]


# -- whatever is said ---------------------------------------------------------------------------

_SPOKEN = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Z")), min_size=1, max_size=60
)


@st.composite
def utterances(draw: st.DrawFn) -> list[Observation]:
    found = []
    for _ in range(draw(st.integers(0, 6))):
        parts = draw(st.lists(_SPOKEN, min_size=1, max_size=30))
        start = Fraction(draw(st.integers(0, 60_000)), 1000)
        end = start + Fraction(draw(st.integers(0, 20_000)), 1000)
        words = []
        for part in parts if draw(st.booleans()) else []:
            first = Fraction(draw(st.integers(0, 80_000)), 1000)
            last = first + Fraction(draw(st.integers(0, 3000)), 1000)
            words.append(Word(part, Span(first, last), 0.5))
        language = draw(st.sampled_from(["en", "de", ""]))
        speaker = draw(st.sampled_from([None, "Ann", "Bob", "N" * 60, "a\nb"]))
        payload = Utterance(" ".join(parts), language, 0.5, tuple(words), speaker)
        found.append(Observation("a" * 24, Span(start, end), Modality.SPEECH, "w", payload))
    return found


def _letters(text: str) -> str:
    return "".join(text.split()).replace("\u2060", "")


@given(utterances(), st.integers(0, 5))
def test_no_word_is_lost_and_no_cue_overlaps(seen: list[Observation], begin: int) -> None:
    cues = spoken_cues(seen, Fraction(begin))
    for before, after in itertools.pairwise(cues):
        assert before.span.end <= after.span.start
    for cue in cues:
        assert cue.span.start >= 0
        assert cue.span.duration > 0
        assert 1 <= len(cue.lines) <= 2
        assert all(len(line) <= 42 for line in cue.lines)
    for before, after in itertools.pairwise(cues):
        room = after.span.start - before.span.start
        assert before.span.duration * 1000 >= min(SHORTEST, room * 1000)
    kept = _letters("".join(line for cue in cues for line in cue.lines))
    wanted = "".join(_letters(o.payload.text) for o in seen)  # type: ignore[union-attr]
    assert sorted(kept) == sorted(wanted)

    for text, tagged in ((srt(cues), False), (webvtt(cues), True)):
        rows = read(text)
        assert [(start, end) for start, end, *_ in rows] == [
            (cue.span.start, cue.span.end) for cue in cues
        ]
        for row, cue in zip(rows, cues, strict=True):
            assert len(row[3]) <= 2
            joined = " ".join(row[3])
            if tagged:
                joined = html.unescape(re.sub(r"</?(v|lang)\b[^>]*>", "", joined))
            assert _letters(joined).endswith(_letters(" ".join(cue.lines)))
    assert all(len(line.replace("\u2060", "")) <= 42 for *_, ls in read(srt(cues)) for line in ls)


@given(st.lists(_SPOKEN, min_size=1, max_size=60), st.integers(1, 60))
def test_the_words_of_one_speaker_stay_in_order(parts: list[str], seconds: int) -> None:
    cues = spoken_cues([said(" ".join(parts), 0, seconds)], Fraction(0))
    assert _letters("".join(line for cue in cues for line in cue.lines)) == "".join(parts)
    assert all(cue.span.duration * 1000 <= LONGEST or len(cue.lines) == 1 for cue in cues)
