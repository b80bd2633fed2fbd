"""What all services share: settings, a store, query encoders and searchers."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from videlicet.models.registry import load as load_model
from videlicet.search.encode import Encoders
from videlicet.search.engine import Searcher

if TYPE_CHECKING:
    from videlicet.settings import Settings
    from videlicet.store import Store
    from videlicet.types import Index


class Waker(Protocol):
    """Has background work begin at once."""

    def wake(self) -> None:
        """Say that the store holds new work."""


class NoWorkers:
    """Where no worker process belongs to this one: whoever works on the store finds it itself."""

    def wake(self) -> None:
        return


class Platform:
    """One open store and what is loaded to search it. Its methods may be called from any thread.

    It owns neither: whoever opened the store and started the workers also ends them.
    """

    def __init__(self, settings: Settings, store: Store, work: Waker | None = None) -> None:
        self.settings = settings
        self.store = store
        self.work = work or NoWorkers()
        self._encoders: dict[tuple[tuple[str, str], ...], Encoders] = {}
        self._lock = threading.Lock()

    def encoders(self, cards: Mapping[str, str]) -> Encoders:
        """The query encoders of a set of model cards; models load when first needed."""
        key = tuple(sorted(cards.items()))
        with self._lock:
            if key not in self._encoders:
                chosen = dict(cards)
                self._encoders[key] = Encoders(lambda role: load_model(chosen[role], self.settings))
            return self._encoders[key]

    def searcher(self, index: Index) -> Searcher:
        """The searcher of an index."""
        return Searcher(self.store, self.encoders(index.cards), self.settings)
