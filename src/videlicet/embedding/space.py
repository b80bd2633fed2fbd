"""What the several models say of one thing as one vector.

A vector has three blocks: what the thing *means* (the text encoder's space, where words and what
pictures show meet), how it *looks* and how it *sounds*. The blocks that the models speak of are
interleaved and the whole is made a unit vector, so that the cosine of two vectors is a weighted
mean of the blocks they share. The first values hold the same share of each block, so a shorter
vector is the beginning of a longer one (as in Kusupati et al., *Matryoshka Representation
Learning*, 2022, but not trained for it). A block of more dimensions than it has room for is
projected at random, which keeps angles (Johnson and Lindenstrauss, 1984); the seed is part of the
space. docs/decisions/0008-embeddings.md has the measurements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from videlicet.models.base import rows_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from videlicet.models.base import FrameEncoder, FrameEncoding, TextEncoder

    Floats = NDArray[np.float32]

#: Name and length of the space.
SPACE = "videlicet-512"
DIMENSIONS = 512
_SEED = 512


class Component(StrEnum):
    """The blocks of a vector."""

    MEANING = "meaning"
    LOOKS = "looks"
    SOUNDS = "sounds"


#: Room and weight of each block. Meaning weighs most: it is what all kinds of input share.
_WIDTHS = {Component.MEANING: 384, Component.LOOKS: 64, Component.SOUNDS: 64}
#: Where in a vector the values of the blocks go, in turn by the room that each has.
_ORDER = np.argsort(
    np.concatenate([(np.arange(room) + 0.5) / room for room in _WIDTHS.values()]), kind="stable"
)
_WEIGHT = {Component.MEANING: 0.8, Component.LOOKS: 0.6, Component.SOUNDS: 0.6}


def join(parts: Mapping[Component, Floats]) -> Floats:
    """Unit rows (n, 512) from the rows of the parts there are, each (n, any)."""
    count = len(next(iter(parts.values())))
    blocks = []
    for part in Component:
        rows = parts.get(part)
        if rows is None:
            blocks.append(np.zeros((count, _WIDTHS[part]), np.float32))
        else:
            blocks.append(_WEIGHT[part] * _fit(rows, _WIDTHS[part]))
    return _unit(np.hstack(blocks)[:, _ORDER])


def of_frames(text: TextEncoder, vision: FrameEncoder, encoding: FrameEncoding) -> Floats:
    """Unit rows (n, 512) of frames. They have a meaning where the frame encoder knows the space of
    the text encoder."""
    meaning = rows_in(text.card.space, vision, encoding)
    looks = {Component.LOOKS: encoding.features}
    return join(looks if meaning is None else {Component.MEANING: meaning, **looks})


def fuse(vectors: Sequence[Floats]) -> Floats:
    """The direction of the mean of several vectors (each (512,)), as for an average of views."""
    return np.asarray(_unit(np.mean(np.stack(list(vectors)), axis=0)[None])[0], np.float32)


def _fit(rows: Floats, room: int) -> Floats:
    rows = np.asarray(rows, np.float32)
    if rows.shape[1] > room:
        rows = rows @ _projection(rows.shape[1], room)
    elif rows.shape[1] < room:
        rows = np.pad(rows, ((0, 0), (0, room - rows.shape[1])))
    return _unit(rows)


@lru_cache(maxsize=8)
def _projection(wide: int, narrow: int) -> Floats:
    random = np.random.default_rng([_SEED, wide, narrow])
    square, _ = np.linalg.qr(random.standard_normal((wide, narrow)))
    return square.astype(np.float32)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0), np.float32)
