"""Small test inputs, made by script: every kind of file the rooms must take or refuse.

Each function writes one file and returns its path. Nothing is random from run to run.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.stream
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

RED, GREEN, BLUE, YELLOW, WHITE, BLACK, GREY = (
    (200, 30, 30),
    (30, 160, 50),
    (30, 50, 200),
    (230, 210, 40),
    (255, 255, 255),
    (0, 0, 0),
    (128, 128, 128),
)
Colour = tuple[int, int, int]
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """A stretch of one background with moving stripes (unless ``still``), and text if any."""

    colour: Colour
    seconds: float
    text: str = ""
    still: bool = False


@dataclass(frozen=True)
class Tone:
    """A sine of ``hertz``; ``hertz`` 0 is silence. ``start`` is its place on the timeline."""

    hertz: float = 440.0
    seconds: float = 2.0
    start: float = 0.0
    rate: int = 44_100
    default: bool = True
    language: str = ""


THREE = (Scene(RED, 2), Scene(GREEN, 2), Scene(BLUE, 2))


@functools.lru_cache(maxsize=64)
def _ground(size: tuple[int, int], colour: Colour, text: str) -> Picture:
    image = Image.new("RGB", size, colour)
    if text:
        height = max(12, size[1] // 8)
        font = ImageFont.load_default(size=height)
        ImageDraw.Draw(image).text(
            (size[0] // 16, size[1] // 2 - height // 2), text, fill="white", font=font
        )
    return np.asarray(image)


def picture(
    size: tuple[int, int] = (320, 240), colour: Colour = RED, text: str = "", step: int | None = 0
) -> Picture:
    """One frame, uint8 RGB (height, width, 3); ``step`` moves a stripe along the top."""
    image = _ground(size, colour, text).copy()
    if step is not None:
        width = max(4, size[0] // 12)
        left = (step * 3) % max(1, size[0] - width)
        image[: size[1] // 6, left : left + width] = 255 - np.asarray(colour, np.uint8)
    return image


def frames(
    scenes: Sequence[Scene], size: tuple[int, int], rate: Fraction
) -> Iterable[tuple[Fraction, Picture]]:
    """Every frame of some scenes with its time in seconds."""
    index = 0
    end = Fraction(0)
    for scene in scenes:
        end += Fraction(scene.seconds)
        while Fraction(index) / rate < end:
            step = None if scene.still else index
            yield Fraction(index) / rate, picture(size, scene.colour, scene.text, step)
            index += 1


def sine(tone: Tone) -> NDArray[np.float32]:
    """The samples of a tone, float32, half of full scale."""
    time = np.arange(round(tone.seconds * tone.rate)) / tone.rate
    return (0.5 * np.sin(2 * np.pi * tone.hertz * time)).astype(np.float32)


def video(
    path: Path,
    scenes: Sequence[Scene] = THREE,
    *,
    size: tuple[int, int] = (320, 240),
    rate: Fraction | int = 25,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    muxing: dict[str, str] | None = None,
    tones: Sequence[Tone] = (),
    audio_codec: str = "aac",
    start: float = 0.0,
    times: Callable[[int, Fraction], Fraction] | None = None,
    pictures: Iterable[Picture] | None = None,
    tags: dict[str, str] | None = None,
    colours: dict[str, int] | None = None,
    aspect: Fraction | None = None,
) -> Path:
    """A video of scenes, with one sound track per tone.

    ``times`` maps a frame's number and regular time to its own time (variable rate); ``start``
    shifts all pictures; ``pictures`` replaces the scenes' own frames.
    """
    rate = Fraction(rate)
    tick = Fraction(1, 90_000)
    with av.open(str(path), "w", options=muxing or {}) as out:
        for name, value in (tags or {}).items():
            out.metadata[name] = value
        stream: Any = out.add_stream(codec, rate=rate, options=_preset(codec, options))
        stream.width, stream.height, stream.pix_fmt = size[0], size[1], pix_fmt
        stream.codec_context.time_base = tick
        if codec == "mjpeg":
            stream.codec_context.color_range = 2
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        for name, number in (colours or {}).items():
            setattr(stream.codec_context, name, number)
        tracks = [_track(out, tone, audio_codec) for tone in tones]
        source = (
            frames(scenes, size, rate)
            if pictures is None
            else ((Fraction(i) / rate, p) for i, p in enumerate(pictures))
        )
        for number, (time, image) in enumerate(source):
            frame = _frame(image, pix_fmt, colours)
            moment = (times(number, time) if times else time) + Fraction(start)
            frame.pts, frame.time_base = round(moment / tick), tick
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        for track, tone in zip(tracks, tones, strict=True):
            _sing(out, track, tone)
    return path


def _preset(codec: str, options: dict[str, str] | None) -> dict[str, str]:
    fast = {"libx264": {"preset": "ultrafast", "crf": "18"}, "libvpx-vp9": {"cpu-used": "8"}}
    return fast.get(codec, {}) | (options or {})


def _frame(image: Picture, pix_fmt: str, colours: dict[str, int] | None) -> av.VideoFrame:
    kind = "rgb48le" if image.dtype == np.uint16 else "rgb24"
    space = {1: "ITU709", 9: "BT2020"}.get((colours or {}).get("colorspace", 0))
    frame = av.VideoFrame.from_ndarray(image, kind).reformat(
        format=pix_fmt, dst_colorspace=space, dst_color_range="MPEG" if space else None
    )
    for name, number in (colours or {}).items():
        setattr(frame, name, number)
    return frame


def _track(out: Any, tone: Tone, codec: str) -> Any:
    stream = out.add_stream(codec, rate=tone.rate, layout="mono")
    stream.disposition = av.stream.Disposition.default if tone.default else av.stream.Disposition(0)
    if tone.language:
        stream.metadata["language"] = tone.language
    return stream


def _sing(out: Any, stream: Any, tone: Tone) -> None:
    samples = sine(tone)
    kind = stream.codec_context.format.name
    for at in range(0, len(samples), 1024):
        chunk = samples[at : at + 1024].reshape(1, -1)
        if kind in ("s16", "s16p"):
            chunk = (chunk * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(chunk), kind, "mono")
        frame.sample_rate, frame.time_base = tone.rate, Fraction(1, tone.rate)
        frame.pts = at + round(tone.start * tone.rate)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def sound(path: Path, *tones: Tone, codec: str | None = None) -> Path:
    """A sound file of one track; several tones are laid end to end or, by ``start``, with gaps."""
    chosen = (
        codec
        or {".wav": "pcm_s16le", ".m4a": "aac", ".mp3": "libmp3lame", ".mka": "aac"}[path.suffix]
    )
    tones = tones or (Tone(),)
    with av.open(str(path), "w") as out:
        stream = _track(out, tones[0], chosen)
        kind = stream.codec_context.format.name
        begun = Fraction(0)
        for tone in tones:
            begun = Fraction(tone.start) or begun
            samples = sine(tone)
            for at in range(0, len(samples), 1024):
                chunk = samples[at : at + 1024].reshape(1, -1)
                if kind.startswith("s16"):
                    chunk = (chunk * 32767).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(chunk), kind, "mono")
                frame.sample_rate, frame.time_base = tone.rate, Fraction(1, tone.rate)
                frame.pts = at + round(begun * tone.rate)
                out.mux(stream.encode(frame))
            begun += Fraction(tone.seconds)
        out.mux(stream.encode(None))
    return path


# -- videos with a twist -------------------------------------------------------------------------


def talk(path: Path) -> Path:
    """Three scenes, the second with text on screen, and a tone under all of it."""
    scenes = (Scene(RED, 2), Scene(BLUE, 2, text="HELLO WORLD"), Scene(GREEN, 2))
    return video(path, scenes, size=(640, 360), tones=[Tone(seconds=6)])


def variable_rate(path: Path) -> Path:
    """Six seconds whose frames come ever later: n² / 600 seconds for frame n, then one is
    repeated."""
    return video(path, [Scene(RED, 60 / 25)], times=lambda n, _: Fraction(n * n, 600), rate=25)


def late_start(path: Path, start: float = 2.5) -> Path:
    """A Matroska video whose first picture is at ``start`` seconds, its sound half a second on."""
    return video(path, start=start, tones=[Tone(seconds=5, start=start + 0.5)])


def b_frames(path: Path) -> Path:
    """Reordered frames."""
    return video(path, options={"preset": "medium", "bf": "3", "g": "50"})


def rotated(path: Path, quarter_turns: int = 1) -> Path:
    """A landscape video (white top left) that its header turns clockwise by quarters."""
    image = np.zeros((120, 160, 3), np.uint8)
    image[:60, :80] = 255
    video(path, size=(160, 120), pictures=[image] * 25)
    cosine, sine_ = [(1, 0), (0, 1), (-1, 0), (0, -1)][quarter_turns % 4]
    one = 1 << 16
    matrix = struct.pack(
        ">9i", cosine * one, sine_ * one, 0, -sine_ * one, cosine * one, 0, 0, 0, 1 << 30
    )
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = matrix
    path.write_bytes(data)
    return path


def hdr(path: Path, curve: str = "pq") -> Path:
    """Ten-bit BT.2020 with the light levels of :data:`HDR_LIGHT` as grey bars, left to right."""
    bars = [_encode_light(light, curve) for light in HDR_LIGHT]
    image = np.zeros((120, 40 * len(bars), 3), np.uint16)
    for number, level in enumerate(bars):
        image[:, number * 40 : (number + 1) * 40] = round(level * 65535)
    transfer = {"pq": 16, "hlg": 18}[curve]
    return video(
        path,
        size=(image.shape[1], image.shape[0]),
        pictures=[image] * 25,
        pix_fmt="yuv420p10le",
        colours={"color_primaries": 9, "color_trc": transfer, "colorspace": 9},
    )


#: cd/m² on the display.
HDR_LIGHT = (0.0, 5.0, 26.0, 100.0, 203.0, 500.0, 1000.0)


def _encode_light(light: float, curve: str) -> float:
    if curve == "pq":
        power = (light / 10_000) ** (2610 / 16384)
        top = 3424 / 4096 + 2413 / 128 * power
        return float((top / (1 + 2392 / 128 * power)) ** (2523 / 32))
    scene = (light / 1000) ** (1 / 1.2)
    if scene <= 1 / 12:
        return float((3 * scene) ** 0.5)
    return float(0.17883277 * np.log(12 * scene - 0.28466892) + 0.55991073)


def two_languages(path: Path) -> Path:
    """Two sound tracks: 300 Hz in English, then 900 Hz in German, which is the default."""
    tracks = [
        Tone(300, 2, default=False, language="eng"),
        Tone(900, 2, default=True, language="deu"),
    ]
    return video(path, [Scene(RED, 2)], tones=tracks)


def fade(path: Path) -> Path:
    """Two scenes with a fade through black between them, around 2.5 s."""
    levels = np.concatenate(
        [np.ones(50), np.linspace(1, 0, 12), np.zeros(3), np.linspace(0, 1, 12), np.ones(50)]
    )
    images = [
        (picture(colour=YELLOW if n < 63 else BLUE, step=n) * level).astype(np.uint8)
        for n, level in enumerate(levels)
    ]
    return video(path, pictures=images)


# -- files to refuse or to survive --------------------------------------------------------------


def text_as_mp4(path: Path) -> Path:
    path.write_text("This is not a video.\n" * 200)
    return path


def playlist_as_mp4(path: Path, target: str) -> Path:
    """An HLS playlist that points elsewhere, under a video's name."""
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n")
    return path


