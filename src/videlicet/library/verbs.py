"""What the verbs need of the library that they are part of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from videlicet.rights import Grant, Purpose
    from videlicet.search.engine import Searcher
    from videlicet.settings import Settings
    from videlicet.store import Store
    from videlicet.types import Index


class Verbs:
    """Wired by ``Library``."""

    settings: Settings

    def _grant(self, purpose: Purpose) -> Grant:
        raise NotImplementedError

    def _read(self) -> Store:
        """The store, for reading at least."""
        raise NotImplementedError

    def _write(self) -> Store:
        """The store, for writing."""
        raise NotImplementedError

    def _searcher(self, index: Index) -> Searcher:
        raise NotImplementedError
