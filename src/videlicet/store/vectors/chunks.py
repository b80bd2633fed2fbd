"""How the rows of one asset in one space are packed, and the rows of many laid end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from videlicet.errors import InvalidInput
from videlicet.store.records import VectorRow
from videlicet.types import Span

Floats = NDArray[np.float32]

#: Row ids are kept as fixed-width ASCII.
ID_BYTES = 24
ID_TYPE = np.dtype(f"S{ID_BYTES}")
#: start numerator, start denominator, end numerator, end denominator
SPAN_INTS = 4
_LIMIT = 2**63


@dataclass(frozen=True, slots=True)
class Chunk:
    """All rows of one slot: ids (n,) S24, spans (n, 4) int64, vectors (n, d) float32 of unit
    length (a row of zeros stays one, and is similar to nothing)."""

    ids: NDArray[np.bytes_]
    spans: NDArray[np.int64]
    vectors: Floats


def pack(rows: Sequence[VectorRow]) -> Chunk:
    """Rows as arrays, of rows with one id the last.

    Raises:
        InvalidInput: an id, span or vector that cannot be kept.
    """
    unique = {row.id: row for row in rows}
    first = next(iter(unique.values()))
    dimensions = first.vector.shape
    for row in unique.values():
        if not row.id.isascii() or not 0 < len(row.id) <= ID_BYTES or "\x00" in row.id:
            raise _invalid_vectors(f"row id {row.id!r} is not 1 to {ID_BYTES} ASCII characters")
        if row.vector.shape != dimensions or row.vector.ndim != 1 or not row.vector.size:
            raise _invalid_vectors(
                f"vectors of shapes {dimensions} and {row.vector.shape} in one put"
            )
    vectors = np.stack([row.vector for row in unique.values()]).astype("<f4")
    if not np.isfinite(vectors).all():
        raise _invalid_vectors("a vector holds a value that is not finite")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if np.abs(lengths - 1.0).max() > 1e-5:
        vectors = vectors / np.where(lengths > 0, lengths, 1.0)
    return Chunk(
        ids=np.array([row.id.encode() for row in unique.values()], dtype=ID_TYPE),
        spans=np.array([_span_ints(row.span) for row in unique.values()], dtype="<i8"),
        vectors=np.ascontiguousarray(vectors, dtype="<f4"),
    )


def unpack(ids: bytes, spans: bytes, vectors: bytes, dimensions: int) -> Chunk:
    """The arrays of a stored chunk, read-only."""
    return Chunk(
        np.frombuffer(ids, ID_TYPE),
        np.frombuffer(spans, "<i8").reshape(-1, SPAN_INTS),
        np.frombuffer(vectors, "<f4").reshape(-1, dimensions),
    )


def pack_bytes(chunk: Chunk) -> bytes:
    """A chunk as one byte string: ids, spans and vectors, one after the other."""
    return chunk.ids.tobytes() + chunk.spans.tobytes() + chunk.vectors.tobytes()


def unpack_bytes(data: bytes, count: int, dimensions: int) -> Chunk:
    """The chunk of ``count`` rows that :func:`packed` made.

    Raises:
        ValueError: the bytes have another length.
    """
    spans, vectors = count * ID_BYTES, count * (ID_BYTES + 8 * SPAN_INTS)
    if len(data) != vectors + 4 * count * dimensions:
        raise ValueError(f"{len(data)} bytes are not {count} rows of {dimensions} dimensions")
    return unpack(data[:spans], data[spans:vectors], data[vectors:], dimensions)


def span_at(ints: Sequence[int]) -> Span:
    """The exact span of one row of ``spans``."""
    a, b, c, d = ints
    return Span(Fraction(a, b), Fraction(c, d))


def _span_ints(span: Span) -> tuple[int, int, int, int]:
    ints = (
        span.start.numerator,
        span.start.denominator,
        span.end.numerator,
        span.end.denominator,
    )
    if any(abs(value) >= _LIMIT for value in ints):
        raise _invalid_vectors(f"span {span} is too fine to be kept")
    return ints


def _invalid_vectors(why: str) -> InvalidInput:
    return InvalidInput("invalid_argument", f"Vectors cannot be stored: {why}.")


def top_k(scores: Floats, k: int) -> NDArray[np.intp]:
    """Positions of the ``k`` largest scores, best first; ties in the order of position."""
    if k >= scores.size:
        return np.argsort(-scores, kind="stable")
    cut = np.argpartition(-scores, k - 1)[:k]
    # Ties at the border are settled by position too, so that paging never shows a row twice.
    border = scores[cut].min()
    above = np.flatnonzero(scores > border)
    level = np.flatnonzero(scores == border)[: k - above.size]
    chosen = np.concatenate([above, level])
    return chosen[np.lexsort((chosen, -scores[chosen]))]
