from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from tests import samples
from tests.media.test_decode import listen, near, pitch, watch
from tests.samples import BLUE, GREEN, RED, Scene, Tone

from videlicet import media
from videlicet.errors import InvalidInput, InvalidQuery, MediaError, StoreError
from videlicet.media.decode import AudioChunk, DecodedFrame
from videlicet.media.probe import probe
from videlicet.types import Span


def test_a_thumbnail_is_of_the_frame_on_screen(sample, settings):
    path = sample("three.mp4", samples.video)
    just_before = Fraction(2) - Fraction(1, 1000)
    at = [Fraction(0), just_before, Fraction(2), Fraction(599, 100), Fraction(-5), Fraction(900)]
    expected = [RED, RED, GREEN, BLUE, RED, BLUE]
    for data, colour in zip(media.thumbnails(path, at, 100, settings), expected, strict=True):
        image = Image.open(io.BytesIO(data))
        assert (image.format, image.size) == ("JPEG", (100, 75))
        assert near(np.asarray(image), colour, 20)


def test_a_thumbnail_is_never_enlarged(sample, settings):
    data = media.thumbnail(sample("three.mp4", samples.video), Fraction(1), 2000, settings)
    assert Image.open(io.BytesIO(data)).size == (320, 240)
    with pytest.raises(InvalidInput):
        media.thumbnail(sample("three.mp4", samples.video), Fraction(1), 0, settings)
    assert media.thumbnails(sample("three.mp4", samples.video), [], 100, settings) == []


@pytest.mark.parametrize("name", ["bent.mkv", "late.ts", "b.mp4"])
def test_single_frames_equal_those_of_a_whole_pass(sample, settings, name):
    make = {"bent.mkv": samples.variable_rate, "late.ts": samples.late_start,
            "b.mp4": samples.b_frames}[name]  # fmt: skip
    path = sample(name, make)
    frames = [e for e in watch(path, settings, rate=2, shots=False) if isinstance(e, DecodedFrame)]
    for expected in (frames[3], frames[-2]):
        middle = expected.time + expected.duration / 2
        image = media.frame(path, middle, settings)
        assert np.array_equal(image, expected.image)


def test_sound_has_no_frames(sample, settings):
    with pytest.raises(MediaError) as caught:
        media.thumbnail(sample("tone.wav", samples.sound), Fraction(0), 100, settings)
    assert caught.value.code == "media_no_stream"


def test_a_clip_is_exact_and_says_nothing_about_its_source(tmp_path, settings):
    recording = samples.video(
        tmp_path / "video.mp4",
        tones=[Tone(440, 2.5), ],
        tags={"title": "SECRET-TITLE", "comment": "SECRET-COMMENT"},
        options={"g": "250"},
    )  # fmt: skip
    out = tmp_path / "clip.mp4"
    media.cut_clip(recording, Span.of("1.52", "3.2"), out, settings)
    assert b"SECRET" not in out.read_bytes()
    facts = probe(out, settings)
    assert facts.video is not None
    assert abs(facts.span.duration - Fraction(168, 100)) < Fraction(3, 100)
    frames = [e for e in watch(out, settings, rate=25, shots=False) if isinstance(e, DecodedFrame)]
    assert len(frames) == 42
    assert near(frames[11].image, RED)
    assert near(frames[12].image, GREEN)  # 2.0 s of the video is 0.48 s of the clip
    chunks = [e for e in listen(out, settings) if isinstance(e, AudioChunk)]
    sound = np.concatenate([chunk.samples for chunk in chunks])
    assert abs(pitch(sound[1000:14_000]) - 440) < 3
    assert abs(len(sound) / 16_000 - 0.98) < 0.06  # the tone ended at 2.5 s
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []


def test_a_clip_of_a_turned_odd_or_silent_video(tmp_path, sample, settings):
    out = tmp_path / "clip.mp4"
    media.cut_clip(sample("turn1.mp4", samples.rotated, quarter_turns=1),
                   Span.of(0, "1/2"), out, settings)  # fmt: skip
    facts = probe(out, settings)
    assert facts.video is not None
    assert (facts.video.width, facts.video.height, facts.video.rotation) == (120, 160, 0)
    assert facts.audio == ()
    odd = sample("odd.mkv", samples.video, size=(321, 241), pix_fmt="yuv444p",
                 scenes=[Scene(RED, 1)])  # fmt: skip
    media.cut_clip(odd, Span.of(0, 1), out, settings)
    facts = probe(out, settings)
    assert facts.video is not None
    assert (facts.video.width, facts.video.height) == (320, 240)


