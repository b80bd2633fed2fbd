"""Vectors by index, modality and space: exact while there are few, an index beyond."""

from videlicet.store.vectors.vector_store import VECTOR_STORES, VectorContext, VectorStore

__all__ = ["VECTOR_STORES", "VectorContext", "VectorStore"]
