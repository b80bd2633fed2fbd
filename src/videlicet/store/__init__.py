"""Where everything that was seen is kept: one data directory, one writer, many readers.

A data directory holds ``library.sqlite`` (catalog, full text and vectors, so that one transaction
covers them all), ``ann/`` (ANN indexes over the vectors, always rebuildable) and
``blobs/``. Copying the directory while nobody writes is a backup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from videlicet.store.records import (
        ByteMatch,
        Finding,
        Level,
        TextMatch,
        TextRow,
        VectorBatch,
        VectorMatch,
        VectorRow,
    )
    from videlicet.store.store import Store, open_store

_HOMES = {
    "Store": "store",
    "open_store": "store",
    "Finding": "records",
    "Level": "records",
    "ByteMatch": "records",
    "TextMatch": "records",
    "TextRow": "records",
    "VectorBatch": "records",
    "VectorMatch": "records",
    "VectorRow": "records",
}

__all__ = [
    "ByteMatch",
    "Finding",
    "Level",
    "Store",
    "TextMatch",
    "TextRow",
    "VectorBatch",
    "VectorMatch",
    "VectorRow",
    "open_store",
]


def __getattr__(name: str) -> Any:
    """Import on first use: listing the commands must not load a database driver."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
