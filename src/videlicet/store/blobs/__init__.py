"""Bytes by key: uploaded files, originals, and what else is too large for the database."""

from videlicet.store.blobs.base import Blobs, open_blobs

__all__ = ["Blobs", "open_blobs"]
