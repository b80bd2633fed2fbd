"""One subtitle, whatever the form it is written in."""

from __future__ import annotations

from dataclasses import dataclass

from videlicet.types import Box, Span


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle. ``span`` counts from the file's start, in whole milliseconds.

    ``opens`` tells that another speaker than before begins to speak. ``box`` is where in the
    picture the words stand, if it is a matter of words on the screen.
    """

    span: Span
    lines: tuple[str, ...]
    language: str | None = None
    speaker: str | None = None
    opens: bool = False
    box: Box | None = None
