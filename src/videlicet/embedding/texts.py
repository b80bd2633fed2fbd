"""Vectors of what is said and shown, however long it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from videlicet.errors import InvalidInput

if TYPE_CHECKING:
    from videlicet.models.base import Floats, TextEncoder

#: Texts per call; fixed, because a batch's padding may change the last bits of its rows.
BATCH = 16


def embed_texts(encoder: TextEncoder, texts: Sequence[str]) -> Floats:
    """One unit row per text, shape (len(texts), dimensions).

    A text longer than the encoder reads is cut between words into pieces that fit; its row is the
    mean of theirs, so that nothing said is left out.
    """
    if not texts:
        return np.zeros((0, encoder.dimensions), np.float32)
    pieces: list[str] = []
    owners: list[int] = []
    for number, text in enumerate(texts):
        parts = truncate(encoder, text)
        pieces += parts
        owners += [number] * len(parts)
    rows = np.concatenate(
        [encoder.encode(pieces[i : i + BATCH]) for i in range(0, len(pieces), BATCH)]
    )
    if len(pieces) == len(texts):
        return rows
    sums = np.zeros((len(texts), encoder.dimensions), np.float32)
    np.add.at(sums, owners, rows)
    return normalize(sums)


def require_meaning(rows: Floats, what: str = "The text") -> None:
    """Refuse what the encoder knows no part of: its vector would be like nothing, or like all.

    Raises:
        InvalidInput: ``invalid_argument``.
    """
    unknown = np.flatnonzero(~rows.any(axis=1))
    if unknown.size:
        which = f"{what} {unknown[0]}" if len(rows) > 1 else what
        raise InvalidInput(
            "invalid_argument",
            f"{which} holds nothing that the text encoder knows.",
            remedy="Use a language of the model (`videlicet models show`), or another model.",
            subject="text",
        )


def truncate(encoder: TextEncoder, text: str) -> list[str]:
    """``text`` in as few even pieces as the encoder can read whole; a single word that is too
    long is halved."""
    if encoder.count_tokens(text) <= encoder.max_tokens:
        return [text]
    words = text.split()
    if len(words) > 1:
        half = len(words) // 2
        first, second = " ".join(words[:half]), " ".join(words[half:])
    else:
        half = len(text) // 2
        first, second = text[:half], text[half:]
    return truncate(encoder, first) + truncate(encoder, second)


def normalize(rows: Floats) -> Floats:
    """Rows scaled to unit length; a zero row stays zero."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: Floats = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return unit
