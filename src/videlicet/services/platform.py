"""What all services share: settings, a store, query encoders and searchers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Protocol

from videlicet.models.registry import load as load_model
from videlicet.search.encode import Encoders
from videlicet.search.engine import Searcher, shot_cache

if TYPE_CHECKING:
    from videlicet.settings import Settings
    from videlicet.store import Store
    from videlicet.types import Index


class Waker(Protocol):
    """Has background work begin at once."""

    def notify(self) -> None:
        """Say that the store holds new work."""


class NoWorkers:
    """Where no worker process belongs to this one: whoever works on the store finds it itself."""

    def notify(self) -> None:
        return


class Platform:
    """One open store and what is loaded to search it. Its methods may be called from any thread.

    It owns neither: whoever opened the store and started the workers also ends them.
    """

    def __init__(self, settings: Settings, store: Store, work: Waker | None = None) -> None:
        self.settings = settings
        self.store = store
        self.worker_client = work or NoWorkers()
        self._shots = shot_cache()

    def encoders(self, cards: Mapping[str, str]) -> Encoders:
        """The query encoders of a set of model cards. A model loads when it is first needed, once
        in a process."""
        return Encoders(dict(cards), partial(load_model, settings=self.settings))

    def searcher(self, index: Index) -> Searcher:
        """What searches an index; all of a platform share one cache."""
        return Searcher(self.store, self.encoders(index.cards), self.settings, self._shots)
