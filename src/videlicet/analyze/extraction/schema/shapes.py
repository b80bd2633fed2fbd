"""What a schema comes to: for each place the forms its value may have, all references resolved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Null:
    """null."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean."""

    choices: tuple[bool, ...] = (False, True)


@dataclass(frozen=True, slots=True)
class Text:
    """A string. ``choices`` are all it may be, where they are known; ``clock`` is the form of a
    time in the video that it stands for: ``hh:mm:ss`` or ``hh:mm:ss.fff``."""

    shortest: int = 0
    longest: int | None = None
    patterns: tuple[str, ...] = ()
    format: str | None = None
    choices: tuple[str, ...] | None = None
    clock: str | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number between bounds (an open one is not itself allowed), a multiple of each step.
    ``clock`` marks seconds of the video."""

    low: Fraction | None = None
    high: Fraction | None = None
    low_open: bool = False
    high_open: bool = False
    steps: tuple[Fraction, ...] = ()
    whole: bool = False
    choices: tuple[int | float, ...] | None = None
    clock: bool = False


@dataclass(frozen=True, slots=True)
class Fixed:
    """One of some arrays or objects that are written out in the schema."""

    choices: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """``first`` are the nodes of the first items, ``rest`` that of all others; without it there
    are no others."""

    first: tuple[Node, ...]
    rest: Node | None
    fewest: int
    most: int | None
    distinct: bool


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    node: Node
    required: bool


@dataclass(frozen=True, slots=True)
class Record:
    """An object with the fields that can be filled, in the order of the schema."""

    fields: tuple[Field, ...]


Form: TypeAlias = Null | Flag | Text | Number | Fixed | Array | Record


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One place of the value. ``empty`` is a valid value that says nothing; ``valid`` tells whether
    a value is allowed here, by the schema as it was given."""

    pointer: str
    title: str
    description: str
    forms: tuple[Form, ...]
    valid: Callable[[Any], bool]
    empty: Any = field(default=None)

    @property
    def nullable(self) -> bool:
        return any(isinstance(form, Null) for form in self.forms)
