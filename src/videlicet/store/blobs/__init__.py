"""Bytes by key: uploaded files, originals, and what else is too large for the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.store.blobs.base import BlobBackend

if TYPE_CHECKING:
    from videlicet.settings import Settings
    from videlicet.store.home import Home

__all__ = ["BlobBackend", "open_backend"]


def open_backend(settings: Settings, home: Home, *, writable: bool) -> BlobBackend:
    """Where a store keeps blobs: in the object store that the settings name, else in a folder."""
    if settings.object_store_url:
        from videlicet.store.blobs.objects import ObjectBlobs

        return ObjectBlobs(home, settings.object_store_url, settings.cache_max, writable=writable)
    from videlicet.store.blobs.folder import FolderBlobs

    return FolderBlobs(home, writable=writable)
