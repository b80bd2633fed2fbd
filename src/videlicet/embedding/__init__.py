"""One space for words, pictures and sounds, for those who take embeddings elsewhere."""

from videlicet.embedding.space import DIMENSIONS, SPACE, Part, fuse, join
from videlicet.embedding.spans import TimedVectors, pool

__all__ = ["DIMENSIONS", "SPACE", "Part", "TimedVectors", "fuse", "join", "pool"]
