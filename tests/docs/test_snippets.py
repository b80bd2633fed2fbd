"""Every command and program in the documentation runs, page by page, as a reader would run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.docs.samples import make_samples
from tests.docs.snippets import PAGES, ROOT, Snippet, snippets

LANGUAGES = {"console", "python", "javascript", "json", "text", "toml"}


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("samples")
    make_samples(root)
    return root


@pytest.fixture(scope="session")
def library(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that holds ``videos/`` already, so that pages need not index them anew."""
    home = tmp_path_factory.mktemp("shared") / "library"
    command = [sys.executable, "-m", "videlicet", "--home", str(home), "add", "videos"]
    run(command, samples, dict(os.environ), "preparation")
    return home


def names(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_blocks_say_what_they_are(page: Path) -> None:
    for snippet in snippets(page):
        assert snippet.language in LANGUAGES, f"{page.name}:{snippet.line}"
        if snippet.language == "console":
            assert snippet.commands, f"{page.name}:{snippet.line} holds no command"
        if snippet.language == "python":
            compile(snippet.code, f"{page.name}:{snippet.line}", "exec")
        if snippet.language == "toml":
            tomllib.loads(snippet.code)


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_targets_of_make_exist(page: Path) -> None:
    targets = {
        command.split()[1]
        for snippet in snippets(page)
        for command in snippet.commands
        if command.startswith("make ")
    }
    if targets:
        run(["make", "--dry-run", *sorted(targets)], ROOT, dict(os.environ), page.name)


def runnable_pages() -> list[Any]:
    """The pages with something to run."""
    return [
        pytest.param(page, id=names(page))
        for page in PAGES
        if any(snippet.language in ("console", "python") for snippet in snippets(page))
    ]


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", runnable_pages())
def test_commands_and_programs_run(
    page: Path, samples: Path, library: Path, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    for entry in samples.iterdir():
        (here / entry.name).symlink_to(entry)
    shutil.copytree(library, here / "library")
    environment = {
        **os.environ,
        "VIDELICET_HOME": str(here / "library"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONWARNINGS": "error",
    }
    for snippet in snippets(page):
        if snippet.exempt:
            continue
        where = f"{page.name}:{snippet.line}"
        if snippet.language == "python":
            run([sys.executable, "-c", snippet.code], here, environment, where)
        for command in runnable(snippet):
            run(["bash", "-c", command], here, environment, f"{where}: {command}")


def runnable(snippet: Snippet) -> list[str]:
    """All commands but those of make, which have their own test."""
    return [c for c in snippet.commands if snippet.language == "console" and c[:5] != "make "]


def run(command: list[str], folder: Path, environment: dict[str, str], where: str) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{where}\n{done.stdout}\n{done.stderr}"
