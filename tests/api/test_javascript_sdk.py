"""The official JavaScript SDK as the client: with the shipped doubles, and with the real models on
a real recording where both are at hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests import samples
from tests.api.server import DOUBLES, hosted
from tests.ingest import rig


def drive(packages: Path, folder: Path, recording: Path, environment: dict[str, str]) -> None:
    """Run the script that calls every method, against a server of its own."""
    picture = samples.image(folder / "picture.png")
    large = Path(shutil.copy(recording, folder / f"large{recording.suffix}"))
    # Bytes after the last box (or element) do not harm a video, and make it several chunks long.
    with large.open("ab") as file:
        file.write(b"\x00\x00\x00\x08free" * (9 * 1024 * 1024 // 8))
    settings = DOUBLES if "SAID" not in environment else {}
    with hosted(folder / "home", **settings) as server:
        done = subprocess.run(
            ["node", "drive.mjs"],
            cwd=packages,
            env={
                **os.environ,
                "TWELVELABS_BASE_URL": server.base,
                "KEY": server.key(),
                "VIDEO": str(recording),
                "LARGE": str(large),
                "PICTURE": str(picture),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=1100,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "done"


@pytest.mark.slow
def test_every_method(packages: Path, tmp_path: Path) -> None:
    drive(packages, tmp_path, rig.make_videos(tmp_path / "videos", 1, seconds=8)[0], {})


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.corpus
@pytest.mark.timeout(1300)
def test_every_method_with_a_real_video(packages: Path, tmp_path: Path, corpus: Path) -> None:
    manifest = json.loads((corpus / "manifest.json").read_text("utf-8"))
    chosen = next(row for row in manifest if row["speech"] and row["width"] == 640)
    recording = Path(shutil.copy(corpus / "videos" / chosen["file"], tmp_path / chosen["file"]))
    said = " ".join(chosen["speech"].split()[:8])
    drive(packages, tmp_path, recording, {"SAID": said})
