"""What a library reads as long as nothing was added to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from videlicet.settings import Settings


class EmptyStore:
    """A store without anything in it, in a temporary folder: so every read of a library that does
    not exist yet answers as that of an empty one, and the data directory is not made for it."""

    def __init__(self, settings: Settings) -> None:
        import tempfile

        from videlicet.store import open_store

        self._folder = tempfile.TemporaryDirectory(prefix="videlicet-empty-")
        changes = {"home": Path(self._folder.name), "database_url": "", "object_store_url": ""}
        self.store = open_store(settings.model_copy(update=changes), write=True, create=True)

    def close(self) -> None:
        self.store.close()
        self._folder.cleanup()
