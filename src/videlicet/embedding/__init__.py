"""One space for words, pictures and sounds, for those who take embeddings elsewhere."""

from videlicet.embedding.space import DIMENSIONS, SPACE, Component, fuse, join
from videlicet.embedding.spans import TimedVectors, pool

__all__ = ["DIMENSIONS", "SPACE", "Component", "TimedVectors", "fuse", "join", "pool"]
