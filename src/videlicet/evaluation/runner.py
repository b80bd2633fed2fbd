"""Runs evaluations, one after another, in a thread of a server.

The worker cannot: it indexes videos and has nothing loaded that encodes queries. An evaluation is a
resource, so one that the end of a server broke off begins anew with the next server. Tenants take
turns.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videlicet import rights
from videlicet.errors import Cancelled, NotFound, TaskError, VidelicetError
from videlicet.evaluation import (
    CandidatePool,
    Collection,
    Dataset,
    EvaluationQuery,
    Relevance,
    measure,
)
from videlicet.rights import EVERY_TENANT, Grant, Purpose
from videlicet.search.compose import build_query
from videlicet.services.evaluations import FAILED, PROCESSING, READY
from videlicet.store.files import path_of_asset
from videlicet.types import (
    GroupBy,
    Index,
    Kind,
    Modality,
    Observation,
    PartKind,
    Resource,
    SearchPage,
    Span,
    VideoStatus,
)

if TYPE_CHECKING:
    from videlicet.services.platform import Platform
    from videlicet.store import Store

#: Seconds between two progress updates, and between two polls for work without a notification.
_NOTE_EVERY, _LOOK_EVERY = 2.0, 30.0

_log = logging.getLogger(__name__)


class EvaluationRunner:
    """The evaluations of one server."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._scope = platform.store.scope(Grant("evaluations", Purpose.MANAGE, EVERY_TENANT))
        self._stopping = threading.Event()
        self._stirred = threading.Event()
        #: When each tenant last had its turn.
        self._turns: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name="evaluations", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Say that there is a new one."""
        self._stirred.set()

    def stop(self) -> None:
        """Break off after the query that is being put."""
        self._stopping.set()
        self._stirred.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._stirred.clear()
            if self._stopping.is_set():
                return  # it was said in between
            try:
                # Of the servers on one store one does: they are better at searches meanwhile.
                with self._platform.store.database.advisory_lock("evaluations", wait=False) as mine:
                    one = self._next() if mine else None
                    if one is not None:
                        self._one(one)
                        continue
            except VidelicetError as error:
                # As when the disk is full: it is tried again.
                _log.error("evaluations wait", extra={"code": error.code})
            self._stirred.wait(_LOOK_EVERY)

    def _next(self) -> Resource | None:
        waiting, _ = self._platform.store.catalog.find_resources(
            self._scope, Kind.EVALUATION, status=[PROCESSING], ascending=True
        )
        return min(waiting, key=lambda one: self._turns.get(one.tenant, 0.0), default=None)

    def _one(self, one: Resource) -> None:
        self._turns[one.tenant] = time.monotonic()
        catalog = self._platform.store.catalog
        try:
            body: dict[str, Any] = {"report": self._report(one), "done": len(one.body["queries"])}
            status = READY
        except Cancelled:
            return
        except VidelicetError as error:
            body, status = {"error": error.to_json()}, FAILED
        except Exception as error:
            # A fault of ours ends this evaluation, not the thread that all wait for.
            _log.exception("an evaluation failed")
            fault = TaskError("task_failed", f"The evaluation failed: {type(error).__name__}.")
            body, status = {"error": fault.to_json()}, FAILED
        try:
            catalog.update_resource(self._scope, Kind.EVALUATION, one.id, status=status, body=body)
        except NotFound:
            return  # deleted meanwhile

    def _report(self, one: Resource) -> dict[str, Any]:
        store = self._platform.store
        scope = store.scope(self._scope.within(one.tenant), one.parent)
        index = scope.index
        videos = store.catalog.videos(scope, status=[VideoStatus.READY])
        # Twins are one document; a video that is not ready is none that can be found.
        names = {video.id: video.asset.sha256 or video.asset_id for video in videos}
        queries = tuple(_query(scope, store, row) for row in one.body["queries"])
        wanted = {right.file for query in queries for right in query.relevant}
        done, noted = 0, time.monotonic()

        def advance() -> None:
            nonlocal done, noted
            done += 1
            if self._stopping.is_set():
                raise Cancelled("cancelled", "The server is being stopped.")
            if time.monotonic() - noted < _NOTE_EVERY:
                return
            noted = time.monotonic()
            try:
                store.catalog.update_resource(
                    self._scope, Kind.EVALUATION, one.id, body={"done": done}
                )
            except NotFound:
                raise Cancelled("cancelled", "The evaluation was deleted.") from None

        report = measure(
            _Index(self._platform, scope, index),
            Dataset(one.name, "posted", {}, queries, CandidatePool(one.body["scope"])),
            {video: names.get(video, video) for video in wanted},
            Collection.of((video.asset, names[video.id]) for video in videos),
            index.id,
            resamples=one.body["resamples"],
            seed=one.body["seed"],
            on_query=advance,
        )
        outcomes = [{"id": o.id, "rank": o.rank, "iou": o.iou} for o in report.outcomes]
        return {**report.to_json(), "outcomes": outcomes}


class _Index:
    """One index, as an evaluation asks it."""

    def __init__(self, platform: Platform, scope: rights.Scope, index: Index) -> None:
        self._platform = platform
        self._scope = scope
        self._index = index

    def observations(
        self, asset_id: str, modality: Modality, *, index: str
    ) -> Sequence[Observation]:
        return self._platform.store.catalog.observations(
            self._platform.store.scope(self._scope.narrowed(Purpose.ANALYZE), index),
            asset_id,
            modality,
        )

    def search(
        self,
        query: str | None = None,
        *,
        image: Path | None = None,
        audio: Path | None = None,
        video: Path | None = None,
        assets: Sequence[str] | None = None,
        group_by: GroupBy,
        limit: int,
        index: str,
    ) -> SearchPage:
        built = build_query(
            query, image, audio, video, (), (), None, assets, None, group_by, limit, None
        )
        searcher = self._platform.searcher(self._index)
        store = self._platform.store
        scope = store.scope(self._scope.narrowed(Purpose.SEARCH), self._index.id)
        return searcher.search(scope, built)


def _query(scope: rights.Scope, store: Store, row: Mapping[str, Any]) -> EvaluationQuery:
    modality = PartKind(row["modality"])
    value: str | Path = row["value"]
    if modality is not PartKind.TEXT:
        asset = store.catalog.asset(scope, row["value"])
        value = path_of_asset(store.scope(scope.narrowed(Purpose.EMBED_EXPORT)), store, asset)
    relevant = tuple(
        Relevance(
            right["video_id"],
            None if right["start"] is None else Span.of(right["start"], right["end"]),
        )
        for right in row["relevant"]
    )
    return EvaluationQuery(row["id"], modality, value, row["kind"], relevant)
