from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from tests import samples
from tests.samples import BLUE, GREEN, RED, Scene, Tone

from videlicet.errors import InvalidInput, MediaError
from videlicet.media import open_audio, open_decoder, open_video
from videlicet.media.decode import (
    SAMPLE_RATE,
    AudioChunk,
    AudioRequest,
    Damage,
    DecodedFrame,
    DecodeEnd,
    ShotCut,
    VideoRequest,
)
from videlicet.media.probe import probe
from videlicet.types import Span


def watch(path, settings, **request):
    with open_video(path, settings, VideoRequest(**request)) as events:
        return list(events)


def listen(path, settings, **request):
    with open_audio(path, settings, AudioRequest(**request)) as events:
        return list(events)


def kept(events, kind):
    return [event for event in events if isinstance(event, kind)]


def pitch(samples_):
    spectrum = np.abs(np.fft.rfft(samples_ * np.hanning(len(samples_))))
    return float(np.argmax(spectrum)) * SAMPLE_RATE / len(samples_)


def near(image, colour, tolerance=12):
    height, width, _ = image.shape
    return bool(np.all(np.abs(image[height * 3 // 4, width // 2].astype(int) - colour) < tolerance))


# -- pictures -----------------------------------------------------------------------------------


def test_frames_are_sampled_and_shots_reported(sample, settings):
    events = watch(sample("talk.mp4", samples.talk), settings)
    frames = kept(events, DecodedFrame)
    assert [cut.time for cut in kept(events, ShotCut)] == [2, 4]
    assert len(frames) == 12
    assert frames[0].time == 0
    assert frames[0].image.shape == (360, 640, 3)
    assert frames[0].image.dtype == np.uint8
    assert [frame.index for frame in frames] == [int(frame.time * 25) for frame in frames]
    colours = {0: RED, 2: BLUE, 4: GREEN}
    for frame in frames:
        assert near(frame.image, colours[int(frame.time) // 2 * 2])
        assert frame.duration == Fraction(1, 25)
    end = events[-1]
    assert isinstance(end, DecodeEnd)
    assert (end.span, end.count) == (Span.of(0, 6), 150)
    assert end.cpu > 0
    assert end.memory > 0


def test_a_cut_comes_before_the_frames_of_its_shot(sample, settings):
    start = Fraction(0)
    for event in watch(sample("talk.mp4", samples.talk), settings):
        if isinstance(event, ShotCut):
            start = event.time
        if isinstance(event, DecodedFrame):
            assert event.time >= start


@pytest.mark.parametrize("rate", [0.05, 0.5, 7.0, 100.0])
def test_every_shot_has_a_frame_at_any_rate(sample, settings, rate):
    events = watch(sample("three.mp4", samples.video), settings, rate=rate)
    shots = [0]
    for event in events:
        if isinstance(event, ShotCut):
            assert shots[-1] > 0
            shots.append(0)
        elif isinstance(event, DecodedFrame):
            shots[-1] += 1
    assert len(shots) == 3
    assert all(shots)
    assert sum(shots) <= max(3, 6 * rate + 3)


def test_pictures_are_made_no_larger_than_asked(sample, settings):
    frames = kept(watch(sample("talk.mp4", samples.talk), settings, max_side=160), DecodedFrame)
    assert frames[0].image.shape == (90, 160, 3)


def test_shots_may_be_left_out(sample, settings):
    events = watch(sample("talk.mp4", samples.talk), settings, shots=False)
    assert not kept(events, ShotCut)
    assert len(kept(events, DecodedFrame)) == 12


def test_a_fade_through_black_parts_two_shots(sample, settings):
    cuts = kept(watch(sample("fade.mp4", samples.fade), settings), ShotCut)
    assert len(cuts) == 1
    assert 2 <= cuts[0].time <= 3.2


@pytest.mark.parametrize("name", ["bent.mkv", "bent.mp4"])
def test_variable_rate_keeps_each_frames_own_time(sample, settings, name):
    events = watch(sample(name, samples.variable_rate), settings, rate=240, shots=False)
    frames = kept(events, DecodedFrame)
    tolerance = Fraction(1, 1000)  # Matroska counts in milliseconds
    assert events[-1].count == 60
    assert len(frames) >= 58
    for frame in frames:
        assert abs(frame.time - Fraction(frame.index**2, 600)) <= tolerance
    for frame, following in pairwise(frames):
        if following.index == frame.index + 1:
            assert frame.time + frame.duration == following.time


def test_pictures_may_start_late(sample, settings):
    path = sample("late.mkv", samples.late_start)
    events = watch(path, settings)
    assert kept(events, DecodedFrame)[0].time == Fraction(5, 2)
    assert [cut.time for cut in kept(events, ShotCut)] == [Fraction(9, 2), Fraction(13, 2)]
    assert events[-1].span == Span.of("5/2", "17/2")
    sound = kept(listen(path, settings), AudioChunk)
    assert abs(sound[0].start - 3) < Fraction(3, 100)


def test_reordered_frames_come_in_order(sample, settings):
    frames = kept(watch(sample("b.mp4", samples.b_frames), settings, rate=25), DecodedFrame)
    times = [frame.time for frame in frames]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


@pytest.mark.parametrize(
    ("turns", "bright"), [(1, (0, -1)), (2, (-1, -1)), (3, (-1, 0)), (0, (0, 0))]
)
def test_rotation_is_applied(sample, settings, turns, bright):
    path = sample(f"turn{turns}.mp4", samples.rotated, quarter_turns=turns)
    image = kept(watch(path, settings), DecodedFrame)[0].image
    assert image.shape == ((160, 120, 3) if turns % 2 else (120, 160, 3))
    corners = {(y, x): int(image[10 if y == 0 else -10, 10 if x == 0 else -10, 0])
               for y in (0, -1) for x in (0, -1)}  # fmt: skip
    assert max(corners, key=corners.__getitem__) == bright


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("odd.mkv", {"size": (321, 241), "pix_fmt": "yuv444p"}),
        ("tiny.mkv", {"size": (2, 2)}),
        ("thin.mkv", {"size": (640, 16)}),
        ("vp9.webm", {"codec": "libvpx-vp9"}),
        ("full.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
        ("deep.mp4", {"pix_fmt": "yuv420p10le"}),
    ],
)
def test_shapes_codecs_and_depths(sample, settings, name, options):
    path = sample(name, samples.video, scenes=[Scene(RED, 1)], **options)
    frames = kept(watch(path, settings), DecodedFrame)
    width, height = options.get("size", (320, 240))
    assert frames[0].image.shape == (height, width, 3)
    assert near(frames[1].image, RED, 40)


@pytest.mark.parametrize("matrix", ["ITU601", "ITU709"])
def test_colours_come_out_as_they_went_in(tmp_path, settings, matrix):
    tags = {"ITU601": 6, "ITU709": 1}
    for colour in (RED, samples.YELLOW, samples.GREY, samples.WHITE, samples.BLACK):
        path = samples.video(
            tmp_path / "c.mp4",
            [Scene(colour, 0.2, still=True)],
            colours={"colorspace": tags[matrix]},
        )
        assert near(kept(watch(path, settings), DecodedFrame)[0].image, colour, 6)


@pytest.mark.parametrize("curve", ["pq", "hlg"])
def test_high_dynamic_range_is_brought_to_standard(sample, settings, curve):
    image = kept(watch(sample(f"{curve}.mkv", samples.hdr, curve=curve), settings), DecodedFrame)[
        0
    ].image
    levels = [image[60, 20 + 40 * n].astype(int) for n in range(len(samples.HDR_LIGHT))]
    assert all(np.ptp(level) <= 3 for level in levels)  # grey stays grey
    grey = [int(level.mean()) for level in levels]
    assert grey == sorted(grey)
    assert grey[0] <= 2
    assert 90 <= grey[2] <= 115  # 26 cd/m² is middle grey
    assert 215 <= grey[4] <= 240  # reference white, with room above it
    assert grey[6] >= 253


def test_only_a_stretch(sample, settings):
    path = sample("talk.mp4", samples.talk)
    span = Span.of("2.5", "4.2")
    events = watch(path, settings, within=span, rate=25, shots=False)
    frames = kept(events, DecodedFrame)
    assert frames[0].time <= span.start < frames[0].time + frames[0].duration
    assert frames[-1].time < span.end
    assert len(frames) == 43
    assert not kept(events, Damage)
    chunks = kept(listen(path, settings, within=span), AudioChunk)
    assert chunks[0].start == span.start
    assert abs(chunks[-1].end - span.end) < Fraction(1, 100)


# -- sound --------------------------------------------------------------------------------------


def test_sound_is_resampled_in_chunks_without_gaps(sample, settings):
    events = listen(sample("talk.mp4", samples.talk), settings, chunk=1.5)
    chunks = kept(events, AudioChunk)
    assert [len(chunk.samples) for chunk in chunks[:-1]] == [24_000] * (len(chunks) - 1)
    for chunk, following in pairwise(chunks):
        assert chunk.end == following.start
    whole = np.concatenate([chunk.samples for chunk in chunks])
    assert whole.dtype == np.float32
    assert abs(len(whole) / SAMPLE_RATE - 6) < 0.05
    assert abs(pitch(whole) - 440) < 1
    assert abs(float(np.sqrt(np.mean(whole[8000:-8000] ** 2))) - 0.5 / 2**0.5) < 0.01
    assert events[-1].count == len(whole)


def test_gaps_are_silent_and_time_is_kept(sample, settings):
    path = sample("gap.mka", _gap)
    chunks = kept(listen(path, settings), AudioChunk)
    whole = np.concatenate([chunk.samples for chunk in chunks])
    assert abs(pitch(whole[2000:14_000]) - 440) < 3
    assert not np.any(whole[18_000:46_000])
    assert abs(pitch(whole[50_000:62_000]) - 880) < 3


def _gap(path):
    return samples.sound(path, Tone(440, 1), Tone(880, 1, start=3))


def test_the_default_track_unless_another_is_named(sample, settings):
    path = sample("languages.mkv", samples.two_languages)
    assert abs(pitch(kept(listen(path, settings), AudioChunk)[0].samples) - 900) < 3
    assert abs(pitch(kept(listen(path, settings, track=1), AudioChunk)[0].samples) - 300) < 3


@pytest.mark.parametrize("name", ["tone.wav", "tone.m4a", "tone.mka"])
def test_sound_alone_can_be_heard(sample, settings, name):
    events = listen(sample(name, samples.sound), settings)
    assert abs(pitch(kept(events, AudioChunk)[0].samples) - 440) < 1
    with pytest.raises(MediaError) as caught:
        watch(sample(name, samples.sound), settings)
    assert caught.value.code == "media_no_stream"


def test_a_video_without_sound(sample, settings):
    with pytest.raises(MediaError) as caught:
        listen(sample("three.mp4", samples.video), settings)
    assert caught.value.code == "media_no_stream"


def test_both_at_once(sample, settings):
    request = VideoRequest(), AudioRequest()
    with open_decoder(
        sample("talk.mp4", samples.talk), settings, video=request[0], audio=request[1]
    ) as decoder:
        assert decoder.video is not None
        assert decoder.audio is not None
        assert isinstance(list(decoder.video)[-1], DecodeEnd)
        assert isinstance(list(decoder.audio)[-1], DecodeEnd)


# -- what is broken -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("noise.mp4", samples.corrupt),
        ("packets.mp4", samples.corrupt_packets),
        ("packets.mkv", samples.corrupt_packets),
    ],
)
def test_damage_is_reported_and_stepped_over(sample, settings, name, make):
    path = sample(name, make)
    events = watch(path, settings)
    damage = kept(events, Damage)
    assert damage
    assert all(1.5 <= d.span.start <= d.span.end <= 4.5 for d in damage)
    frames = kept(events, DecodedFrame)
    assert any(frame.time < 1.5 for frame in frames)
    assert any(frame.time > 4.5 and near(frame.image, BLUE) for frame in frames)
    sound = listen(path, settings)
    assert kept(sound, Damage)
    whole = np.concatenate([chunk.samples for chunk in kept(sound, AudioChunk)])
    assert abs(len(whole) / SAMPLE_RATE - 6) < 0.1  # what is missing is silent, not left out
    assert abs(pitch(whole[-20_000:-4_000]) - 440) < 3


def test_a_stream_that_ends_early_is_reported(tmp_path, settings):
    path = samples.video(tmp_path / "cut.ts")
    data = path.read_bytes()
    whole = samples.video(tmp_path / "whole.mkv", muxing={"live": "0"})
    path.write_bytes(data[: len(data) // 2 // 188 * 188])
    events = watch(path, settings)
    assert events[-1].span.end < 5
    assert not kept(watch(whole, settings), Damage)


def test_a_recording_broken_off_is_read_as_far_as_it_goes(tmp_path, settings):
    live = {"movflags": "frag_keyframe+empty_moov"}
    path = samples.video(tmp_path / "live.mp4", muxing=live, options={"g": "12"})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    end = watch(path, settings)[-1].span.end
    assert 3 < end < 4.5
    assert probe(path, settings).span.end <= end + Fraction(1, 2)


def test_two_recordings_in_one_stream_follow_each_other(tmp_path, settings):
    path = samples.video(tmp_path / "twice.ts", tones=[Tone(seconds=6)])
    path.write_bytes(path.read_bytes() * 2)
    events = watch(path, settings)
    times = [frame.time for frame in kept(events, DecodedFrame)]
    assert times == sorted(set(times))
    assert abs(events[-1].span.duration - 12) < 0.1
    chunks = kept(listen(path, settings), AudioChunk)
    assert abs(chunks[-1].end - chunks[0].start - 12) < 0.2


def test_bytes_behind_the_end_do_no_harm(tmp_path, sample, settings):
    path = tmp_path / "tail.mp4"
    path.write_bytes(sample("talk.mp4", samples.talk).read_bytes() + bytes(999) + b"tail" * 99)
    assert watch(path, settings)[-1].span == Span.of(0, 6)


def test_a_bare_stream_of_pictures(tmp_path, settings):
    path = samples.video(tmp_path / "bare.h264")
    assert abs(probe(path, settings).span.duration - 6) < 0.1
    assert abs(watch(path, settings)[-1].span.duration - 6) < 0.1


def test_nothing_decodable(tmp_path, settings):
    path = samples.corrupt_packets(tmp_path / "bad.mkv", first=0, last=99)
    with pytest.raises(MediaError) as caught:
        watch(path, settings)
    assert caught.value.code == "media_corrupt"
    with pytest.raises(MediaError) as caught:
        listen(path, settings)
    assert caught.value.code == "media_corrupt"


@pytest.mark.parametrize(
    "wrong", [{"rate": 0.0}, {"rate": 1000.0}, {"max_side": 1}, {"threads": -1}]
)
def test_requests_that_make_no_sense(sample, settings, wrong):
    with pytest.raises(InvalidInput, match="cannot be asked"):
        watch(sample("three.mp4", samples.video), settings, **wrong)


def test_a_chunk_must_make_sense(sample, settings):
    with pytest.raises(InvalidInput, match="chunk"):
        listen(sample("talk.mp4", samples.talk), settings, chunk=0)
