"""Where everything that was seen is kept: one data directory, one writer, many readers.

A data directory holds ``library.sqlite`` (catalog, full text and vectors, so that one transaction
covers them all), ``sketches/`` (indexes over the vectors, derived and always rebuildable) and
``blobs/``. Copying the directory while nobody writes is a backup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from videlicet.store.checkup import doctor
    from videlicet.store.library import Store, open_store
    from videlicet.store.records import (
        Finding,
        Level,
        Sighting,
        TextMatch,
        TextRow,
        VectorBatch,
        VectorMatch,
        VectorRow,
    )

_HOMES = {
    "doctor": "checkup",
    "Store": "library",
    "open_store": "library",
    "Finding": "records",
    "Level": "records",
    "Sighting": "records",
    "TextMatch": "records",
    "TextRow": "records",
    "VectorBatch": "records",
    "VectorMatch": "records",
    "VectorRow": "records",
}

__all__ = [
    "Finding",
    "Level",
    "Sighting",
    "Store",
    "TextMatch",
    "TextRow",
    "VectorBatch",
    "VectorMatch",
    "VectorRow",
    "doctor",
    "open_store",
]


def __getattr__(name: str) -> Any:
    """Import on first use: listing the commands must not load a database driver."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
