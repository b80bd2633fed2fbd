"""Vectors."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from videlicet.types.kinds.base import ObservationKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Embedding:
    """A unit vector in a named space, as little-endian float32 bytes."""

    space: str
    data: bytes

    @classmethod
    def of(cls, space: str, vector: NDArray[np.float32]) -> Embedding:
        return cls(space, vector.astype("<f4").tobytes())

    @property
    def vector(self) -> NDArray[np.float32]:
        """The vector, shape (dimensions,), read-only."""
        import numpy as np

        return np.frombuffer(self.data, dtype="<f4")


EMBEDDING = ObservationKind(
    name="embedding",
    payload=Embedding,
    to_json=lambda one: {"space": one.space, "data": base64.b64encode(one.data).decode()},
    from_json=lambda row: Embedding(row["space"], base64.b64decode(row["data"])),
    # By its space, not its bytes, so that recomputing it on another processor replaces it.
    identity=lambda one: one.space,
    describe=lambda one: f"vector in {one.space}",
)
