"""What is known about indexes, assets, observations and tasks, in SQL tables."""

from videlicet.store.catalog.catalog import Catalog
from videlicet.store.catalog.filters import compile_filter

__all__ = ["Catalog", "compile_filter"]
