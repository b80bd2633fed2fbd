"""What the verbs need of the library that they are part of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from videlicet.rights import Grant, Purpose
    from videlicet.search.engine import Searcher
    from videlicet.settings import Settings
    from videlicet.store import Store
    from videlicet.types import Index


class Verbs(ABC):
    """Wired by ``Library``."""

    settings: Settings

    @abstractmethod
    def _grant(self, purpose: Purpose) -> Grant: ...

    @abstractmethod
    def _read(self) -> Store:
        """The store, for reading at least."""

    @abstractmethod
    def _write(self) -> Store:
        """The store, for writing."""

    @abstractmethod
    def _searcher(self, index: Index) -> Searcher: ...
