"""What a schema comes to: for each place of a value the types it may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
    """A string. ``choices`` are all it may be, where the schema lists them; ``clock`` is the form
    of a time in the video: ``hh:mm:ss`` or ``hh:mm:ss.fff``."""

    longest: int | None = None
    pattern: str | None = None
    format: str | None = None
    choices: tuple[str, ...] | None = None
    clock: str | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number, ``whole`` where it is an integer. ``clock`` marks seconds of the video."""

    whole: bool = False
    choices: tuple[int | float, ...] | None = None
    clock: bool = False


@dataclass(frozen=True, slots=True)
class Array:
    """``fewest`` to ``most`` items of one kind, no two alike where ``distinct``."""

    items: Node
    fewest: int = 0
    most: int | None = None
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    node: Node
    required: bool


@dataclass(frozen=True, slots=True)
class Record:
    """An object with its fields in the order of the schema."""

    fields: tuple[Field, ...]


Form: TypeAlias = Null | Flag | Text | Number | Array | Record


@dataclass(frozen=True, slots=True)
class Empty:
    """The value of a place for which there is no evidence, and how many values it holds."""

    value: Any
    size: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One place of the value. ``empty`` is there where the schema lets the place say that nothing
    is known; ``valid`` tells whether a value is allowed here. ``places`` counts this place and all
    below it, each alternative by itself; ``levels`` how deep they are nested."""

    pointer: str
    title: str
    description: str
    forms: tuple[Form, ...]
    valid: Callable[[Any], bool]
    empty: Empty | None
    places: int
    levels: int

    @property
    def nullable(self) -> bool:
        return any(isinstance(form, Null) for form in self.forms)
