"""Saved searches: they run on every asset that is added to an index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from videlicet.errors import Conflict
from videlicet.library.parts import LibraryParts
from videlicet.rights import Purpose
from videlicet.search.compose import Media, build_query
from videlicet.types import GroupBy, Modality, PartKind, Query, SavedSearch, derived_id

if TYPE_CHECKING:
    from videlicet.store import Store
    from videlicet.types import Match


class SavedSearchMethods(LibraryParts):
    """The library's share of saved searches."""

    def save_search(
        self,
        name: str,
        query: str | Query | None = None,
        *,
        image: Media | None = None,
        audio: Media | None = None,
        video: Media | None = None,
        negative: str | Sequence[str] = (),
        modalities: Iterable[Modality | str] = (),
        filter: Mapping[str, Any] | None = None,
        threshold: float | None = None,
        include_existing: bool = False,
        index: str = "default",
    ) -> SavedSearch:
        """Save a search, built as in :meth:`Library.search`. It runs on each asset that becomes
        ready in ``index`` from now on. Moments that score at least ``threshold`` (0..1, 0.5 if
        none is given) are a match; webhooks are notified of it once, and :meth:`matches` lists it.

        ``include_existing`` also searches the assets that are already there: at once, or by the
        process that is writing to the library just now.

        Raises:
            InvalidQuery: see :meth:`videlicet.search.engine.Searcher.search`.
            InvalidInput: ``invalid_argument``, for an empty or unprintable name.
        """
        from videlicet.services.saved_searches import save_query

        if not isinstance(query, Query):
            query = build_query(
                query, image, audio, video, negative, modalities, filter, None, threshold,
                GroupBy.MOMENT, 1, None,
            )  # fmt: skip
        query = replace(query, asset_ids=None, group_by=GroupBy.MOMENT, page_token=None)
        has_media = any(part.kind is not PartKind.TEXT for part in query.parts)
        store = self._write() if has_media else self._read()
        target = self._index_scope(Purpose.INDEX, index).index
        saved = save_query(
            self._caller(store), target, name, query, include_existing=include_existing
        )
        self._run_now(derived_id("trial", target.id, saved.id))
        return saved

    def saved_searches(self, index: str | None = None) -> list[SavedSearch]:
        """The saved searches of an index (of all, without one), newest first."""
        from videlicet.saved_searches.records import list_saved_searches

        store, scope = self._read(), self._scope(Purpose.MANAGE)
        return list_saved_searches(
            scope, store, None if index is None else store.catalog.index(scope, index).id
        )

    def matches(self, saved_search: str | None = None, *, limit: int | None = None) -> list[Match]:
        """The matches of a saved search (by name or id), or of all, newest first.

        Raises:
            NotFound: ``resource_not_found``.
        """
        from videlicet.saved_searches.records import get_saved_search, list_matches

        store, scope = self._read(), self._scope(Purpose.MANAGE)
        saved_search_id = (
            None if saved_search is None else get_saved_search(scope, store, saved_search).id
        )
        return list_matches(scope, store, saved_search_id, limit=limit)[0]

    def delete_saved_search(self, saved_search: str) -> None:
        """Delete a saved search, by name or id, with its matches.

        Raises:
            NotFound: ``resource_not_found``.
        """
        from videlicet.saved_searches.records import get_saved_search

        scope = self._scope(Purpose.MANAGE)
        found = get_saved_search(scope, self._read(), saved_search)
        self._writer_or_reader().delete_saved_search(scope, found.id)

    def _run_now(self, run_id: str) -> None:
        """Run a new saved search here, unless another process writes: then that one does."""
        from videlicet.saved_searches.evaluator import SavedSearchEvaluator

        store = self._writer_or_reader()
        if not store.writable or store.database.shared:
            return
        evaluator = SavedSearchEvaluator(store, self.settings, lambda _: nullcontext())
        evaluator.run(self._scope(Purpose.INGEST), run_id)

    def _writer_or_reader(self) -> Store:
        with suppress(Conflict):
            return self._write()
        return self._read()
