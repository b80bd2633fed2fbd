"""What a store needs of its vectors, and the vector stores that there are.

The setting ``vector_store`` names one. A package adds one by an entry point in the group
``videlicet.vector_stores`` that refers to a function like :func:`videlicet.store.vectors.vectors
.open_builtin`: it is given a :class:`VectorContext` and returns the vector store. One that is a
:class:`CheckedVectorStore` too is asked by the doctor.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from videlicet.registry import Registry

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from videlicet.rights import IndexScope, Policy
    from videlicet.settings import Settings
    from videlicet.store.blobs.base import BlobBackend
    from videlicet.store.database import Database
    from videlicet.store.home import Home
    from videlicet.store.records import Finding, VectorBatch, VectorMatch, VectorRow
    from videlicet.store.vectors.chunks import Floats
    from videlicet.types import Modality


@dataclass(frozen=True, slots=True)
class VectorContext:
    """What a vector store may use of the store that it is a part of."""

    database: Database
    home: Home
    blobs: BlobBackend
    settings: Settings
    policy: Policy
    writable: bool


class VectorStore(Protocol):
    """Vectors by (index, modality, space). Every read and write but the last five is within the
    scope of an index, and must refuse a purpose that does not cover it (``rights.authorize``) and
    an asset that the policy withholds (``rights.require_asset``)."""

    def put(
        self,
        scope: IndexScope,
        modality: Modality,
        space: str,
        asset_id: str,
        rows: Sequence[VectorRow],
    ) -> None:
        """Replace the rows of an asset in one space; no rows takes it out of the space."""

    def delete_asset(self, scope: IndexScope, asset_id: str) -> None:
        """Take all vectors of an asset in the index away."""

    def search(
        self,
        scope: IndexScope,
        modality: Modality,
        space: str,
        queries: Floats,
        k: int,
        asset_ids: Collection[str] | None = None,
    ) -> list[list[VectorMatch]]:
        """For each query the ``k`` rows of highest cosine similarity (of those assets), best first;
        none of a space that does not exist."""

    def is_exact(self, scope: IndexScope, modality: Modality, space: str) -> bool:
        """Whether every row of the space is compared with a query."""

    def of_asset(
        self, scope: IndexScope, modality: Modality, space: str, asset_id: str
    ) -> VectorBatch | None:
        """The rows of one asset in a space, ``None`` where there are none."""

    def scan(self, scope: IndexScope, modality: Modality, space: str) -> Iterator[VectorBatch]:
        """Every row of a space, asset by asset."""

    def statistics(self, scope: IndexScope) -> Sequence[Mapping[str, Any]]:
        """By space: ``modality``, ``space``, ``dimensions``, ``rows``, ``assets``, and ``index``
        with its measured recall where there is an approximate one."""

    def delete_slot(self, connection: Connection, slot: int) -> None:
        """Make an asset's rows unreachable when the transaction of the erasure commits."""

    def delete_index(self, connection: Connection, index_id: str) -> None:
        """The same for all rows of an index."""

    def purge_deleted(self) -> int:
        """After an erasure: overwrite or remove every byte of what was forgotten. Returns how many
        rows were overwritten; safe to repeat."""

    def evict_stale_copies(self) -> None:
        """Remove this machine's copies of what is gone."""

    def build_due_indexes(self) -> None:
        """Build the approximate indexes that are due."""


@runtime_checkable
class CheckedVectorStore(Protocol):
    """A vector store that can look for faults of its own; `videlicet doctor` asks it to."""

    def check(self, fix: bool) -> Iterator[Finding]:
        """What is wrong with the vectors and what is derived from them. With ``fix`` whatever can
        be made good without losing anything is (the store is open for writing then)."""


OpenVectorStore = Callable[[VectorContext], VectorStore]

VECTOR_STORES: Registry[OpenVectorStore] = Registry("videlicet.vector_stores", "vector store")
VECTOR_STORES.add_lazy("builtin", "videlicet.store.vectors.vectors:open_builtin")