def truncated(path: Path, *, header_first: bool = True, keep: float = 0.5) -> Path:
    """An MP4 cut off; with ``header_first`` its moov is whole, without it is missing."""
    video(path, muxing={"movflags": "faststart"} if header_first else None)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def corrupt(path: Path, first: float = 0.4, last: float = 0.6) -> Path:
    """A video whose bytes are overwritten between two fractions of the file."""
    video(path, tones=[Tone(seconds=6)], options={"g": "12"})
    data = bytearray(path.read_bytes())
    low, high = int(len(data) * first), int(len(data) * last)
    noise = np.random.default_rng(7).integers(0, 256, high - low, dtype=np.uint8)
    data[low:high] = noise.tobytes()
    path.write_bytes(data)
    return path


def corrupt_packets(path: Path, first: float = 2.0, last: float = 3.5) -> Path:
    """A video whose packets between two times hold noise, in an intact container."""
    whole = video(
        path.with_name(f"whole-{path.name}"), tones=[Tone(seconds=6)], options={"g": "12"}
    )
    noise = np.random.default_rng(7)
    with av.open(str(whole)) as source, av.open(str(path), "w") as out:
        streams = {s.index: out.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            copy = packet
            if first <= packet.pts * packet.time_base < last:
                junk = noise.integers(0, 256, packet.size, dtype=np.uint8).tobytes()
                copy = av.Packet(junk)
                copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
            copy.stream = streams[packet.stream.index]
            out.mux(copy)
    whole.unlink()
    return path


def huge_header(path: Path, side: int = 16_384) -> Path:
    """A Motion JPEG video whose pictures claim to be ``side`` pixels wide and high."""
    video(path, [Scene(RED, 1)], size=(64, 64), codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    at = 0
    while (at := data.find(b"\xff\xc0\x00\x11\x08", at)) >= 0:
        struct.pack_into(">HH", data, at + 5, side, side)
        at += 5
    path.write_bytes(data)
    return path


def long_header(path: Path, seconds: float = 36_000, size: int = 1_000_000) -> Path:
    """A video of about ``size`` bytes whose header claims ``seconds``: MP4 or Matroska."""
    video(path, tags={"comment": "x" * 100})
    data = bytearray(path.read_bytes())
    if path.suffix == ".mkv":
        at = data.index(b"\x44\x89\x88") + 3
        struct.pack_into(">d", data, at, seconds * 1000)
    else:
        for name, scale_at, duration_at in ((b"mvhd", 12, 16), (b"mdhd", 12, 16)):
            at = data.index(name) + 4
            scale = struct.unpack_from(">I", data, at + scale_at)[0]
            struct.pack_into(">I", data, at + duration_at, int(seconds * scale))
    if path.suffix == ".mp4":
        padding = max(0, size - len(data))
        data += struct.pack(">I4s", padding + 8, b"free") + bytes(padding)
    path.write_bytes(data)
    return path


def zero_duration(path: Path) -> Path:
    """An MP4 whose every duration is nought."""
    video(path, [Scene(RED, 0.04)])
    data = bytearray(path.read_bytes())
    for name, offset in ((b"mvhd", 16), (b"mdhd", 16), (b"tkhd", 20), (b"stts", 12)):
        struct.pack_into(">I", data, data.index(name) + 4 + offset, 0)
    if (at := data.find(b"elst")) >= 0:
        struct.pack_into(">I", data, at + 12, 0)
    path.write_bytes(data)
    return path


def unsupported_codec(path: Path) -> Path:
    """An MP4 whose pictures are in a codec nobody knows."""
    video(path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"avc1\x00\x00\x00\x00", b"zz9z\x00\x00\x00\x00"))
    return path


def encrypted(path: Path) -> Path:
    """An MP4 under Common Encryption."""
    key = {"encryption_key": "0f" * 16, "encryption_kid": "a7" * 16}
    return video(path, muxing={"encryption_scheme": "cenc-aes-ctr"} | key)


def no_stream(path: Path) -> Path:
    """An MP4 with a movie header and not one track."""
    header = struct.pack(">I4s4I", 108, b"mvhd", 0, 0, 0, 1000) + struct.pack(">I", 5000)
    header += struct.pack(">IH10x", 0x10000, 0x100) + struct.pack(">9i", *([0] * 9))
    header += bytes(24) + struct.pack(">I", 2)
    moov = struct.pack(">I4s", 8 + len(header), b"moov") + header
    path.write_bytes(struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 512, b"isom") + moov)
    return path


def many_streams(path: Path, count: int = 40) -> Path:
    """A Matroska file with ``count`` sound tracks."""
    return sound_tracks(path, [Tone(100 + 10 * n, 0.1) for n in range(count)])


def sound_tracks(path: Path, tones: Sequence[Tone]) -> Path:
    """A file of sound tracks only."""
    with av.open(str(path), "w") as out:
        tracks = [_track(out, tone, "pcm_s16le") for tone in tones]
        for track, tone in zip(tracks, tones, strict=True):
            _sing(out, track, tone)
    return path


def image(
    path: Path, *, size: tuple[int, int] = (320, 240), orientation: int | None = None
) -> Path:
    """A still picture, white top left; ``orientation`` is the EXIF tag."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[: size[1] // 2, : size[0] // 2] = 255
    still = Image.fromarray(pixels)
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    still.save(path, exif=exif)
    return path
