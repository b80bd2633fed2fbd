"""The check that ``make check`` runs over the modules of the package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "check_import_cycles.py"

LAZY = "def later():\n    from rooms.b import one\n    return one\n"
TYPING = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from rooms.b import one\n"


def check(folder: Path, **modules: str) -> tuple[int, str]:
    package = folder / "rooms"
    package.mkdir()
    for name, text in {"__init__": "", **modules}.items():
        (package / f"{name}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "rooms"],
        env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.parametrize("text", ["from rooms.b import one\n", LAZY, TYPING])
def test_a_cycle_of_any_kind_is_refused_and_shown(text: str, tmp_path: Path) -> None:
    code, said = check(
        tmp_path, a=text, b="from rooms import c\none = c\n", c="from rooms.a import __name__\n"
    )
    assert code == 1
    assert said.count("Import cycle:") == 1
    for line in ("rooms.a imports rooms.b", "rooms.b imports rooms.c", "rooms.c imports rooms.a"):
        assert line in said


def test_two_cycles_are_both_shown(tmp_path: Path) -> None:
    one = {"a": "from rooms import b\n", "b": "from rooms import a\n"}
    other = {"c": "from rooms import d\n", "d": "from rooms import c\n"}
    code, said = check(tmp_path, **one, **other, e="from rooms import a, c\n")
    assert (code, said.count("Import cycle:")) == (1, 2)


def test_modules_in_one_direction_pass(tmp_path: Path) -> None:
    code, said = check(tmp_path, a=LAZY, b="one = 1\n")
    assert (code, said) == (0, "3 modules, 0 import cycles.\n")
