"""One's own data directory, or a shared store, as the command line uses it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from videlicet.errors import Conflict, from_json
from videlicet.mcp.background_indexing import BackgroundIndexing
from videlicet.mcp.context import AddedSource, VideoSummary
from videlicet.mcp.presentation import name_of
from videlicet.rights import Grant, Purpose
from videlicet.types import IndexedAsset, Kind, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from videlicet.services.caller import Caller
    from videlicet.settings import Settings
    from videlicet.types import Index, Task

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

    def list_videos(self, index: Index, offset: int, limit: int) -> tuple[list[VideoSummary], int]:
        catalog = self.caller.catalog
        scope = self.caller.scope(Purpose.MANAGE, index.id)
        held = catalog.list_indexed(scope)[::-1]
        rows: list[Task | IndexedAsset] = [
            *_others(catalog.tasks(scope), {entry.asset_id for entry in held}),
            *held,
        ]
        return [self._listed(row) for row in rows[offset : offset + limit]], len(rows)

    def _listed(self, row: Task | IndexedAsset) -> VideoSummary:
        from videlicet.ingest.videos import video_id_of

        catalog, scope = self.caller.catalog, self.caller.manage
        if isinstance(row, IndexedAsset):
            asset = catalog.asset(scope, row.asset_id)
            return VideoSummary(
                asset.id, asset.name, row.status.value, float(asset.media.span.duration),
                row.created_at,
            )  # fmt: skip
        id = video_id_of(row.source)
        name = name_of(row)
        if id is not None:
            found, _ = catalog.find_resources(scope, Kind.VIDEO, ids=[id])
            name = found[0].name if found else ""
        return VideoSummary(id, name, row.status.value, row.total_s, row.created_at, row.error)

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


def _others(tasks: Iterable[Task], held: set[str]) -> list[Task]:
    """The newest task of each source that the index does not hold (yet): waiting, or failed."""
    from videlicet.ingest.videos import video_id_of

    found: dict[str, Task] = {}
    for task in tasks:
        id = video_id_of(task.source) or task.asset_id
        if task.source not in found and id not in held:
            found[task.source] = task
    return [task for task in found.values() if task.status is not Status.READY]
