"""Small recordings and pictures that the documentation's commands name."""

from __future__ import annotations

import json
import math
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

RATE = 16_000
SIZE = (320, 240)


def make_samples(root: Path) -> None:
    """``films/``, query media and ``dataset/`` below ``root``."""
    slide, sea = _slide(), _sea()
    (root / "films").mkdir()
    _film(root / "films/talk.mp4", [slide, sea], 440)
    _film(root / "films/harbour.mp4", [sea, slide], 220)
    _film(root / "films/rain.mkv", [_noise()], 330)
    _film(root / "clip.mp4", [sea], 220)
    sea.save(root / "dog.jpg")
    _sound(root / "bark.wav", 440)

    dataset = root / "dataset"
    (dataset / "videos").mkdir(parents=True)
    for name in ("talk.mp4", "harbour.mp4"):
        (dataset / "videos" / name).write_bytes((root / "films" / name).read_bytes())
    (dataset / "query_media").mkdir()
    sea.save(dataset / "query_media/sea.jpg")
    manifest = [{"file": "talk.mp4"}, {"file": "harbour.mp4"}]
    queries = [
        {
            "id": "q1",
            "modality": "text",
            "query": "the invoice is due",
            "kind": "ocr",
            "relevant": [
                {"file": "talk.mp4", "start_s": 0.0, "end_s": 2.0},
                {"file": "harbour.mp4", "start_s": 2.0, "end_s": 4.0},
            ],
        },
        {
            "id": "q2",
            "modality": "image",
            "query": "query_media/sea.jpg",
            "kind": "scene",
            "relevant": [{"file": "talk.mp4"}, {"file": "harbour.mp4"}],
        },
    ]
    (dataset / "manifest.json").write_text(json.dumps(manifest))
    (dataset / "queries.json").write_text(json.dumps(queries))


def _slide() -> Image.Image:
    image = Image.new("RGB", SIZE, "white")
    font = ImageFont.load_default(26)
    draw = ImageDraw.Draw(image)
    draw.text((20, 60), "The invoice is due", "black", font)
    draw.text((20, 120), "Total amount 1043", "black", font)
    return image


def _sea() -> Image.Image:
    image = Image.new("RGB", SIZE, "skyblue")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 130, 320, 190), "navy")
    draw.rectangle((0, 190, 320, 240), "wheat")
    draw.polygon([(120, 140), (200, 140), (160, 60)], "white")
    return image


def _noise() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 90, (*SIZE[::-1], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def _tone(hertz: float, seconds: float) -> NDArray[np.int16]:
    time = np.arange(int(RATE * seconds)) / RATE
    return (9000 * np.sin(2 * math.pi * hertz * time) * (np.sin(7 * time) > 0)).astype(np.int16)


def _sound(path: Path, hertz: float) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(_tone(hertz, 4).tobytes())


def _film(path: Path, pictures: list[Image.Image], hertz: float) -> None:
    """Two seconds of each picture, with a tone."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        for number in range(20 * len(pictures)):
            frame = av.VideoFrame.from_image(pictures[number // 20])
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        tone = _tone(hertz, 2 * len(pictures))
        for start in range(0, len(tone), 1024):
            chunk = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], "s16", "mono")
            chunk.sample_rate, chunk.pts, chunk.time_base = RATE, start, Fraction(1, RATE)
            container.mux(audio.encode(chunk))
        container.mux(audio.encode())
