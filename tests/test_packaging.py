"""What the package says of itself agrees with what it does."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import files, packages_distributions
from pathlib import Path

import pytest

import videlicet

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
NAME = re.compile(r"[A-Za-z0-9._-]+")


def normal(requirement: str) -> str:
    found = NAME.match(requirement)
    assert found is not None
    return found[0].lower().replace("_", "-")


RUNTIME = {normal(r) for r in PROJECT["project"]["dependencies"]}
EXTRAS = {normal(r) for rows in PROJECT["project"]["optional-dependencies"].values() for r in rows}
GROUPS = {
    name: {normal(r) for r in rows if isinstance(r, str)}
    for name, rows in PROJECT["dependency-groups"].items()
}
EXTRAS = {normal(r) for one in PROJECT["project"]["optional-dependencies"].values() for r in one}
DEVELOPMENT = RUNTIME | GROUPS["dev"]
BENCH = DEVELOPMENT | GROUPS["bench"]


def imported(folder: Path) -> Iterator[str]:
    """Modules of others that the files below ``folder`` import, anywhere in them."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module


def distributions(folder: Path) -> set[str]:
    """The distributions that must be installed for what ``folder`` imports."""
    owners = packages_distributions()
    own = {"videlicet", "tests", "bench", *sys.stdlib_module_names}
    found = set()
    for module in set(imported(folder)):
        top = module.partition(".")[0]
        if top in own:
            continue
        names = {normal(name) for name in owners.get(top, [top])}
        if len(names) > 1:
            names = {name for name in names if holds(name, module)} or names
        found.add(next(iter(sorted(names & BENCH)), min(names)))
    return found


def holds(distribution: str, module: str) -> bool:
    """Whether a distribution has a module of a package that several share."""
    path = module.replace(".", "/")
    return any(
        file.as_posix() in (f"{path}.py", f"{path}/__init__.py")
        for file in files(distribution) or ()
    )


def test_everything_imported_is_declared() -> None:
    assert distributions(ROOT / "src") <= RUNTIME | EXTRAS
    assert distributions(ROOT / "tests") <= DEVELOPMENT
    assert distributions(ROOT / "bench") <= BENCH


def test_everything_declared_is_imported() -> None:
    # FastAPI reads forms with the one, and OpenTimelineIO loads the other, by their names.
    assert RUNTIME - distributions(ROOT / "src") == {"otio-cmx3600-adapter", "python-multipart"}


def test_versions_agree() -> None:
    assert PROJECT["project"]["version"] == videlicet.__version__


@pytest.mark.parametrize("name", ["build", "runtime", "dev", "bench"])
def test_every_pin_has_a_hash_and_names_no_registry(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    assert "://" not in text
    pins = re.findall(r"^([a-z0-9._-]+)==\S+.*\\\n    --hash=sha256:", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE))
    assert "opencv-python" not in pins
    wanted = RUNTIME if name == "runtime" else GROUPS[name]
    assert wanted - set(pins) == set()


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, videlicet, videlicet.cli.app\n"
        "heavy = {'numpy', 'av', 'onnxruntime', 'sqlalchemy', 'cv2', 'dbos', 'PIL', 'onnx',"
        " 'pytrec_eval', 'faster_whisper', 'rapidocr', 'tokenizers', 'httpx'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
