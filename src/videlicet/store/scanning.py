"""Look for bytes in the files of a data directory: the proof that something is gone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from videlicet.store.records import Sighting

_BLOCK = 16 * 1024 * 1024


def sightings(root: Path, needles: Sequence[bytes]) -> list[Sighting]:
    """Every place where a needle stands in a file under ``root``, logs and leftovers included.

    Raises:
        ValueError: an empty needle.
    """
    if not all(needles):
        raise ValueError("a needle must not be empty")
    found: list[Sighting] = []
    reach = max(map(len, needles), default=1) - 1
    for path in sorted(root.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        name = str(path.relative_to(root))
        with path.open("rb") as file:
            start, tail = 0, b""
            while block := file.read(_BLOCK):
                # Blocks overlap by what a needle may stick out.
                window = tail + block
                for needle in needles:
                    at = window.find(needle)
                    while at >= 0:
                        if at + len(needle) > len(tail):
                            found.append(Sighting(needle, name, start - len(tail) + at))
                        at = window.find(needle, at + 1)
                start += len(block)
                tail = window[-reach:] if reach else b""
    return found
