"""The kinds of observation: those of this package, one a file, and those of installed packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from videlicet.errors import PluginError
from videlicet.registry import Registry
from videlicet.types.kinds.base import Method, ObservationKind, TextLane
from videlicet.types.kinds.embedding import EMBEDDING
from videlicet.types.kinds.label import LABEL
from videlicet.types.kinds.levels import LEVELS
from videlicet.types.kinds.screen_text import SCREEN_TEXT
from videlicet.types.kinds.shot import SHOT
from videlicet.types.kinds.utterance import UTTERANCE
from videlicet.types.modality import Modality

__all__ = [
    "KINDS",
    "Method",
    "ObservationKind",
    "TextLane",
    "all_kinds",
    "kind_of",
    "modality_phrase",
    "payload_from_json",
    "payload_to_json",
    "searchable",
]

#: By the name under which their payloads are stored.
KINDS: Registry[ObservationKind[Any]] = Registry(
    "videlicet.observations",
    "kind of observation",
    is_valid=lambda entry: isinstance(entry, ObservationKind),
)
_OWN: dict[type, ObservationKind[Any]] = {}
_OWN_BY_NAME: dict[str, ObservationKind[Any]] = {}
for _kind in (UTTERANCE, SCREEN_TEXT, LABEL, SHOT, LEVELS, EMBEDDING):
    KINDS.add(_kind.name, _kind)
    _OWN[_kind.payload] = _kind
    _OWN_BY_NAME[_kind.name] = _kind


def all_kinds() -> list[ObservationKind[Any]]:
    """Every kind.

    Raises:
        PluginError: ``plugin_invalid``.
    """
    return [KINDS.get(name) for name in KINDS.names()]


def kind_of(payload: object) -> ObservationKind[Any]:
    """The kind of a payload; ``TypeError`` for what is none."""
    if (own := _OWN.get(type(payload))) is not None:
        return own
    for kind in all_kinds():
        if kind.payload is type(payload):
            return kind
    raise TypeError(f"no kind of observation has a {type(payload).__name__}")


def searchable() -> list[Modality]:
    """The modalities that a search can be limited to: those of kinds whose texts are searched,
    and those of vectors."""
    named = [kind.modality for kind in all_kinds() if kind.modality and kind.lanes]
    return list(dict.fromkeys([Modality.VISUAL, *named, Modality.SOUND]))


def modality_phrase(modality: Modality) -> str:
    """How what was observed through a modality is introduced: ``said``, ``on screen``, ``seen``, or
    the modality's name."""
    kinds = [*_OWN.values()]
    if all(kind.modality != modality for kind in kinds):
        kinds = all_kinds()
    phrases = [kind.phrase for kind in kinds if kind.modality == modality and kind.phrase]
    return phrases[0] if phrases else str(modality)


def payload_to_json(payload: object) -> dict[str, Any]:
    """A payload as JSON-ready data; :func:`payload_from_json` gives back an equal one."""
    kind = kind_of(payload)
    return {"kind": kind.name, **kind.to_json(payload)}


def payload_from_json(row: Mapping[str, Any]) -> Any:
    """The payload that :func:`payload_to_json` described.

    Raises:
        PluginError: ``plugin_missing``, its kind is of a package that is not installed any more.
    """
    name = row["kind"]
    kind = _OWN_BY_NAME.get(name)
    if kind is None:
        if name not in KINDS.names():
            raise PluginError(
                "plugin_missing",
                f"Observations of the kind {name!r} cannot be read: no installed package adds it.",
                subject=name,
            )
        kind = KINDS.get(name)
    return kind.from_json(row)
