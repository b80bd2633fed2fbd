"""On whose behalf a tool is called, and over which store. What differs between one's own data
directory and a server with many users is behind :class:`ToolContext`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from videlicet.errors import Conflict, InvalidInput, NotFound
from videlicet.rights import Purpose, Scope
from videlicet.types import AssetStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from videlicet.services.caller import Caller
    from videlicet.settings import Settings
    from videlicet.store.catalog import Catalog
    from videlicet.types import Index, Task, Video

#: What a tool must be allowed to.
READ, WRITE = "read", "write"
#: The index that is made where there is none yet, and meant where none of several is named.
DEFAULT_INDEX = "default"


@dataclass(frozen=True, slots=True)
class AddedSource:
    """What became of one source: its tasks, and what in it cannot be read."""

    index: Index
    tasks: Sequence[Task]
    refused: Sequence[tuple[str, Mapping[str, Any]]] = ()


class ToolContext(Protocol):
    """One caller. Its methods may be called from any thread."""

    @property
    def caller(self) -> Caller:
        """On whose behalf services work. Raises :class:`StoreError`, such as
        ``store_not_found``."""

    def require_access(self, access: str) -> None:
        """Refuse a caller who may not read, or write.

        Raises:
            NotPermitted: ``scope_not_permitted``.
        """

    def add_source(self, index: str | None, source: str) -> AddedSource:
        """Begin to take in a source, and return at once.

        Raises:
            VidelicetError: nothing of it can be taken in.
        """


def index_of(context: ToolContext, name: str | None) -> Index:
    """The index of this id or name, or the one that is meant where none is named.

    Raises:
        NotFound: ``index_not_found``.
        InvalidInput: ``invalid_argument``, where there are several.
    """
    scope = context.caller.scope(Purpose.MANAGE)
    if name is not None:
        return context.caller.catalog.index(scope, name)
    found = _meant(context.caller.catalog.indexes(scope))
    if found is None:
        raise NotFound("index_not_found", "There is no index yet.", remedy="Add a video first.")
    return found


def index_to_fill(catalog: Catalog, scope: Scope, settings: Settings, name: str | None) -> Index:
    """Like :func:`index_of`; where there is no index at all one is made. ``scope`` is for
    indexing, and ``catalog`` is open for writing."""
    from videlicet.models.cards import chosen_cards

    if name is not None and name != DEFAULT_INDEX:
        return catalog.index(scope, name)
    there = catalog.indexes(scope)
    if name is None and there:
        found = _meant(there)
        assert found is not None
        return found
    try:
        return catalog.create_index(scope, DEFAULT_INDEX, chosen_cards(settings.models))
    except Conflict:
        return catalog.index(scope, DEFAULT_INDEX)


def video_of(context: ToolContext, video_id: str, index: str | None) -> tuple[Index, Video]:
    """A recording of which at least the length is known, and the index that it is in. The id may
    be that of its asset, too.

    Raises:
        NotFound: ``asset_not_found`` or ``index_not_found``.
    """
    caller = context.caller
    scope, catalog = caller.scope(Purpose.ANALYZE), caller.catalog
    among = catalog.indexes(scope) if index is None else [catalog.index(scope, index)]
    for one in among:
        within = caller.scope(Purpose.ANALYZE, one.id)
        named = catalog.videos(within, ids=[video_id])
        video = named[0] if named else catalog.video_of(within, video_id)
        if video is not None and video.asset.status is AssetStatus.READY:
            return one, video
    raise NotFound("asset_not_found", f"There is no asset {video_id!r}.", subject=video_id)


def _meant(indexes: Sequence[Index]) -> Index | None:
    if len(indexes) <= 1:
        return indexes[0] if indexes else None
    for index in indexes:
        if index.name == DEFAULT_INDEX:
            return index
    names = ", ".join(index.name for index in indexes[:20])
    raise InvalidInput(
        "invalid_argument", f"index: there are several, name one of {names}.", subject="index"
    )
