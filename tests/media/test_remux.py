from __future__ import annotations

import hashlib
import io

import av
import pytest
from av.stream import Disposition
from PIL import Image
from tests import samples
from tests.samples import RED, Scene

from videlicet.errors import InvalidInput, MediaError, StoreError
from videlicet.media.probe import probe
from videlicet.media.remux import with_chapters
from videlicet.types import Span

TWO = [(Span.of(0, 2), "One"), (Span.of(2, 6), "Two")]


def read(path):
    with av.open(str(path)) as file:
        return [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]),
             c["metadata"]["title"])
            for c in file.chapters()
        ]  # fmt: skip


def packets(path):
    """What each stream of pictures and sound holds, and when."""
    with av.open(str(path)) as file:
        chosen = [s for s in file.streams if s.type in ("video", "audio")]
        found = {s.index: [] for s in chosen}
        for packet in file.demux(chosen):
            if packet.size:
                digest = hashlib.sha256(bytes(packet)).hexdigest()
                time = round(float(packet.pts * packet.time_base), 3)
                found[packet.stream.index].append((time, digest))
    return list(found.values())


def test_nothing_but_the_chapters_is_new(tmp_path, sample, settings):
    recording = sample("talk.mp4", samples.talk)
    out = tmp_path / "out.mp4"
    assert with_chapters(recording, TWO, out, settings) == []
    assert read(out) == [(0.0, 2.0, "One"), (2.0, 6.0, "Two")]
    assert packets(out) == packets(recording)
    assert probe(out, settings).span == probe(recording, settings).span
    again = tmp_path / "again.mp4"
    # The track of the old chapters is not the video's own.
    assert with_chapters(out, TWO[:1], again, settings) == ["data"]
    assert read(again) == [(0.0, 2.0, "One")]
    none = tmp_path / "none.mp4"
    with_chapters(out, [], none, settings)
    assert read(none) == []


@pytest.mark.parametrize(
    ("name", "make", "out"),
    [
        ("talk.mp4", samples.talk, "a.mkv"),
        ("two.mkv", samples.two_languages, "a.mp4"),
        ("b.mp4", samples.b_frames, "b.mkv"),
        ("tone.wav", samples.sound, "tone.mka"),
        ("tone.m4a", samples.sound, "copy.m4a"),
    ],
)
def test_from_one_container_into_another(tmp_path, sample, settings, name, make, out):
    source = sample(name, make)
    with_chapters(source, TWO, tmp_path / out, settings)
    assert [title for *_, title in read(tmp_path / out)] == ["One", "Two"]
    old, new = packets(source), packets(tmp_path / out)
    assert [[digest for _, digest in rows] for rows in new] == [
        [digest for _, digest in rows] for rows in old
    ]
    before, after = probe(source, settings), probe(tmp_path / out, settings)
    assert [(a.language, a.default) for a in before.audio] == [
        (a.language, a.default) for a in after.audio
    ] or name.startswith("tone")


def test_a_timeline_that_begins_late_keeps_its_times(tmp_path, sample, settings):
    recording = sample("late.ts", samples.late_start)
    late = [(Span.of("2.5", "4.5"), "One"), (Span.of("4.5", "8.5"), "Two")]
    with_chapters(recording, late, tmp_path / "a.mkv", settings)
    assert read(tmp_path / "a.mkv") == [(2.5, 4.5, "One"), (4.5, 8.5, "Two")]
    assert probe(tmp_path / "a.mkv", settings).span.start == probe(recording, settings).span.start


def test_a_turned_video_stays_turned_and_tags_stay(tmp_path, sample, settings):
    turned = sample("turn1.mp4", samples.rotated, quarter_turns=1)
    with_chapters(turned, TWO[:1], tmp_path / "a.mp4", settings)
    before, after = probe(turned, settings).video, probe(tmp_path / "a.mp4", settings).video
    assert before is not None
    assert after is not None
    assert (after.width, after.height, after.rotation) == (
        before.width, before.height, before.rotation,
    )  # fmt: skip
    tagged = samples.video(tmp_path / "t.mp4", [Scene(RED, 1)], tags={"title": "A title"})
    with_chapters(tagged, TWO[:1], tmp_path / "u.mp4", settings)
    assert probe(tmp_path / "u.mp4", settings).tags["title"] == "A title"


def test_a_copy_that_cannot_be(tmp_path, sample, settings):
    recording = sample("talk.mp4", samples.talk)
    out = tmp_path / "out.webm"
    out.write_text("older")
    with pytest.raises(InvalidInput) as caught:
        with_chapters(recording, TWO, tmp_path / "out.avi", settings)
    assert caught.value.code == "invalid_argument"
    with pytest.raises(MediaError) as refused:
        with_chapters(recording, TWO, out, settings)  # WebM holds no H.264
    assert refused.value.code == "media_codec_unsupported"
    with pytest.raises(MediaError):
        with_chapters(sample("text.mp4", samples.text_as_mp4), TWO, tmp_path / "a.mp4", settings)
    with pytest.raises(StoreError):
        with_chapters(recording, TWO, tmp_path / "no" / "a.mp4", settings)
    assert out.read_text() == "older"
    assert [p.name for p in tmp_path.iterdir()] == ["out.webm"]


def illustrated(path, recording, texts, cover):
    """A copy of a video with subtitles (SubRip) or a cover picture."""
    with (
        av.open(str(recording)) as source,
        av.open(str(texts)) as said,
        av.open(str(path), "w") as out,
    ):
        streams = {s.index: out.add_stream_from_template(s) for s in source.streams}
        if cover is None:
            written = out.add_stream_from_template(said.streams[0])
            rows = [packet for packet in said.demux() if packet.size]
        else:
            written = out.add_stream("mjpeg")
            written.width = written.height = 64
            written.pix_fmt = "yuvj420p"
            written.disposition = Disposition.attached_pic
            rows = [av.Packet(cover)]
            rows[0].pts = rows[0].dts = 0
        for packet in [*source.demux(), *rows]:
            if packet.size:
                packet.stream = streams[packet.stream.index] if packet not in rows else written
                out.mux(packet)
    return path


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "said.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    return path


def test_subtitles_are_copied_where_the_container_takes_them(tmp_path, sample, settings, texts):
    recording = illustrated(tmp_path / "video.mkv", sample("talk.mp4", samples.talk), texts, None)
    assert with_chapters(recording, TWO, tmp_path / "a.mkv", settings) == []
    with av.open(str(tmp_path / "a.mkv")) as file:
        said = [bytes(p) for p in file.demux(file.streams.subtitles[0]) if p.size]
    assert said == [b"Hello"]
    assert with_chapters(recording, TWO, tmp_path / "a.mp4", settings) == ["subtitle"]
    assert len(packets(tmp_path / "a.mp4")) == 2


def test_a_cover_is_copied_where_it_is_a_stream(tmp_path, sample, settings, texts):
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(picture, "JPEG")
    recording = illustrated(
        tmp_path / "video.mp4", sample("talk.mp4", samples.talk), texts, picture.getvalue()
    )
    assert with_chapters(recording, TWO, tmp_path / "a.mp4", settings) == []
    with av.open(str(tmp_path / "a.mp4")) as file:
        (cover,) = [s for s in file.streams.video if s.disposition & Disposition.attached_pic]
        assert [bytes(p) for p in file.demux(cover) if p.size] == [picture.getvalue()]
    assert with_chapters(recording, TWO, tmp_path / "a.mkv", settings) == ["cover"]
    assert probe(tmp_path / "a.mkv", settings).video is not None
