"""What the sample videos show and say."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from videlicet.demo.video import Scene, make_video

#: The video that holds all the others, in this order.
COMPILATION = "all together"
ORDER = ("deep field", "coffee", "photographer", "rabbit", "launch", "coins", "cat", "astronaut")


@dataclass(frozen=True, slots=True)
class SampleVideos:
    """The videos' paths by title, and where each is inside the compilation (seconds)."""

    paths: Mapping[str, Path]
    places: Mapping[str, tuple[float, float]]


def scenes(sources: Mapping[str, Path]) -> dict[str, Scene]:
    """One scene a video, by title."""
    voice = sources["two_cities"]
    return {
        "cat": Scene(
            8.0, "Chelsea at home, a portrait", sources["chelsea"],
            sound=voice, sound_from=0.7, sound_to=7.85,
        ),
        "coffee": Scene(
            5.2, "Espresso bar · open 7:30 to 18:00", sources["coffee"],
            sound=voice, sound_from=16.75, sound_to=20.85,
        ),
        "launch": Scene(
            6.0, "Falcon 9 at Launch Complex 40", sources["rocket"], focus=(0.6, 0.6),
            sound=voice, sound_from=23.8, sound_to=28.8,
        ),
        "astronaut": Scene(
            4.4, "Commander Eileen Collins", sources["astronaut"], focus=(0.4, 0.2),
            sound=voice, sound_from=20.8, sound_to=23.85,
        ),
        "deep field": Scene(
            5.0, "Ten thousand galaxies", sources["hubble_deep_field"], focus=(0.7, 0.4),
            sound=voice, sound_from=12.75, sound_to=16.8,
        ),
        "photographer": Scene(
            6.0, "How to use a tripod", sources["camera"], focus=(0.6, 0.4),
            sound=voice, sound_from=7.8, sound_to=12.8,
        ),
        "coins": Scene(
            5.0, "Brooklyn Museum, case 12", sources["coins"], focus=(0.3, 0.7),
            sound=sources["success"], repeats=4,
        ),
        "rabbit": Scene(5.28, clip=sources["bunny"]),
    }  # fmt: skip


def make_sample_videos(sources: Mapping[str, Path], folder: Path) -> SampleVideos:
    """Make the videos that ``folder`` does not hold yet."""
    takes = scenes(sources)
    folder.mkdir(parents=True, exist_ok=True)
    recipe = folder / "recipe"
    wanted = _recipe(takes, sources)
    if not recipe.is_file() or recipe.read_text("utf-8") != wanted:
        for old in folder.glob("*.mp4"):
            old.unlink()
        recipe.write_text(wanted, "utf-8")
    paths, inside, at = {}, {}, 0.0
    for title in ORDER:
        inside[title] = (at, at + takes[title].seconds)
        at += takes[title].seconds
    videos = {title: [take] for title, take in takes.items()}
    videos[COMPILATION] = [takes[title] for title in ORDER]
    for title, parts in videos.items():
        paths[title] = folder / f"{title}.mp4"
        if not paths[title].is_file():
            make_video(parts, paths[title])
    return SampleVideos(paths, inside)


def _recipe(takes: Mapping[str, Scene], sources: Mapping[str, Path]) -> str:
    """Changes when a video would."""
    parts = [repr(sorted((title, astuple(take)) for title, take in takes.items()))]
    parts += [hashlib.sha256(path.read_bytes()).hexdigest() for path in sources.values()]
    parts.append(Path(__file__).with_name("video.py").read_text("utf-8"))
    parts.append(repr(ORDER))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
