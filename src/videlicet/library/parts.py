"""What the verbs need of the library that they are part of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from videlicet.rights import IndexScope, Purpose, Scope
    from videlicet.services.caller import Caller
    from videlicet.settings import Settings
    from videlicet.store import Store


class LibraryParts(ABC):
    """Wired by ``Library``."""

    settings: Settings

    @abstractmethod
    def _scope(self, purpose: Purpose) -> Scope:
        """What the library reaches for a purpose."""

    @abstractmethod
    def _index_scope(self, purpose: Purpose, index: str) -> IndexScope:
        """What the library reaches of an index, by name or id."""

    @abstractmethod
    def _read(self) -> Store:
        """The store, for reading at least."""

    @abstractmethod
    def _write(self) -> Store:
        """The store, for writing."""

    @abstractmethod
    def _caller(self, store: Store | None = None) -> Caller:
        """On whose behalf services work: on a store, or on the one that is read."""
