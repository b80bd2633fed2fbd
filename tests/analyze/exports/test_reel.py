"""Clips and reels, decoded again."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import samples
from tests.analyze.exports.factories import EVIL, asset
from tests.samples import BLACK, BLUE, GREEN, GREY, RED, Scene, Tone

from videlicet.analyze.exports.cuts import Cut, file_name
from videlicet.analyze.exports.reel import write_clips, write_reel
from videlicet.errors import InvalidInput, MediaError
from videlicet.media.cut import cut_reel
from videlicet.settings import Settings, load
from videlicet.types import Span


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load(tmp_path_factory.mktemp("home"))


def cut(path: Path, start: Any, end: Any, title: str = "A cut", **made: Any) -> Cut:
    return Cut(asset(name=path.name, **made), str(path), Span.of(start, end), title)


def colours(path: Path, *at: float) -> list[tuple[int, ...]]:
    """The colour in the middle of the frame on screen at each second."""
    with av.open(str(path)) as file:
        frames = [(float(f.time or 0), f.to_ndarray(format="rgb24")) for f in file.decode(video=0)]
    assert all(a < b for (a, _), (b, _) in itertools.pairwise(frames))
    found = []
    for second in at:
        picture = next(p for time, p in reversed(frames) if time <= second + 1e-6)
        found.append(tuple(picture[picture.shape[0] // 2, picture.shape[1] // 2]))
    return found


def near(found: list[tuple[int, ...]], *wanted: tuple[int, ...]) -> bool:
    return all(np.abs(np.subtract(f, w)).max() < 25 for f, w in zip(found, wanted, strict=True))


def loud(path: Path) -> list[bool]:
    """Whether there is sound, in each tenth of a second."""
    with av.open(str(path)) as file:
        samples_ = np.concatenate([f.to_ndarray()[0] for f in file.decode(audio=0)])
    return [bool(np.abs(samples_[n : n + 4800]).max() > 0.1) for n in range(0, samples_.size, 4800)]


def test_clips_are_named_by_number_and_title(tmp_path: Path, settings: Settings) -> None:
    recording = samples.talk(tmp_path / "video.mp4")
    folder = tmp_path / "clips"
    folder.mkdir()
    sources: list[Path] = []
    cuts = [
        cut(recording, 0, 1, "A red wall"),
        cut(recording, 3, 4, f"../{EVIL}"),
        cut(recording, 5, 6, "/"),
    ]
    found = write_clips(cuts, folder, settings, sources.append)
    assert found == sources
    assert [path.name for path in found][::2] == ["01-a-red-wall.mp4", "03-clip.mp4"]
    assert found[1].parent == folder
    assert near([c for path in found for c in colours(path, 0.5)], RED, BLUE, GREEN)
    with pytest.raises(InvalidInput) as caught:
        write_clips([cut(recording, 0, 1)], tmp_path / "no", settings)
    assert caught.value.code == "path_not_found"


def test_a_reel_of_several_videos(tmp_path: Path, settings: Settings) -> None:
    wide = samples.talk(tmp_path / "wide.mp4")
    tall = samples.video(tmp_path / "tall.mkv", [Scene(GREEN, 3)], size=(120, 240))
    late = samples.late_start(tmp_path / "late.ts")
    voice = samples.sound(tmp_path / "voice.wav", Tone(330, 3))
    cuts = [
        cut(wide, "1.5", "2.5"),
        cut(tall, 1, 2, sound=False, size=(120, 240)),
        cut(voice, 1, 2, rate=None),
        cut(late, 4, 5, size=(320, 240)),
    ]
    out = tmp_path / "reel.mp4"
    write_reel(cuts, out, settings)
    assert near(colours(out, 0.2, 0.7, 1.5, 2.5, 3.2, 3.7), RED, BLUE, GREEN, BLACK, RED, GREEN)
    with av.open(str(out)) as file:
        video = file.streams.video[0]
        assert (video.width, video.height) == (640, 360)
        assert file.duration is not None
        assert abs(file.duration / 1e6 - 4) < 0.05
        third = next(f for f in file.decode(video=0) if f.time is not None and f.time >= 1.2)
        corner = third.to_ndarray(format="rgb24")[180, 40]
        assert corner.max() < 30  # black beside the tall video
    sounds = loud(out)
    assert all(sounds[1:9])
    assert not any(sounds[11:19])
    assert all(sounds[21:29])
    assert all(sounds[31:39])


def test_a_reel_of_sound_alone(tmp_path: Path, settings: Settings) -> None:
    voice = samples.sound(tmp_path / "voice.wav", Tone(330, 3))
    write_reel([cut(voice, 1, 2, rate=None)] * 2, tmp_path / "reel.mp4", settings)
    with av.open(str(tmp_path / "reel.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["audio"]
        assert file.duration is not None
        assert abs(file.duration / 1e6 - 2) < 0.05


def test_a_reel_of_silent_videos_has_no_sound(tmp_path: Path, settings: Settings) -> None:
    recording = samples.video(tmp_path / "video.mp4", [Scene(GREY, 2)], size=(161, 121),
                         pix_fmt="yuv444p")  # fmt: skip
    write_reel(
        [cut(recording, 0, 1, sound=False, size=(161, 121))], tmp_path / "reel.mp4", settings
    )
    with av.open(str(tmp_path / "reel.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["video"]
        assert (file.streams.video[0].width, file.streams.video[0].height) == (160, 120)


def test_a_reel_that_cannot_be(tmp_path: Path, settings: Settings) -> None:
    recording = samples.talk(tmp_path / "video.mp4")
    out = tmp_path / "reel.mp4"
    for given_ in (
        [],
        [cut(recording, 0, 1)] * 25,
        [cut(recording, 1, 1)],
        [cut(recording, 0, 900)] * 3,
        [cut(recording, 0, 1), cut(tmp_path / "none.mp4", 0, 1)],
    ):
        with pytest.raises(InvalidInput):
            write_reel(given_, out, settings)
    text = samples.text_as_mp4(tmp_path / "text.mp4")
    with pytest.raises(MediaError):
        write_reel([cut(recording, 0, 1), cut(text, 0, 1)], out, settings)
    with pytest.raises(MediaError) as caught:
        cut_reel([(recording, Span.of(0, 1))], None, False, out, settings)
    assert caught.value.code == "media_no_stream"
    assert not out.exists()
    assert {path.suffix for path in tmp_path.iterdir()} == {".mp4"}


@given(st.text(), st.integers(1, 1000))
def test_a_name_is_one_everywhere(title: str, number: int) -> None:
    name = file_name(number, title, ".mp4")
    assert name.startswith(f"{number:02d}-")
    assert name.endswith(".mp4")
    assert len(name.encode()) <= 100
    assert not set(name) & set('/\\:*?"<>|\0\n\r\t ')
    assert name == name.strip(". ")


def test_a_cut_of_an_exact_second() -> None:
    assert cut(Path("/x"), 1, 2).span.duration == Fraction(1)
