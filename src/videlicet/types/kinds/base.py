"""What a kind of observation is: one record that everything else goes through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from videlicet.types.calibration import Calibration
from videlicet.types.kinds.words import Box, Utterance
from videlicet.types.modality import Modality, register
from videlicet.types.query import PartKind

P = TypeVar("P")


class Method(StrEnum):
    """How a search lane finds its candidates."""

    SEMANTIC = "semantic"
    WORDS = "words"
    SUBSTRING = "substring"
    PHRASE = "phrase"


WORDS = frozenset({PartKind.TEXT})


@dataclass(frozen=True, slots=True)
class TextLane:
    """One way to search the texts of a kind. A semantic lane has the calibration of the text
    encoder; the others have one of their own."""

    name: str
    method: Method
    calibration: Calibration | None = None
    queries: frozenset[PartKind] = WORDS


def _nothing(payload: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class ObservationKind(Generic[P]):
    """Everything that is particular to one kind of observation.

    ``to_json`` and ``from_json`` are its stored form, which must not hold the key ``kind``.
    ``identity`` tells payloads of one stretch apart; None where there can be only one.
    """

    name: str
    payload: type[P]
    to_json: Callable[[P], dict[str, Any]]
    from_json: Callable[[Mapping[str, Any]], P]
    identity: Callable[[P], str | None]
    #: The observation in a few words, for a table that people read.
    describe: Callable[[P], str]
    #: The modality of its observations; None for a kind that several have.
    modality: Modality | None = None
    #: How its observations are introduced where they are quoted, as ``on screen``; without it by
    #: the name of the modality.
    phrase: str = ""
    #: The words in it: what is searched, and what answers may cite.
    text: Callable[[P], str | None] = _nothing
    confidence: Callable[[P], float | None] = _nothing
    #: Its words as somebody says them, with language, speaker and times: subtitles follow them.
    speech: Callable[[P], Utterance | None] = _nothing
    #: Where its words stand in the picture.
    box: Callable[[P], Box | None] = _nothing
    #: How its texts are searched; without a lane they are not.
    lanes: tuple[TextLane, ...] = ()
    #: The wider search option that includes its modality: ``visual``, ``audio`` or
    #: ``transcription``. Without one, a search names the modality itself.
    search_option: str = ""

    def __post_init__(self) -> None:
        if self.modality is not None:
            register(self.modality)
