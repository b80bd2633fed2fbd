"""Bytes by key: uploaded files, originals, and what else is too large for the database."""

from videlicet.store.blobs.base import BlobBackend, open_backend

__all__ = ["BlobBackend", "open_backend"]
