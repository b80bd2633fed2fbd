"""Models by card, loaded once per process.

Nothing is fetched here: what is not on the machine is a ``weights_missing`` error that says which
command brings it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from videlicet.errors import ModelError
from videlicet.models.base import ModelCard
from videlicet.models.cards import DOUBLES, card, default_cards, with_needs
from videlicet.models.weights import missing_files

if TYPE_CHECKING:
    from videlicet.models.base import TextEncoder
    from videlicet.settings import Settings

_loaded: dict[tuple[str, Path], Any] = {}
_lock = threading.RLock()


def load(name: str, settings: Settings) -> Any:
    """The model of a card (by id) or of a role's default card.

    Asking again gives the same object. It meets the contract of its role in
    :mod:`videlicet.models.base`.

    Raises:
        NotFound: ``model_not_found``.
        ModelError: ``weights_missing``, ``weights_checksum_mismatch`` or ``model_failed``.
    """
    chosen = card(default_cards().get(name, name))
    key = (chosen.id, settings.weights)
    with _lock:
        if key not in _loaded:
            require(settings, [chosen])
            make = _double if chosen in DOUBLES else _makers()[chosen.role]
            _loaded[key] = make(chosen, settings)
        return _loaded[key]


def missing(settings: Settings, cards: Iterable[ModelCard]) -> list[ModelCard]:
    """Those of the cards, and of the cards they need, whose files are not all on the machine."""
    return [one for one in with_needs(cards) if missing_files(settings, one)]


def require(settings: Settings, cards: Iterable[ModelCard]) -> None:
    """Check that all cards' files are there, before any work is begun.

    Raises:
        ModelError: ``weights_missing``, naming all that are.
    """
    absent = missing(settings, cards)
    if absent:
        names = ", ".join(one.id for one in absent)
        raise ModelError(
            "weights_missing",
            f"Not on this machine: {names}.",
            subject=absent[0].id,
            details={"models": [one.id for one in absent]},
        )


def _makers() -> dict[str, Callable[[ModelCard, Settings], Any]]:
    return {
        "text": _text,
        "vision": _vision,
        "reader": _reader,
        "speech": _speech,
        "sound": _sound,
    }


def _text(chosen: ModelCard, settings: Settings) -> Any:
    from videlicet.models.text import MiniLM

    return MiniLM(chosen, settings)


def _vision(chosen: ModelCard, settings: Settings) -> Any:
    from videlicet.models.vision import EfficientNetLite

    (text,) = chosen.needs
    return EfficientNetLite(chosen, settings, cast("TextEncoder", load(text, settings)))


def _reader(chosen: ModelCard, settings: Settings) -> Any:
    from videlicet.models.lettering import PaddleReader

    return PaddleReader(chosen, settings)


def _speech(chosen: ModelCard, settings: Settings) -> Any:
    from videlicet.models.hearing.speech import Whisper

    return Whisper(chosen, settings)


def _sound(chosen: ModelCard, settings: Settings) -> Any:
    from videlicet.models.hearing.sound import WhisperSound

    return WhisperSound(chosen, settings)


def _double(chosen: ModelCard, settings: Settings) -> Any:
    from videlicet.models import doubles

    kinds = {
        "text": doubles.HashedText,
        "vision": doubles.ColourVision,
        "reader": doubles.StripReader,
        "speech": doubles.ToneSpeech,
        "sound": doubles.PitchSound,
    }
    return kinds[chosen.role]()
