"""A dozen questions for the sample videos, each with the moment that answers it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from videlicet.demo.question import DemoQuestion, Place
from videlicet.demo.script import COMPILATION, SampleVideos
from videlicet.demo.video import Scene, make_clip, read_sound, write_sound
from videlicet.types import Span


def questions(
    sources: Mapping[str, Path], videos: SampleVideos, folder: Path
) -> list[DemoQuestion]:
    """The questions; pictures, sounds and clips to ask with are made in ``folder``.

    They are not the videos' own frames and sounds: pictures are mirrored, cropped and compressed
    anew, the clip is smaller and rougher, sounds are quieter and have noise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cat = _picture(sources["chelsea"], (60, 30, 400, 280))
    rocket = _picture(sources["rocket"], (60, 30, 560, 400))
    rabbit = make_clip(Scene(0, clip=sources["bunny"]), 1.0, 3.5, folder / "rabbit.mp4")
    meadow = _quieter(sources["bunny"], 1.0, 4.0, folder / "meadow.wav")
    voice = _quieter(sources["two_cities"], 5.2, 7.85, folder / "voice.wav")

    def ask(kind: str, label: str, title: str, **arguments: Any) -> DemoQuestion:
        return DemoQuestion(kind, label, arguments, _places(videos, title))

    def words(kind: str, text: str, title: str, *modalities: str, **more: Any) -> DemoQuestion:
        return ask(kind, text, title, query=text, modalities=modalities, **more)

    seen, said, written = "words → picture", "words → speech", "words → screen"
    return [
        words(seen, "a cat", "cat", "visual"),
        words(seen, "a cup of coffee on a table", "coffee", "visual"),
        words(seen, "a rocket on its launch pad at night", "launch", "visual"),
        words(seen, "a man with a camera on a tripod", "photographer", "visual"),
        words(said, "everybody will go to paradise", "launch", "speech"),
        words(said, "hope after a hard time", "coffee", "speech"),
        words("exact phrase", '"season of light"', "deep field"),
        words(written, "Launch Complex 40", "launch", "text"),
        words(written, "7:30", "coffee", "text"),
        ask("picture", "a cat's portrait, mirrored and cropped", "cat", image=cat),
        ask("clip", "2.5 s of the rabbit, smaller and rougher", "rabbit", video=rabbit),
        ask("sound", "3 s of the rabbit's meadow, quieter", "rabbit", audio=meadow),
        ask("sound", "a voice saying something, quieter", "cat", audio=voice),
        ask(
            "words + picture", "going direct to heaven + a rocket, mirrored", "launch",
            query="going direct to heaven", image=rocket,
        ),
        ask(
            "words, but not", "the seasons of the year, but not light and darkness", "coffee",
            query="the seasons of the year", negative="light and darkness",
            modalities=("speech",),
        ),
    ]  # fmt: skip


def _places(videos: SampleVideos, title: str) -> tuple[Place, ...]:
    start, end = videos.places[title]
    return (
        Place(videos.paths[title].name, Span.of(0.0, end - start)),
        Place(videos.paths[COMPILATION].name, Span.of(start, end)),
    )


def _picture(path: Path, box: tuple[int, int, int, int]) -> bytes:
    data = io.BytesIO()
    mirrored = ImageOps.mirror(Image.open(path).convert("RGB"))
    mirrored.crop(box).save(data, "JPEG", quality=60)
    return data.getvalue()


def _quieter(path: Path, start: float, end: float, out: Path) -> Path:
    sound = read_sound(path, start, end) * np.float32(0.6)
    noise = np.random.default_rng(0).normal(0, 0.001, len(sound)).astype(np.float32)
    return write_sound(sound + noise, out)
