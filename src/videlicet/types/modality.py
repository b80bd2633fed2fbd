"""Through which sense something is observed."""

from __future__ import annotations

import re
from typing import ClassVar

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


class Modality(str):
    """A sense or kind of information. The names are open: besides these, an observation kind of an
    installed package may have one of its own. There is one object for each name of a registered
    kind; other names are not remembered, for callers may send any number of them."""

    __slots__ = ()

    SHOT: ClassVar[Modality]
    VISUAL: ClassVar[Modality]
    SPEECH: ClassVar[Modality]
    TEXT: ClassVar[Modality]
    SOUND: ClassVar[Modality]

    def __new__(cls, name: str) -> Modality:
        found = _KNOWN.get(name)
        if found is None:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a modality")
            found = super().__new__(cls, name)
        return found

    def __repr__(self) -> str:
        return f"Modality({str(self)!r})"

    @property
    def value(self) -> str:
        return str(self)


_KNOWN: dict[str, Modality] = {}


def register(modality: Modality) -> None:
    """Make this the one object of its name."""
    _KNOWN.setdefault(str(modality), modality)


for _name in ("shot", "visual", "speech", "text", "sound"):
    register(Modality(_name))
    setattr(Modality, _name.upper(), Modality(_name))
