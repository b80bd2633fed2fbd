"""The sample's questions and those made of somebody's own recording."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image

from videlicet.demo.own import questions_for
from videlicet.demo.queries import questions
from videlicet.demo.script import COMPILATION, ORDER, SampleVideos, make_sample_videos, scenes
from videlicet.demo.sources import MATERIAL
from videlicet.demo.video import SOUND_RATE, Scene, make_video, write_sound
from videlicet.library import Library
from videlicet.settings import Settings
from videlicet.types import (
    Asset,
    AudioStream,
    Box,
    Label,
    MediaInfo,
    Modality,
    Observation,
    ScreenText,
    Span,
    Utterance,
    VideoStream,
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Stand-ins of the right form for every source."""
    folder = tmp_path_factory.mktemp("sources")
    tone = np.sin(np.arange(30 * SOUND_RATE) * 0.05).astype(np.float32) * 0.4
    found = {}
    for number, one in enumerate(MATERIAL):
        path = folder / f"{one.name}{Path(one.member).suffix}"
        if path.suffix == ".wav":
            write_sound(tone, path)
        elif path.suffix == ".mp4":
            still = folder / "still.png"
            Image.new("RGB", (64, 64), "green").save(still)
            make_video([Scene(4.0, picture=still)], path, (64, 64))
        else:
            Image.new("RGB", (600, 400), (number * 20, 99, 9)).save(path)
        found[one.name] = path
    return found


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> SampleVideos:
    inside = {title: (float(at), at + 2.0) for at, title in enumerate(ORDER)}
    folder = tmp_path_factory.mktemp("videos")
    return SampleVideos({title: folder / f"{title}.mp4" for title in (*ORDER, COMPILATION)}, inside)


def test_every_scene_is_in_the_compilation_once(sources: dict[str, Path]) -> None:
    assert sorted(ORDER) == sorted(scenes(sources))


def test_the_videos_are_short(sources: dict[str, Path]) -> None:
    total = sum(scene.seconds for scene in scenes(sources).values())
    assert 60 <= total * 2 <= 100


def test_videos_are_made_once_and_anew_when_their_material_changes(
    sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def make(scenes: list[Scene], out: Path) -> Path:
        made.append(out.name)
        out.write_bytes(b"video")
        return out

    monkeypatch.setattr("videlicet.demo.script.make_video", make)
    recordings = make_sample_videos(sources, tmp_path)
    assert len(made) == len(recordings.paths) == len(ORDER) + 1
    ends = [end for _, end in recordings.places.values()]
    assert [start for start, _ in recordings.places.values()] == [0.0, *ends[:-1]]

    make_sample_videos(sources, tmp_path)
    assert len(made) == len(ORDER) + 1

    other = tmp_path / "other.png"
    Image.new("RGB", (600, 400), "white").save(other)
    make_sample_videos({**sources, "coffee": other}, tmp_path)
    assert len(made) == 2 * (len(ORDER) + 1)


def test_the_sample_asks_a_dozen_questions_of_every_kind(
    sources: dict[str, Path], recordings: SampleVideos, tmp_path: Path
) -> None:
    asked = questions(sources, recordings, tmp_path / "queries")

    assert len(asked) >= 12
    assert {question.kind for question in asked} == {
        "words → picture", "words → speech", "words → screen", "exact phrase",
        "picture", "clip", "sound", "words + picture", "words, but not",
    }  # fmt: skip
    for question in asked:
        alone, together = question.expected
        assert together.file == f"{COMPILATION}.mp4"
        assert alone.file != together.file
        assert alone.span.duration == together.span.duration


class StubLibrary:
    """One recording with what models said of it."""

    def __init__(self, path: Path, payloads: list[tuple[float, float, object]]) -> None:
        self.path = path
        self.settings = Settings(home=path.parent / "home", weights=path.parent / "weights")
        self.rows = [
            Observation("a1", Span.of(start, end), _modality(payload), "card", payload)
            for start, end, payload in payloads
        ]

    def observations(self, asset_id: str, modality: Modality) -> list[Observation]:
        return [row for row in self.rows if row.modality is modality]

    def original(self, asset: Asset) -> Path:
        return self.path


def _modality(payload: object) -> Modality:
    match payload:
        case Utterance():
            return Modality.SPEECH
        case ScreenText():
            return Modality.TEXT
    return Modality.VISUAL


def recording(*, video: bool = True, audio: bool = True) -> Asset:
    stream = VideoStream(0, "h264", 640, 360, 0, Fraction(1, 25), Fraction(25), None, False)
    sound = AudioStream(1, "aac", 48_000, 1, None, True)
    media = MediaInfo(
        "mp4", Span.of(0, 4), stream if video else None, (sound,) if audio else (), None
    )
    return Asset("a1", "mine.mp4", datetime(2024, 1, 1, tzinfo=UTC), size=1, recording=media)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    still = folder / "still.png"
    Image.new("RGB", (640, 360), "navy").save(still)
    tone = write_sound(np.full(SOUND_RATE, 0.1, np.float32), folder / "tone.wav")
    return make_video([Scene(4.0, picture=still, sound=tone)], folder / "mine.mp4")


def test_questions_are_made_of_what_was_said_written_and_seen(own: Path, tmp_path: Path) -> None:
    box = Box(0, 0, 1, 1)
    library = StubLibrary(
        own,
        [
            (0, 2, Utterance('so "hello there" my good old friends', "en", 0.9)),
            (2, 3, Utterance("Oh", "en", 0.9)),
            (0, 1, ScreenText("Open daily", box, 0.9)),
            (3, 4, ScreenText("Open daily", box, 0.8)),
            (0, 2, Label("espresso", 0.7)),
            (2, 4, Label("espresso", 0.2)),
        ],
    )
    asked = questions_for(cast(Library, library), recording(), tmp_path / "queries")

    assert Counter(question.kind for question in asked) == {
        "words → speech": 1, "exact phrase": 1, "words → screen": 1, "words → picture": 1,
        "picture": 1, "clip": 1, "sound": 1,
    }  # fmt: skip
    speech, phrase, screen, picture, *media = asked
    assert speech.arguments["query"] == "so hello there my good old friends"
    assert phrase.arguments["query"] == '"hello there my good"'
    assert [place.span for place in screen.expected] == [Span.of(0, 1), Span.of(3, 4)]
    assert len(picture.expected) == 2
    for question in media:
        (value,) = question.arguments.values()
        assert value if isinstance(value, bytes) else value.stat().st_size


@pytest.mark.parametrize(
    ("has", "kinds"),
    [({"audio": False}, ["picture", "clip"]), ({"video": False}, ["sound"])],
)
def test_only_what_a_recording_has_is_asked_for(
    own: Path, tmp_path: Path, has: dict[str, bool], kinds: list[str]
) -> None:
    library = cast(Library, StubLibrary(own, []))
    asked = questions_for(library, recording(**has), tmp_path / "queries")

    assert [question.kind for question in asked] == kinds
