"""Vectors of plain texts, stretch by stretch or as a whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from videlicet.embedding.space import Part, fused, join
from videlicet.embedding.texts import embed_texts

if TYPE_CHECKING:
    from videlicet.models.base import Floats, TextEncoder

#: Bytes of the longest text whose vectors are computed.
LONGEST = 1024 * 1024
#: Sentences of a stretch where nobody says.
USUAL = 5
_BREAKS = re.compile(r"(?<=[.!?…])\s+|\n\s*\n")


def stretches(text: str, most: int, overlap: int) -> list[str]:
    """The text in stretches of ``most`` sentences, each beginning with the last ``overlap`` of the
    one before."""
    sentences = [one for part in _BREAKS.split(text) if (one := " ".join(part.split()))]
    step = max(1, most - overlap)
    starts = range(0, max(1, len(sentences) - overlap), step)
    return [" ".join(sentences[at : at + most]) for at in starts if sentences]


def vectors_of(encoder: TextEncoder, text: str, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each stretch and one for the whole, as the request's ``scopes`` (chunk, asset)
    and ``types`` (separate, fused) say. Of words both types are the same."""
    parts = stretches(text, int(request["sentences"]), int(request["overlap"]))
    if not parts:
        return []
    rows = join({Part.MEANING: embed_texts(encoder, parts)})
    options = [
        option for option, kind in (("text", "separate"), ("fused", "fused"))
        if kind in request["types"]
    ]  # fmt: skip
    found = []
    if "chunk" in request["scopes"]:
        found += [
            {**_row(option, "chunk", vector), "chunk_index": n}
            for n, vector in enumerate(rows)
            for option in options
        ]
    if "asset" in request["scopes"]:
        found += [_row(option, "asset", fused(list(rows))) for option in options]
    return found


def _row(option: str, scope: str, vector: Floats) -> dict[str, Any]:
    return {
        "option": option,
        "scope": scope,
        "start": None,
        "end": None,
        "embedding": [round(float(value), 7) for value in vector],
    }
