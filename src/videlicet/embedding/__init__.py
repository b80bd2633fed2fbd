"""One space for words, pictures and sounds, for those who take embeddings elsewhere."""

from videlicet.embedding.space import DIMENSIONS, SPACE, Part, fused, join
from videlicet.embedding.spans import Strip, pool

__all__ = ["DIMENSIONS", "SPACE", "Part", "Strip", "fused", "join", "pool"]
