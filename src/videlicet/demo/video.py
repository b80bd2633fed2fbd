"""Makes short videos of photographs, clips and sound: slow pan and zoom, a drawn caption, a cut.

The same scenes give the same bytes on every machine with the same libraries.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, HEIGHT, RATE = 640, 360, 25
SOUND_RATE = 48_000
#: Share of the picture shown at the end of a scene that begins with as much as fits.
_CLOSEST = 0.82
#: Silence before a scene's sound, so that two scenes' words never touch.
_LEAD_IN = 0.3


@dataclass(frozen=True, slots=True)
class Scene:
    """One take of ``seconds``: a photograph (``picture``) or a clip (``clip``, with its own sound).

    ``sound`` is heard from ``sound_from`` to ``sound_to`` seconds of its file, ``repeats`` times.
    ``focus`` is where the photograph's zoom ends, in fractions of its width and height.
    """

    seconds: float
    caption: str = ""
    picture: Path | None = None
    clip: Path | None = None
    sound: Path | None = None
    sound_from: float = 0.0
    sound_to: float | None = None
    repeats: int = 1
    focus: tuple[float, float] = (0.5, 0.5)

    @property
    def frames(self) -> int:
        return round(self.seconds * RATE)


def make_video(scenes: Sequence[Scene], out: Path, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """Write the scenes one after another to the MP4 ``out``: H.264 and AAC, 25 frames a second."""
    part = out.with_name(f".{secrets.token_hex(6)}.mp4")
    try:
        with av.open(str(part), "w", format="mp4", options={"fflags": "+bitexact"}) as file:
            _encode(file, scenes, size)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return out


def make_clip(scene: Scene, start: float, end: float, out: Path) -> Path:
    """A rougher copy of a stretch of a clip, as somebody might have it: smaller, and re-encoded."""
    piece = replace(scene, seconds=end - start, caption="", sound_from=start)
    return make_video([piece], out, (WIDTH // 2, HEIGHT // 2))


def read_sound(path: Path, start: float = 0.0, end: float | None = None) -> NDArray[np.float32]:
    """Mono sound at 48 kHz, cut to ``start`` to ``end`` seconds; empty if the file has none."""
    resampler = AudioResampler("flt", "mono", SOUND_RATE)
    pieces: list[NDArray[np.float32]] = []
    with av.open(str(path)) as file:
        if not file.streams.audio:
            return np.zeros(0, np.float32)
        for frame in file.decode(file.streams.audio[0]):
            pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
        pieces += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    stop = len(samples) if end is None else round(end * SOUND_RATE)
    return samples[round(start * SOUND_RATE) : stop].astype(np.float32)


def write_sound(samples: NDArray[np.float32], out: Path) -> Path:
    """Mono 48 kHz samples as a 16-bit WAV file."""
    import wave

    with wave.open(str(out), "wb") as file:
        file.setparams((1, 2, SOUND_RATE, 0, "NONE", ""))
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out


def _encode(file: Any, scenes: Sequence[Scene], size: tuple[int, int]) -> None:
    video = file.add_stream(
        "libx264", rate=RATE, options={"preset": "veryfast", "crf": "21", "threads": "1"}
    )
    video.width, video.height, video.pix_fmt = *size, "yuv420p"
    audio = file.add_stream("aac", rate=SOUND_RATE, layout="mono")
    audio.bit_rate = 96_000
    pictured = heard = 0
    for scene in scenes:
        for picture in _pictures(scene):
            shape = picture if picture.size == size else picture.resize(size)
            frame = VideoFrame.from_ndarray(np.asarray(shape), "rgb24")
            frame.pts, frame.time_base = pictured, Fraction(1, RATE)
            pictured += 1
            file.mux(video.encode(frame))
        sound = _sound(scene)
        for at in range(0, len(sound), 1024):
            piece = AudioFrame.from_ndarray(sound[None, at : at + 1024], "flt", "mono")
            piece.sample_rate = SOUND_RATE
            piece.pts, piece.time_base = heard, Fraction(1, SOUND_RATE)
            heard += piece.samples
            file.mux(audio.encode(piece))
    file.mux(video.encode(None))
    file.mux(audio.encode(None))


def _sound(scene: Scene) -> NDArray[np.float32]:
    """Exactly as many samples as the scene is long."""
    track = np.zeros(scene.frames * SOUND_RATE // RATE, np.float32)
    source, lead = (scene.clip, 0.0) if scene.clip else (scene.sound, _LEAD_IN)
    if source is not None:
        piece = read_sound(source, scene.sound_from, scene.sound_to)
        at = round(lead * SOUND_RATE)
        for _ in range(scene.repeats):
            fits = piece[: max(0, len(track) - at)]
            track[at : at + len(fits)] = fits
            at += len(piece)
    return track


def _pictures(scene: Scene) -> Iterator[Image.Image]:
    caption = _caption(scene.caption)
    source = _clip(scene) if scene.clip else _pan(scene)
    for picture in source:
        if caption is not None:
            picture.paste(caption, (0, HEIGHT - caption.height - 18), caption)
        yield picture


def _pan(scene: Scene) -> Iterator[Image.Image]:
    """A photograph, filling the frame, closing in on its focus."""
    assert scene.picture is not None, "a scene shows a photograph or a clip"
    photograph = Image.open(scene.picture).convert("RGB")
    width = min(photograph.width, photograph.height * WIDTH / HEIGHT)
    for number in range(scene.frames):
        done = number / max(1, scene.frames - 1)
        wide = width * (1 - (1 - _CLOSEST) * done)
        high = wide * HEIGHT / WIDTH
        x, y = (0.5 + (focus - 0.5) * done for focus in scene.focus)
        left = min(max(0.0, x * photograph.width - wide / 2), photograph.width - wide)
        top = min(max(0.0, y * photograph.height - high / 2), photograph.height - high)
        yield photograph.resize(
            (WIDTH, HEIGHT), Image.Resampling.BICUBIC, box=(left, top, left + wide, top + high)
        )


def _clip(scene: Scene) -> Iterator[Image.Image]:
    """A clip from ``sound_from`` on, at our frame rate; its last frame stays if it is too short."""
    sent = 0
    last: Image.Image | None = None
    with av.open(str(scene.clip)) as file:
        for frame in file.decode(video=0):
            time = float(frame.time or 0) - scene.sound_from
            while last is not None and sent < scene.frames and sent / RATE < time:
                yield last.copy()
                sent += 1
            if sent == scene.frames:
                return
            if time > -1:
                last = Image.fromarray(frame.to_ndarray(format="rgb24"))
                last = last.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    assert last is not None, f"{scene.clip} shows nothing"
    for _ in range(scene.frames - sent):
        yield last.copy()


def _caption(text: str) -> Image.Image | None:
    """White letters on a dark band, the frame's full width."""
    if not text:
        return None
    font = ImageFont.load_default(size=26)
    band = Image.new("RGBA", (WIDTH, 46), (12, 14, 18, 205))
    ImageDraw.Draw(band).text((24, 23), text, font=font, fill=(255, 255, 255, 255), anchor="lm")
    return band
