"""Packages as pip installs them, with an entry point."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from videlicet.registry import Registry


@contextmanager
def installed(
    folder: Path, registry: Registry[Any], name: str, code: str, attribute: str
) -> Iterator[None]:
    """``registry`` finds a package whose entry point ``name`` is ``attribute`` of ``code``."""
    module = "added_" + name.replace(".", "_").replace("-", "_")
    (folder / f"{module}.py").write_text(code)
    info = folder / f"{module}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.2\n")
    line = f"[{registry.group}]\n{name} = {module}:{attribute}\n"
    (info / "entry_points.txt").write_text(line)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setattr(registry, "_points", None)
        patch.setattr(registry, "_loaded", dict(registry._loaded))
        yield