def test_a_clip_of_sound(tmp_path, sample, settings):
    out = tmp_path / "clip.mp4"
    media.cut_clip(sample("tone.wav", samples.sound), Span.of("1/2", "3/2"), out, settings)
    facts = probe(out, settings)
    assert facts.video is None
    assert abs(facts.span.duration - 1) < Fraction(1, 20)


def test_a_clip_that_cannot_be(tmp_path, sample, settings):
    recording = sample("three.mp4", samples.video)
    out = tmp_path / "clip.mp4"
    out.write_text("older")
    for span in (Span.of(1, 1), Span.of(0, 100_000)):
        with pytest.raises(InvalidInput):
            media.cut_clip(recording, span, out, settings)
    with pytest.raises(MediaError):
        media.cut_clip(sample("hollow.mp4", samples.no_stream), Span.of(0, 1), out, settings)
    with pytest.raises(StoreError) as caught:
        media.cut_clip(recording, Span.of(0, 1), tmp_path / "nowhere" / "clip.mp4", settings)
    assert caught.value.code == "store_not_writable"
    with pytest.raises(StoreError) as caught:
        media.cut_clip(recording, Span.of(0, 1), out / "clip.mp4", settings)
    assert caught.value.code == "store_not_writable"
    assert "data directory" not in caught.value.remedy
    assert out.read_text() == "older"
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]


# -- query media --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.bmp"])
def test_a_query_picture_from_a_path_or_from_bytes(tmp_path, settings, name):
    path = samples.image(tmp_path / name)
    for source in (path, str(path), path.read_bytes()):
        image = media.load_image(source, settings)
        assert image.shape == (240, 320, 3)
        assert image[10, 10, 0] > 240
        assert image[-10, -10, 0] < 15


def test_a_query_picture_is_turned_upright_and_reduced(tmp_path, settings):
    path = samples.image(tmp_path / "a.jpg", size=(800, 600), orientation=6)
    image = media.load_image(path, settings, max_side=400)
    assert image.shape == (400, 300, 3)
    assert image[10, -10, 0] > 240  # was top left before a quarter turn clockwise


def test_a_transparent_picture_lies_on_white(tmp_path, settings):
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert media.load_image(tmp_path / "a.png", settings).min() == 255


def test_a_query_sound(sample, settings):
    path = sample("tone.wav", samples.sound)
    for source in (path, path.read_bytes()):
        assert abs(pitch(media.load_sound(source, settings)) - 440) < 1
    assert len(media.load_sound(path, settings, longest=0.5)) == 8000


def test_a_query_clip(sample, settings):
    clip = media.load_clip(sample("talk.mp4", samples.talk), settings, frames=6)
    assert len(clip.frames) == 6
    assert near(clip.frames[0], RED)
    assert near(clip.frames[-1], GREEN)
    assert clip.sound is not None
    assert abs(pitch(clip.sound) - 440) < 1
    silent = media.load_clip(sample("three.mp4", samples.video).read_bytes(), settings)
    assert silent.sound is None
    assert len(silent.frames) == 8


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\nbroken", b"GIF89a"])
def test_query_media_that_is_none(settings, data):
    for load in (media.load_image, media.load_sound, media.load_clip):
        with pytest.raises(InvalidQuery) as caught:
            load(data, settings)
        assert caught.value.code == "query_media_invalid"
        assert caught.value.details["reason"]


def test_query_media_of_another_kind(sample, settings, tmp_path):
    for load, path in (
        (media.load_image, sample("talk.mp4", samples.talk)),
        (media.load_sound, sample("three.mp4", samples.video)),
        (media.load_clip, sample("tone.wav", samples.sound)),
        (media.load_sound, samples.image(tmp_path / "a.png")),
    ):
        with pytest.raises(InvalidQuery) as caught:
            load(path, settings)
        assert caught.value.code == "query_media_invalid"
    with pytest.raises(InvalidInput) as missing:
        media.load_image(tmp_path / "missing.png", settings)
    assert missing.value.code == "path_not_found"


def test_a_truncated_or_enormous_picture(tmp_path, settings):
    path = samples.image(tmp_path / "a.jpg")
    with pytest.raises(InvalidQuery):
        media.load_image(path.read_bytes()[:900], settings)
    with pytest.raises(InvalidQuery) as caught:
        media.load_image(path, settings.model_copy(update={"max_pixels": 1000}))
    assert caught.value.details["reason"] == "media_too_large"
