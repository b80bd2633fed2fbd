"""The façade: adding, searching, looking, changing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet.errors import InvalidInput, MediaError, NotFound, StoreError, from_json
from videlicet.library.analysis import DEFAULT_INDEX, AnalysisMethods
from videlicet.library.classification import ClassificationMethods
from videlicet.library.empty import EmptyStore
from videlicet.library.saved_searches import SavedSearchMethods
from videlicet.rights import Grant, Purpose
from videlicet.search.compose import Media, build_query
from videlicet.types import (
    Asset,
    GroupBy,
    Hit,
    Index,
    Instant,
    MetadataValue,
    Modality,
    Observation,
    Query,
    SearchPage,
    Span,
    Status,
    Task,
    Video,
)

if TYPE_CHECKING:
    from videlicet.ingest import Progress
    from videlicet.rights import IndexScope, Scope
    from videlicet.services.caller import Caller
    from videlicet.services.platform import Platform
    from videlicet.settings import Settings
    from videlicet.store import Finding, Store


@dataclass(frozen=True, slots=True)
class Added:
    """What became of the sources given to :meth:`Library.add`: the last news of each."""

    sources: tuple[Progress, ...]

    @property
    def ready(self) -> tuple[Progress, ...]:
        return tuple(source for source in self.sources if source.status is Status.READY)

    @property
    def failed(self) -> tuple[Progress, ...]:
        return tuple(source for source in self.sources if source.status is not Status.READY)


class Library(SavedSearchMethods, AnalysisMethods, ClassificationMethods):
    """One data directory: indexes of videos, and every question asked of them.

    Open it with :func:`open`. Reading never locks; the first write takes the directory's writer
    lock and keeps it until :meth:`close`. Use it as a context manager.
    """

    def __init__(self, settings: Settings, principal: str = "local") -> None:
        self.settings = settings
        self._principal = principal
        self._reader: Store | None = None
        self._writer: Store | None = None
        self._empty: EmptyStore | None = None
        self._platform: Platform | None = None

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the data directory. The library may be used again afterwards."""
        for store in (self._writer, self._reader, self._empty):
            if store is not None:
                store.close()
        self._writer = self._reader = self._empty = None
        self._platform = None

    # -- adding ---------------------------------------------------------------------------------

    def add(self, *sources: str | os.PathLike[str], index: str = DEFAULT_INDEX) -> Added:
        """Index files, folders (with everything in them), globs and http(s) addresses.

        Blocks until all of them are searchable or have failed. One bad file never stops the
        others: it is among ``failed``. Adding the same bytes twice changes nothing.

        Raises:
            VidelicetError: nothing at all could be added; it is the first source's error.
        """
        latest = {event.task_id: event for event in self.ingest(*sources, index=index)}
        added = Added(tuple(latest.values()))
        if not added.ready:
            raise next(
                (from_json(source.error) for source in added.failed if source.error is not None),
                InvalidInput("nothing_to_add", "None of the sources holds a video or a sound."),
            )
        return added

    def ingest(
        self, *sources: str | os.PathLike[str], index: str = DEFAULT_INDEX
    ) -> Iterator[Progress]:
        """Like :meth:`add`, yielding progress while the work is done. Closing the iterator early
        stops the work; what was finished stays, and the rest goes on with the next ``add``."""
        from videlicet.ingest import ingest
        from videlicet.media.sources import find_sources

        if not sources:
            raise InvalidInput("nothing_to_add", "No source was given.")
        found = find_sources([os.fspath(source) for source in sources])
        store = self._write()
        target = self._ensure_index(store, index)
        yield from ingest(self._scope(Purpose.INGEST), store, self.settings, target, found)

    # -- searching ------------------------------------------------------------------------------

    def search(
        self,
        query: str | Query | None = None,
        *,
        image: Media | None = None,
        audio: Media | None = None,
        video: Media | None = None,
        negative: str | Sequence[str] = (),
        modalities: Iterable[Modality | str] = (),
        filter: Mapping[str, Any] | None = None,
        assets: Sequence[str] | None = None,
        threshold: float | None = None,
        group_by: GroupBy | str = GroupBy.MOMENT,
        limit: int = 10,
        page: str | None = None,
        index: str = DEFAULT_INDEX,
    ) -> SearchPage:
        """Find moments by words, a picture, a sound, a clip, or several together.

        Words in quotation marks must occur exactly, in speech or on screen. ``negative`` pushes
        moments down that match it. A :class:`Query` gives full control (weights, many parts); the
        other arguments are then ignored, except ``index``.

        Raises:
            InvalidQuery: see :meth:`videlicet.search.engine.Searcher.search`.
        """
        if not isinstance(query, Query):
            query = build_query(
                query, image, audio, video, negative, modalities, filter, assets, threshold,
                group_by, limit, page,
            )  # fmt: skip
        if index == DEFAULT_INDEX and not self._read().catalog.indexes(self._scope(Purpose.SEARCH)):
            return SearchPage((), 0, None, ())
        scope = self._index_scope(Purpose.SEARCH, index)
        return self._caller().platform.searcher(scope.index).search(scope, query)

    # -- looking --------------------------------------------------------------------------------

    def indexes(self) -> list[Index]:
        return self._read().catalog.indexes(self._scope(Purpose.MANAGE))

    def index(self, name: str = DEFAULT_INDEX) -> Index:
        return self._read().catalog.index(self._scope(Purpose.MANAGE), name)

    def assets(
        self, index: str | None = None, *, filter: Mapping[str, Any] | None = None,
        offset: int = 0, limit: int | None = None,
    ) -> list[Asset]:  # fmt: skip
        """The assets of an index (of all, without one), oldest first: those of which the length is
        known."""
        known: dict[str, Any] = {"duration": {"exists": True}}
        among = None
        if index is None:
            among = {id for one in self.indexes() for id in self._members(one)}
        return self._read().catalog.assets(
            self._read().scope(self._grant(Purpose.MANAGE), index),
            filter={"and": [known, filter]} if filter else known, among=among, offset=offset,
            limit=limit,
        )  # fmt: skip

    def _members(self, index: Index) -> list[str]:
        return self._read().catalog.members(self._index_scope(Purpose.MANAGE, index.id))

    def asset(self, asset_id: str) -> Asset:
        """An asset by its id; the id of one of its videos, as HTTP clients know them, is good
        too."""
        catalog, scope = self._read().catalog, self._scope(Purpose.MANAGE)
        try:
            return catalog.asset(scope, asset_id)
        except NotFound:
            named = catalog.videos(scope, ids=[asset_id])
            if not named:
                raise
            return named[0].asset

    def videos(self, index: str | None = None) -> list[Video]:
        """The videos of an index (of all, without one): each asset in each index, oldest first."""
        scope = self._read().scope(self._grant(Purpose.MANAGE), index)
        named = {one.id for one in self.indexes()}
        found = self._read().catalog.videos(scope)
        return [video for video in found if video.index_id in named]

    def observations(
        self,
        asset_id: str,
        modality: Modality | str | None = None,
        *,
        within: Span | None = None,
        index: str = DEFAULT_INDEX,
    ) -> list[Observation]:
        """What the models say about an asset, in the order of time."""
        from videlicet.search.compose import modality_named

        scope = self._index_scope(Purpose.ANALYZE, index)
        kind = None if modality is None else modality_named(modality)
        return self._read().catalog.observations(scope, asset_id, kind, within)

    def thumbnail(self, of: Hit | Asset, *, width: int = 320) -> bytes:
        """A thumbnail (JPEG) of a hit or an asset, ``width`` pixels wide.

        Raises:
            MediaError: ``source_missing``, if the original is no longer there;
                ``media_no_stream``, if it is a sound recording.
        """
        from videlicet.media.cut import thumbnail

        asset = of if isinstance(of, Asset) else self.asset(of.asset_id)
        return thumbnail(self.original(asset), _frame_of(of), width, self.settings)

    def clip(self, hit: Hit, out: str | os.PathLike[str]) -> Path:
        """Cut a hit's span out of the original, to the frame, as an MP4 without metadata."""
        from videlicet.media.cut import cut_clip

        path = Path(out)
        cut_clip(self.original(self.asset(hit.asset_id)), hit.span, path, self.settings)
        return path

    def original(self, asset: Asset) -> Path:
        """Where an asset's own bytes are.

        Raises:
            MediaError: ``source_missing``, if the file is no longer there.
        """
        from videlicet.store.files import path_of_asset

        try:
            return path_of_asset(self._scope(Purpose.SEARCH), self._read(), asset)
        except MediaError as error:
            message = f"The original of {asset.name} is gone from {asset.source}."
            raise MediaError(error.code, message, subject=asset.id) from None

    # -- changing -------------------------------------------------------------------------------

    def create_index(
        self, name: str, models: Mapping[str, str | Sequence[str]] | None = None
    ) -> Index:
        """A new index. ``models`` names the model card, or several, of each role where they differ
        from the default."""
        from videlicet.models.cards import chosen_cards, with_models

        cards = with_models(chosen_cards(self.settings.models), models or {})
        return self._write().catalog.create_index(self._scope(Purpose.INDEX), name, cards)

    def delete_index(self, name: str) -> None:
        """Delete an index with everything derived from its assets."""
        from videlicet.services import indexes

        caller = self._caller(self._change())
        indexes.delete_index(caller, self._index_scope(Purpose.MANAGE, name).index_id)

    def remove(self, asset_id: str, *, index: str | None = None) -> None:
        """Delete an asset with everything that is known of it and derived from it; with ``index``
        only what is in that index, and the asset itself if it was added to indexes only and is in
        no other.

        The original file of an asset that was added by path is never touched.
        """
        from videlicet.services import assets, indexing

        caller = self._caller(self._change())
        if index is None:
            assets.delete_asset(caller, asset_id, force=True)
            return
        scope = self._index_scope(Purpose.MANAGE, index)
        video = caller.catalog.video_of(scope, asset_id)
        if video is None:
            raise NotFound(
                "asset_not_found", f"Index {index!r} holds no asset {asset_id}.", subject=asset_id
            )
        indexing.delete_video(caller, video)

    def set_metadata(self, asset_id: str, metadata: Mapping[str, MetadataValue | None]) -> Asset:
        """Set values to filter by, of an asset and of its videos in all indexes; ``None`` removes a
        key."""
        store = self._change()
        scope = self._scope(Purpose.MANAGE)
        store.catalog.set_metadata(scope, asset_id, metadata)
        return store.catalog.asset(scope, asset_id)

    # -- work and health ------------------------------------------------------------------------

    def tasks(self, index: str | None = None) -> list[Task]:
        """Every task, newest first."""
        return self._read().catalog.tasks(self._read().scope(self._grant(Purpose.MANAGE), index))

    def cancel(self, task_id: str) -> Task:
        """Ask a queued or running task to stop, whichever process runs it."""
        from videlicet.ingest import cancel

        return cancel(self._scope(Purpose.MANAGE), self._read(), self.settings, task_id)

    def retry(self, *task_ids: str) -> Iterator[Progress]:
        """Run failed or cancelled tasks again (all of them, where none is named)."""
        from videlicet.ingest import retry

        store = self._change()
        yield from retry(self._scope(Purpose.INGEST), store, self.settings, task_ids)

    def doctor(self, *, fix: bool = False) -> list[Finding]:
        """What is wrong with the data directory and the weights, and how to fix it."""
        from videlicet.store.doctor import doctor

        self.close()
        return doctor(self.settings, fix=fix)

    # -- wiring ---------------------------------------------------------------------------------

    def _grant(self, purpose: Purpose) -> Grant:
        return Grant(self._principal, purpose)

    def _scope(self, purpose: Purpose) -> Scope:
        return self._read().scope(self._grant(purpose))

    def _index_scope(self, purpose: Purpose, index: str) -> IndexScope:
        return self._read().scope(self._grant(purpose), index)

    def _read(self) -> Store:
        """The store; an empty one as long as nothing was added."""
        if self._writer is not None:
            return self._writer
        if self._reader is None:
            from videlicet.store import open_store

            try:
                self._reader = open_store(self.settings)
            except StoreError as error:
                if error.code != "store_not_found":
                    raise
                if self._empty is None:
                    self._empty = EmptyStore(self.settings)
                return self._empty.store
            self._forget_empty()
        return self._reader

    def _write(self) -> Store:
        if self._writer is None:
            from videlicet.store import open_store

            self._writer = open_store(self.settings, write=True, create=True)
            self._forget_empty()
            if self._reader is not None:
                self._reader.close()
                self._reader = None
        return self._writer

    def _change(self) -> Store:
        """The store, to change what is there: nothing is made where there is none yet."""
        store = self._read()
        return store if self._empty is not None else self._write()

    def _forget_empty(self) -> None:
        if self._empty is not None:
            self._empty.close()
            self._empty = None
            self._platform = None

    def _ensure_index(self, store: Store, name: str) -> Index:
        scope = self._scope(Purpose.INDEX)
        existing = {index.name: index for index in store.catalog.indexes(scope)}
        if name in existing or name != DEFAULT_INDEX:
            return store.catalog.index(scope, name)
        return self.create_index(name)

    def _caller(self, store: Store | None = None) -> Caller:
        from videlicet.services.caller import Caller
        from videlicet.services.platform import Platform

        store = store or self._read()
        if self._platform is None or self._platform.store is not store:
            self._platform = Platform(self.settings, store)
        return Caller(self._platform, self._grant(Purpose.MANAGE))


def open(path: str | os.PathLike[str] | None = None, **settings: Any) -> Library:
    """The library in a data directory, made the first time something is added.

    Without ``path`` it is the one ``VIDELICET_HOME`` names, else the user's own. Keyword arguments
    override settings (see :mod:`videlicet.settings`).
    """
    from videlicet.settings import load

    return Library(load(path, **settings))


def _frame_of(of: Hit | Asset) -> Instant:
    """The instant that shows a hit (its best picture, else its middle) or an asset."""
    if isinstance(of, Asset):
        return of.media.span.start + of.media.span.duration / 10
    frames = [evidence.frame for evidence in of.evidence if evidence.frame is not None]
    return frames[0] if frames else of.span.midpoint
