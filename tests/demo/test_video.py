"""Videos are as long as their scenes, and show, say and sound like them (with stand-in
sources)."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from videlicet.demo.video import (
    SOUND_RATE,
    Scene,
    make_clip,
    make_video,
    read_sound,
    write_sound,
)


def picture(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (300, 300)) -> Path:
    Image.new("RGB", size, colour).save(path)
    return path


def tone(path: Path, hertz: float = 440, seconds: float = 1.0) -> Path:
    at = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    return write_sound((0.5 * np.sin(2 * np.pi * hertz * at)).astype(np.float32), path)


def frames(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as file:
        return [
            np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in file.decode(video=0)
        ]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red second with a caption and two tones, then a green half second."""
    folder = tmp_path_factory.mktemp("video")
    red = Scene(
        2.0,
        "Hello",
        picture(folder / "red.png", (200, 20, 20)),
        sound=tone(folder / "tone.wav", seconds=0.4),
        repeats=2,
    )
    green = Scene(0.6, picture=picture(folder / "green.png", (20, 200, 20), (900, 200)))
    return make_video([red, green], folder / "video.mp4")


def test_scenes_follow_one_another_with_a_cut(recording: Path) -> None:
    pictures = frames(recording)

    assert len(pictures) == 65
    assert pictures[0].shape == (360, 640, 3)
    assert np.abs(pictures[49][40, 320].astype(int) - (200, 20, 20)).max() < 25
    assert np.abs(pictures[50][40, 320].astype(int) - (20, 200, 20)).max() < 25


def test_a_caption_is_drawn_on_its_own_scene_only(recording: Path) -> None:
    first, *_, last = frames(recording)

    band = first[300:340, :160]
    assert band.max() > 200
    assert np.median(band) < 80
    assert last[300:340, :160].std(axis=(0, 1)).max() < 12


def test_sound_starts_after_a_short_silence_and_repeats(recording: Path) -> None:
    sound = read_sound(recording)

    def loud(start: float, end: float) -> float:
        return float(np.abs(sound[round(start * SOUND_RATE) : round(end * SOUND_RATE)]).mean())

    assert loud(0.0, 0.25) < 0.02
    assert loud(0.4, 1.05) > 0.2
    assert loud(1.2, 2.5) < 0.02
    assert len(sound) / SOUND_RATE == pytest.approx(2.6, abs=0.05)


def test_the_same_scenes_give_the_same_bytes(tmp_path: Path) -> None:
    scene = Scene(0.4, "Twice", picture(tmp_path / "p.png", (90, 90, 200)))

    one, other = (make_video([scene], tmp_path / name) for name in ("1.mp4", "2.mp4"))
    assert one.read_bytes() == other.read_bytes()


def test_a_clip_plays_with_its_own_sound_and_its_last_frame_stays(
    recording: Path, tmp_path: Path
) -> None:
    longer = make_video([Scene(3.0, clip=recording)], tmp_path / "longer.mp4")

    pictures = frames(longer)
    assert len(pictures) == 75
    assert np.abs(pictures[30][40, 320].astype(int) - (200, 20, 20)).max() < 30
    assert np.abs(pictures[-1][40, 320].astype(int) - (20, 200, 20)).max() < 30
    sound = read_sound(longer)
    assert np.abs(sound[round(0.4 * SOUND_RATE) : SOUND_RATE]).mean() > 0.2


def test_a_piece_of_a_clip_begins_and_ends_where_it_is_cut(recording: Path, tmp_path: Path) -> None:
    item = make_clip(Scene(0, clip=recording), 1.8, 2.4, tmp_path / "cut.mp4")

    pictures = frames(item)
    assert len(pictures) == 15
    assert pictures[0].shape == (180, 320, 3)
    assert pictures[2][20, 160, 0] > 150
    assert pictures[-3][20, 160, 1] > 150


def test_a_video_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_video([Scene(1.0, picture=tmp_path / "none.png")], tmp_path / "video.mp4")
    assert not list(tmp_path.iterdir())


def test_a_video_without_sound_has_none(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "mute.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    assert not len(read_sound(tmp_path / "mute.mp4"))
