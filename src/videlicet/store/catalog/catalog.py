"""The catalog: indexes, assets, videos, and everything else that has an id."""

from __future__ import annotations

from videlicet.store.catalog.assets import Assets
from videlicet.store.catalog.indexes import Indexes
from videlicet.store.catalog.keys import Keys
from videlicet.store.catalog.observations import Observations
from videlicet.store.catalog.resources import Resources
from videlicet.store.catalog.saved_searches import SavedSearches
from videlicet.store.catalog.tasks import Tasks
from videlicet.store.catalog.videos import Videos


class Catalog(Indexes, Assets, Videos, Observations, Tasks, Resources, SavedSearches, Keys):
    """Reads and writes of the catalog. Every call is one transaction; writes need a store that
    was opened for writing, except those of tasks."""
