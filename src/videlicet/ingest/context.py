"""What the indexing jobs of one worker process share: models, cores, and who cancels."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from videlicet.ingest.cancellation import CancellationMonitor
from videlicet.ingest.passes.task_group import UnitPool
from videlicet.ingest.plan import IndexingModels
from videlicet.settings import cores

if TYPE_CHECKING:
    from videlicet.ingest.progress import Progress
    from videlicet.jobs.context import WorkerContext
    from videlicet.saved_searches.evaluator import SavedSearchEvaluator


class IngestContext:
    """One per worker process; every method may be called from any thread."""

    def __init__(self, worker: WorkerContext, saved_searches: SavedSearchEvaluator) -> None:
        self.worker = worker
        self.scope = worker.scope
        self.store = worker.store
        self.settings = worker.settings
        self.saved_searches = saved_searches
        self.pool = UnitPool(worker.settings.threads or cores())
        self.cancellation = CancellationMonitor(worker)
        self._orders = itertools.count()

    def close(self) -> None:
        self.cancellation.close()
        self.pool.close()

    def order(self) -> int:
        """A number for the next task: units of earlier tasks run first."""
        return next(self._orders)

    def models(self, cards: Mapping[str, str]) -> IndexingModels:
        """The models that observe for an index."""
        return IndexingModels.of(cards, self.model)

    def model(self, card: str) -> Any:
        """The model of a card, loaded once."""
        from videlicet.models.registry import load

        return load(card, self.settings)

    def report(self, progress: Progress) -> None:
        """Tell the client about a task."""
        self.worker.emit(progress.to_json())
