from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import samples
from tests.cluster.services import copied
from tests.samples import BLUE, GREEN, Scene, Tone

import videlicet as vl
from videlicet.cli import main
from videlicet.models.fakes import IDS, VOCABULARY, draw_text


@dataclass(frozen=True)
class Done:
    """What a command ended with."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> dict[str, Any]:
        """The error on standard error, of a command with ``--json``."""
        row = json.loads(self.err.splitlines()[-1])["error"]
        assert {"code", "message", "subject", "retryable", "remedy"} <= set(row)
        return dict(row)


Run = Callable[..., Done]


@pytest.fixture
def videlicet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command as a shell would, inside this process."""

    def run(*arguments: str | os.PathLike[str]) -> Done:
        monkeypatch.setattr(sys, "argv", ["videlicet", *map(os.fspath, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        text = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        assert "Traceback" not in text.err
        return Done(ended.value.code, text.out, text.err)

    return run


#: A name that is no valid text, and one with signs beyond the basic plane.
LATIN = os.fsdecode(b"caf\xe9.mp4")
EMOJI = "naïve 🎬.mp4"
#: The pitch that the stand-in for speech recognition hears as "dog".
DOG = 500 + 40 * VOCABULARY.index("dog")


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``videos`` and a data directory ``home`` that holds them. Do not change it."""
    root = tmp_path_factory.mktemp("filled")
    recordings = root / "videos"
    recordings.mkdir()
    page = draw_text(np.zeros((240, 320, 3), np.uint8), "The invoice is due")
    samples.video(recordings / "slide.mp4", pictures=[page] * 50, tones=[Tone(DOG, 2)])
    samples.video(recordings / EMOJI, [Scene(GREEN, 2)])
    samples.video(recordings / LATIN, [Scene(BLUE, 2)])
    with vl.open(root / "home") as library:
        library.create_index("default", IDS)
        assert not library.add(recordings).failed
    return root


@pytest.fixture
def home(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the filled data directory, which the command uses."""
    copied(filled / "home", tmp_path / "home")
    monkeypatch.setenv("VIDELICET_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
