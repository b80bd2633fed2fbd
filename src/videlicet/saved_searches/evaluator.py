"""Evaluating saved searches: each on each asset, and a match is announced once.

A pending *run* is a resource, so that it outlives any process: one for an asset that has become
ready, one for a search that was saved. It may be run any number of times, by several workers at
once: a match has an id of its own for each search and asset, and a delivery one for each match.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from videlicet.errors import NotFound, TaskError, VidelicetError
from videlicet.rights import Purpose
from videlicet.saved_searches.records import (
    ANNOUNCED,
    FAILED,
    NEW,
    PROCESSING,
    build_query,
    match_event,
    match_of,
    pending_run,
    saved_search_of,
)
from videlicet.types import Kind, Resource, VideoStatus, match_id, random_id
from videlicet.types.saved_search import hit_to_json
from videlicet.webhooks import delivery

if TYPE_CHECKING:
    from videlicet.rights import IndexScope, Scope
    from videlicet.search.encode import EncodedPart
    from videlicet.search.engine import Searcher, ShotCache
    from videlicet.settings import Settings
    from videlicet.store import Store
    from videlicet.types import Index, Video

#: How often a run is tried that fails with a retryable error, the seconds after the first attempt,
#: and the factor for each later one.
MAX_ATTEMPTS, RETRY_DELAY, BACKOFF_FACTOR = 6, 5.0, 4
#: Saved searches whose encoded queries are cached.
MAX_ENCODED = 1000

_log = logging.getLogger(__name__)


class SavedSearchEvaluator:
    """Evaluates saved searches in one process; thread-safe.

    ``exclusive`` holds a lock by name, here and among all workers.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        exclusive: Callable[[str], AbstractContextManager[Any]],
    ) -> None:
        self._store = store
        self._settings = settings
        self._exclusive = exclusive
        self._shots: ShotCache | None = None
        self._encoded: OrderedDict[str, list[EncodedPart]] = OrderedDict()

    def asset_ready(self, scope: Scope, index: Index, asset_id: str) -> None:
        """Run the saved searches of an index on an asset that has just become ready. What fails is
        left to a worker."""
        _, waiting = self._store.catalog.find_resources(
            scope, Kind.SAVED_SEARCH, parent=index.id, limit=0
        )
        if waiting:
            one = pending_run(index, asset_id, datetime.now(UTC))
            self._store.catalog.put_resource(scope, one)
            self.run(self._store.scope(scope.within(index.tenant)), one.id)

    def run(self, scope: Scope, run_id: str) -> str:
        """Do a pending run. The status: ``done``, ``failed`` or ``processing`` (to be retried), or
        ``gone``. Failures are logged and stored, never raised."""
        catalog = self._store.catalog
        try:
            one = catalog.resource(scope, Kind.SAVED_SEARCH_RUN, run_id)
        except NotFound:
            return "gone"
        if one.status != PROCESSING:
            return one.status
        try:
            within = self._store.scope(scope, one.parent)
            for query, asset_id in self._searches_and_assets(within, one):
                with suppress(NotFound):  # the asset was deleted meanwhile
                    self._evaluate(within, query, asset_id)
        except NotFound:
            pass  # the index was
        except VidelicetError as error:
            return self._retry(scope, one, error)
        except Exception as error:
            _log.exception("a saved search failed", extra={"run": one.id})
            fault = TaskError("task_failed", f"{type(error).__name__} in a saved search.")
            return self._retry(scope, one, fault)
        with suppress(NotFound):
            catalog.delete_resource(scope, Kind.SAVED_SEARCH_RUN, one.id)
        return "done"

    def _retry(self, scope: Scope, one: Resource, error: VidelicetError) -> str:
        """Schedule a failed run again, unless it has failed too often."""
        attempts = int(one.body["attempts"]) + 1
        status = PROCESSING if attempts < MAX_ATTEMPTS else FAILED
        _log.warning(
            "saved searches will be retried" if status == PROCESSING
            else "saved searches were given up",
            extra={"run": one.id, "code": error.code, "attempts": attempts},
        )  # fmt: skip
        try:
            self._store.catalog.update_resource(
                scope, Kind.SAVED_SEARCH_RUN, one.id, status=status,
                body={"attempts": attempts, "error": error.to_json()},
            )  # fmt: skip
        except NotFound:
            return "gone"
        return status

    def _searches_and_assets(
        self, scope: IndexScope, one: Resource
    ) -> Iterator[tuple[Resource, str]]:
        """The saved searches and assets of a run. An asset is new to the searches that were saved
        before it was ready; so each pair is in at least one run, whichever came first."""
        catalog = self._store.catalog
        queries, _ = catalog.find_resources(
            scope, Kind.SAVED_SEARCH, parent=scope.index_id, ascending=True
        )
        mine = [query for query in queries if query.id == one.name]
        if not mine:
            video = catalog.video_of(scope, one.name)
            if video is not None and video.status is VideoStatus.READY:
                for query in queries:
                    if _is_new(video, query):
                        yield query, video.asset_id
            return
        (query,) = mine
        for video in catalog.videos(scope, status=[VideoStatus.READY]):
            if _is_new(video, query) or query.body["include_existing"]:
                yield query, video.asset_id

    def _evaluate(self, scope: IndexScope, row: Resource, asset_id: str) -> None:
        """Run a saved search on an asset and announce a match; once, however often it is called."""
        catalog = self._store.catalog
        with self._exclusive(f"saved search {row.id}"):
            video = catalog.video_of(scope, asset_id)
            if video is None:
                return
            try:
                match = catalog.resource(scope, Kind.MATCH, match_id(row.id, asset_id))
            except NotFound:
                found = self._match(scope, row, asset_id)
                kept = None if found is None else catalog.put_match(scope, found)
                if kept is None:
                    return
                match = kept
            if match.status == ANNOUNCED:
                return
            delivery.announce(
                scope,
                self._store,
                delivery.SAVED_SEARCH_MATCHED,
                match_event(match_of(match), video.id),
                match.body["seed"],
            )
            try:
                catalog.update_resource(scope, Kind.MATCH, match.id, status=ANNOUNCED)
            except NotFound:
                # Deleted since it was found: delete its deliveries too.
                catalog.delete_match_deliveries(scope, match.id)

    def _match(self, scope: IndexScope, row: Resource, asset_id: str) -> Resource | None:
        query = saved_search_of(row)
        reading = self._store.scope(scope.narrowed(Purpose.SEARCH), scope.index_id)
        searcher = self._searcher(scope.index)
        try:
            plain = build_query(
                self._store.scope(scope.narrowed(Purpose.MANAGE)), self._store, query
            )
            encoded = self._encoded.get(row.id)
            if encoded is None:
                encoded = self._encoded[row.id] = searcher.encode_query(plain)
                while len(self._encoded) > MAX_ENCODED:
                    self._encoded.popitem(last=False)
        except VidelicetError as error:
            self._record_permanent_error(scope, row, error)
            return None
        try:
            page = searcher.search(reading, replace(plain, asset_ids=(asset_id,)), encoded)
        except NotFound:
            raise  # the asset or the index has gone
        except VidelicetError as error:
            self._record_permanent_error(scope, row, error)
            return None
        if row.body["error"] is not None:
            self._record_error(scope, row, None)
        if not page.hits:
            return None
        now = datetime.now(UTC)
        return Resource(
            id=match_id(row.id, asset_id), kind=Kind.MATCH, tenant=row.tenant, created_at=now,
            updated_at=now, status=NEW, parent=row.id, name=asset_id,
            body={
                "index_id": scope.index_id,
                "saved_search": row.name,
                "asset": page.hits[0].asset_name,
                "origin": str(self._store.catalog.asset(reading, asset_id).media.span.start),
                "moments": [hit_to_json(hit) for hit in page.hits],
                # An asset that is deleted and added again is announced again.
                "seed": random_id(),
            },
        )  # fmt: skip

    def _record_permanent_error(self, scope: Scope, row: Resource, error: VidelicetError) -> None:
        """Store an error that no retry would fix, so that the other searches go on. A retryable
        one is raised."""
        if error.retryable:
            raise error
        self._record_error(scope, row, error)

    def _record_error(self, scope: Scope, row: Resource, error: VidelicetError | None) -> None:
        if error is not None:
            _log.warning(
                "a saved search is invalid", extra={"saved_search": row.id, "code": error.code}
            )
        with suppress(NotFound):
            self._store.catalog.update_resource(
                scope,
                Kind.SAVED_SEARCH,
                row.id,
                body={"error": None if error is None else error.to_json()},
            )

    def _searcher(self, index: Index) -> Searcher:
        from videlicet.models.registry import load
        from videlicet.search.encode import Encoders
        from videlicet.search.engine import Searcher, shot_cache

        if self._shots is None:
            self._shots = shot_cache()
        encoders = Encoders(index.cards, lambda card: load(card, self._settings))
        return Searcher(self._store, encoders, self._settings, self._shots)


def _is_new(video: Video, query: Resource) -> bool:
    """Whether a video became ready after a query had been saved."""
    return video.indexed_at is not None and query.created_at <= video.indexed_at


def due_in(one: Resource) -> float:
    """Seconds until a run is due, 0 if that is now."""
    attempts = int(one.body["attempts"])
    if not attempts:
        return 0.0
    pause = RETRY_DELAY * float(BACKOFF_FACTOR ** (attempts - 1))
    return max(0.0, pause - (datetime.now(UTC) - one.updated_at).total_seconds())
