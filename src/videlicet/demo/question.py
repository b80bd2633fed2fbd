"""What is asked in a demo, and where the answer is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from videlicet.types import Span


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of one file (its name in the library), from the recording's start."""

    file: str
    span: Span


@dataclass(frozen=True, slots=True)
class DemoQuestion:
    """What to search with (the arguments of :meth:`videlicet.Library.search`), what that is called
    for people, and the places any of which is a right answer."""

    kind: str
    label: str
    arguments: Mapping[str, Any]
    expected: tuple[Place, ...]
