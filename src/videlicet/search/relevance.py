"""How relevant texts are to a query, for who has found them elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from videlicet.embedding.texts import BATCH, truncate
from videlicet.models.base import TextEncoder
from videlicet.search.words import coverage, inverse_frequency, terms, tokens

#: A logistic curve from the cosine of the best passage and the share of the query's words, fitted
#: on the development corpus (59 queries, 48 texts) for the starter text encoder.
COSINE, WORDS, SHIFT = 23.1, 6.4, -11.4


def relevance(encoder: TextEncoder, query: str, documents: Sequence[str]) -> list[float]:
    """The probability that each document has to do with ``query``, 0..1.

    A document longer than the encoder reads counts by its best passage. Words weigh by how rare
    they are among the documents (Robertson and Spärck Jones, 1976).
    """
    passages: list[str] = []
    owners: list[int] = []
    for number, text in enumerate(documents):
        parts = truncate(encoder, text)
        passages += parts
        owners += [number] * len(parts)
    wanted = encoder.encode([query])[0]
    cosines = np.full(len(documents), -1.0)
    for first in range(0, len(passages), BATCH):
        rows = encoder.encode(passages[first : first + BATCH])
        np.maximum.at(cosines, owners[first : first + BATCH], rows @ wanted)
    asked = terms(query)
    token_sets = [set(tokens(text)) for text in documents]
    weights = {
        term: inverse_frequency(sum(term in one for one in token_sets), len(token_sets))
        for term in asked
    }
    return [
        _logistic(COSINE * float(cosine) + WORDS * coverage(asked, text, weights) + SHIFT)
        for cosine, text in zip(cosines, documents, strict=True)
    ]


def _logistic(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds))
