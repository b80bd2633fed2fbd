"""Vectors by index, modality and space: exact while there are few, an index beyond."""

from videlicet.store.vectors.vectors import Vectors

__all__ = ["Vectors"]
