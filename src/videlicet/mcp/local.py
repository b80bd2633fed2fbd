"""One's own data directory, or a shared store, as the command line uses it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from videlicet.errors import Conflict, from_json
from videlicet.mcp.background_indexing import BackgroundIndexing
from videlicet.mcp.context import AddedSource
from videlicet.rights import Grant, Purpose

if TYPE_CHECKING:
    from videlicet.services.caller import Caller
    from videlicet.settings import Settings

_PRINCIPAL = "mcp"


class LocalContext:
    """The one caller of this process. The store is opened when it is first needed; only adding
    takes the writer's lock, and only until what was added is taken in."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._caller: Caller | None = None
        self._work = BackgroundIndexing(settings)

    def close(self) -> None:
        """Let go of the store. What is not taken in yet goes on when something writes again."""
        self._work.close()
        with self._lock:
            if self._caller is not None:
                self._caller.store.close()
                self._caller = None

    @property
    def caller(self) -> Caller:
        from videlicet.services.caller import Caller
        from videlicet.services.platform import Platform
        from videlicet.store import open_store

        with self._lock:
            if self._caller is None:
                platform = Platform(self.settings, open_store(self.settings))
                self._caller = Caller(platform, Grant(_PRINCIPAL, Purpose.MANAGE))
            return self._caller

    def require_access(self, access: str) -> None:
        """Whoever may start this process may do everything."""

    def add_source(self, index: str | None, source: str) -> AddedSource:
        from videlicet.media.sources import find_sources

        found = find_sources([source])
        refused = [(one.name, one.error.to_json()) for one in found if one.error is not None]
        if len(refused) == len(found):
            raise from_json(refused[0][1])
        try:
            target, tasks = self._work.add(index, found)
        except Conflict as error:
            if error.code != "database_locked":
                raise
            raise Conflict(
                error.code, error.message, subject=error.subject, details=error.details,
                remedy="Where that process is `videlicet serve`, add through its own interface "
                "(/mcp, or the HTTP API); else wait for it to finish, or use another --home.",
            ) from error  # fmt: skip
        return AddedSource(target, tasks, refused)
