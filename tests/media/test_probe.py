from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest
from tests import samples

from videlicet.errors import InvalidInput, MediaError
from videlicet.media.probe import probe
from videlicet.settings import Settings
from videlicet.types import Span


def refusal(path: Path, settings: Settings, **changes: object) -> MediaError:
    with pytest.raises(MediaError) as caught:
        probe(path, settings.model_copy(update=changes))  # type: ignore[arg-type]
    assert caught.value.subject == str(path)
    assert str(path) in caught.value.message
    return caught.value


def test_tells_what_a_video_holds(sample, settings):
    facts = probe(sample("talk.mp4", samples.talk), settings)
    assert facts.container.startswith("mov")
    assert facts.span == Span.of(0, 6)
    assert facts.video is not None
    assert (facts.video.codec, facts.video.width, facts.video.height) == ("h264", 640, 360)
    assert (facts.video.average_rate, facts.video.frames) == (25, 150)
    assert not facts.video.hdr
    assert [(a.codec, a.sample_rate, a.channels) for a in facts.audio] == [("aac", 44_100, 1)]
    assert facts.bit_rate


def test_default_sound_track_comes_first(sample, settings):
    facts = probe(sample("languages.mkv", samples.two_languages), settings)
    assert [(a.language, a.default) for a in facts.audio] == [("deu", True), ("eng", False)]


def test_sizes_are_as_displayed(sample, settings):
    turned = probe(sample("turned.mp4", samples.rotated), settings).video
    assert turned is not None
    assert (turned.width, turned.height, turned.rotation) == (120, 160, 270)
    wide = probe(sample("wide.mp4", samples.video, aspect=Fraction(4, 3)), settings).video
    assert wide is not None
    assert (wide.width, wide.height) == (427, 240)


def test_high_dynamic_range_is_seen(sample, settings):
    for curve in ("pq", "hlg"):
        video = probe(sample(f"{curve}.mkv", samples.hdr, curve=curve), settings).video
        assert video is not None
        assert video.hdr


def test_timeline_need_not_start_at_zero(sample, settings):
    facts = probe(sample("late.ts", samples.late_start), settings)
    assert facts.span == Span.of("5/2", "17/2")


def test_sound_alone(sample, settings):
    facts = probe(sample("tone.wav", samples.sound), settings)
    assert facts.video is None
    assert facts.span == Span.of(0, 2)


def test_length_is_found_where_no_header_tells(tmp_path, settings):
    path = samples.video(
        tmp_path / "live.webm", codec="libvpx-vp9", muxing={"live": "1"}, size=(64, 64)
    )
    facts = probe(path, settings)
    assert facts.span.end == 6


def test_tags_are_kept(tmp_path, settings):
    path = samples.video(tmp_path / "a.mkv", [samples.Scene(samples.RED, 1)], tags={"title": "Ö"})
    assert probe(path, settings).tags["title"] == "Ö"


@pytest.mark.parametrize(
    ("name", "make", "options", "code"),
    [
        ("text.mp4", samples.text_as_mp4, {}, "media_not_recognised"),
        ("picture.jpg", samples.image, {}, "media_not_recognised"),
        ("tail.mp4", samples.truncated, {"header_first": False}, "media_truncated"),
        ("middle.mp4", samples.truncated, {"keep": 0.7}, "media_truncated"),
        ("short.mkv", samples.truncated, {"keep": 0.9}, "media_truncated"),
        ("short.avi", samples.truncated, {"keep": 0.5}, "media_truncated"),
        ("nought.mp4", samples.zero_duration, {}, "media_zero_duration"),
        ("locked.mp4", samples.encrypted, {}, "media_encrypted"),
        ("strange.mp4", samples.unsupported_codec, {}, "media_codec_unsupported"),
        ("hollow.mp4", samples.no_stream, {}, "media_no_stream"),
        ("huge.avi", samples.huge_header, {}, "media_too_large"),
        ("huge.mkv", samples.huge_header, {}, "media_too_large"),
        ("long.mp4", samples.long_header, {}, "media_duration_implausible"),
        ("long.mkv", samples.long_header, {}, "media_duration_implausible"),
        ("ages.mkv", samples.long_header, {"seconds": 1e6}, "media_duration_implausible"),
        ("many.mkv", samples.many_streams, {}, "media_too_large"),
    ],
)
def test_refuses_clearly(sample, settings, name, make, options, code):
    assert refusal(sample(name, make, **options), settings).code == code


def test_refuses_what_is_over_the_limits(sample, settings):
    recording = sample("talk.mp4", samples.talk)
    for changes in ({"max_pixels": 10_000}, {"max_duration": 5.0}, {"max_streams": 1}):
        error = refusal(recording, settings, **changes)
        assert error.code == "media_too_large"
        assert next(iter(changes)) in error.message


def test_refuses_an_empty_file(tmp_path, settings):
    (tmp_path / "empty.mp4").touch()
    assert refusal(tmp_path / "empty.mp4", settings).code == "media_empty"


@pytest.mark.parametrize("target", ["/etc/passwd", "http://127.0.0.1:9/x.ts", "file:///etc/hosts"])
def test_a_playlist_under_a_false_name_leads_nowhere(tmp_path, settings, target):
    path = samples.playlist_as_mp4(tmp_path / "list.mp4", target)
    assert refusal(path, settings).code == "media_not_recognised"
    (tmp_path / "concat.mp4").write_text(f"ffconcat version 1.0\nfile {target}\n")
    assert refusal(tmp_path / "concat.mp4", settings).code == "media_not_recognised"


def test_what_is_not_a_file_is_not_opened(tmp_path, settings):
    os.mkfifo(tmp_path / "pipe.mp4")
    for name, code in (
        ("missing.mp4", "path_not_found"),
        ("pipe.mp4", "path_not_readable"),
        (".", "path_not_readable"),
        ("a\0b.mp4", "path_not_readable"),
    ):
        with pytest.raises(InvalidInput) as caught:
            probe(tmp_path / name, settings)
        assert caught.value.code == code


@pytest.mark.parametrize("name", [b"caf\xe9 \xff.mp4", "🎬 naïve.mp4".encode(), b"-rf.mp4"])
def test_any_name_will_do(sample, settings, tmp_path, name):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_bytes(sample("talk.mp4", samples.talk).read_bytes())
    assert probe(path, settings).video is not None
    path.write_bytes(b"not a video")
    with pytest.raises(MediaError) as caught:
        probe(path, settings)
    caught.value.message.encode()  # can be printed and stored, whatever the name
