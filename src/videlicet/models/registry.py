"""Models by card, loaded once per process.

Nothing is fetched here: what is not on the machine is a ``weights_missing`` error that says which
command brings it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.errors import InvalidInput, ModelError
from videlicet.models.architectures import ARCHITECTURES
from videlicet.models.base import ModelCard
from videlicet.models.cards import card, default_cards, with_needs
from videlicet.models.weights import missing_files

if TYPE_CHECKING:
    from videlicet.settings import Settings

_loaded: dict[tuple[str, Path], Any] = {}
_lock = threading.RLock()


def load(name: str, settings: Settings) -> Any:
    """The model of a card (by id) or of a role's default card.

    Asking again gives the same object. It meets the protocol of its role in
    :mod:`videlicet.models.base`.

    Raises:
        NotFound: ``model_not_found``.
        InvalidInput: ``invalid_argument``, the card is not for this kind of use.
        PluginError: ``plugin_invalid``.
        ModelError: ``weights_missing``, ``weights_checksum_mismatch`` or ``model_failed``.
    """
    chosen = card(default_cards().get(name, name))
    key = (chosen.id, settings.weights)
    with _lock:
        if key not in _loaded:
            require(settings, [chosen])
            if chosen.architecture is None:
                raise InvalidInput(
                    "invalid_argument",
                    f"The model {chosen.id!r} is for {chosen.role}; no index can use it.",
                    subject=chosen.id,
                )
            build = ARCHITECTURES.get(chosen.architecture)
            _loaded[key] = build(chosen, settings, partial(load, settings=settings))
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
