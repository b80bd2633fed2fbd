"""The rows of record: spaces and packed chunks in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, insert, select, update

from videlicet.errors import InvalidInput
from videlicet.store.blobs import BlobBackend
from videlicet.store.catalog.expressions import is_any_of
from videlicet.store.catalog.schema import memberships_table, vector_chunks, vector_spaces
from videlicet.store.vectors.chunks import Chunk, unpack, unpack_bytes
from videlicet.types import Modality

#: Chunks read (and where they are objects, fetched) together.
_BATCH = 64


#: Made once: every search looks several times, and building a statement takes longer than that.
_SPACE = select(vector_spaces).where(
    vector_spaces.c.index_id == bindparam("index_id"),
    vector_spaces.c.modality == bindparam("modality"),
    vector_spaces.c.space == bindparam("space"),
)


def space_row(
    connection: Connection, index_id: str, modality: Modality, space: str
) -> Row[Any] | None:
    """The row of a space, ``None`` where nothing was put into it."""
    values = {"index_id": index_id, "modality": modality.value, "space": space}
    return connection.execute(_SPACE, values).first()


def ensure_space(
    connection: Connection, index_id: str, modality: Modality, space: str, dimensions: int
) -> Row[Any]:
    """The row of a space, made where there is none.

    Raises:
        InvalidInput: the space has other dimensions.
    """
    found = space_row(connection, index_id, modality, space)
    if found is None:
        connection.execute(
            insert(vector_spaces).values(
                index_id=index_id, modality=modality.value, space=space,
                dimensions=dimensions, version=0,
            )
        )  # fmt: skip
        found = space_row(connection, index_id, modality, space)
        assert found is not None
    if found.dimensions != dimensions:
        raise InvalidInput(
            "invalid_argument",
            f"Vectors of {dimensions} dimensions in a space of {found.dimensions}.",
            subject=space,
        )
    return found


def delete_chunk(
    connection: Connection, slot: int, modality: Modality, space: str
) -> Sequence[str]:
    """Take a slot out of one space; returns the blobs that are to go too."""
    keys = (
        select(vector_chunks.c.space)
        .join(vector_spaces, vector_spaces.c.key == vector_chunks.c.space)
        .where(
            vector_chunks.c.slot == slot,
            vector_spaces.c.modality == modality.value,
            vector_spaces.c.space == space,
        )
    )
    found = list(connection.execute(keys).scalars())
    bump_versions(connection, found)
    here = (vector_chunks.c.slot == slot) & vector_chunks.c.space.in_(found)
    gone = blobs_of(connection, here)
    connection.execute(delete(vector_chunks).where(here))
    return gone


def blobs_of(connection: Connection, where: ColumnElement[bool]) -> Sequence[str]:
    """Keys of the objects that chunks are kept as."""
    query = select(vector_chunks.c.blob).where(where, vector_chunks.c.blob.is_not(None))
    return connection.execute(query).scalars().all()


def bump_versions(connection: Connection, spaces: list[int]) -> None:
    """Raise the version of spaces."""
    connection.execute(
        update(vector_spaces)
        .where(is_any_of(vector_spaces.c.key, spaces))
        .values(version=vector_spaces.c.version + 1)
    )


def chunk_versions(connection: Connection, space: int) -> list[tuple[int, int, int]]:
    """(slot, version, rows) of each chunk, in the order of slots."""
    rows = connection.execute(
        select(vector_chunks.c.slot, vector_chunks.c.version, vector_chunks.c.count)
        .where(vector_chunks.c.space == space)
        .order_by(vector_chunks.c.slot)
    )
    return [(int(row[0]), int(row[1]), int(row[2])) for row in rows]


def asset_names(connection: Connection, of: Sequence[int]) -> dict[int, str]:
    """Asset by slot."""
    rows = connection.execute(
        select(memberships_table.c.key, memberships_table.c.asset_id).where(
            is_any_of(memberships_table.c.key, of)
        )
    )
    return {int(row[0]): str(row[1]) for row in rows}


def read_chunks(
    connection: Connection,
    blobs: BlobBackend,
    space: int,
    dimensions: int,
    only: Sequence[int] | None = None,
) -> Iterable[tuple[int, int, Chunk]]:
    """(slot, version, rows) in the order of slots.

    Raises:
        NotFound: ``blob_not_found``, where a chunk is an object and was replaced or erased since
            the connection's view of the database.
    """
    query = (
        select(vector_chunks).where(vector_chunks.c.space == space).order_by(vector_chunks.c.slot)
    )
    if only is not None:
        query = query.where(is_any_of(vector_chunks.c.slot, only))
    rows = connection.execute(query.execution_options(yield_per=_BATCH))
    for part in rows.partitions():
        yield from zip(
            [int(row.slot) for row in part],
            [int(row.version) for row in part],
            unpack_rows(blobs, part, dimensions),
            strict=True,
        )


def unpack_rows(blobs: BlobBackend, rows: Sequence[Row[Any]], dimensions: int) -> list[Chunk]:
    """The chunks of rows of ``vector_chunks``."""
    away = [row.blob for row in rows if row.blob is not None]
    fetched = dict(zip(away, blobs.get_many(away) if away else (), strict=True))
    return [
        unpack(row.ids, row.spans, row.vectors, dimensions)
        if row.blob is None
        else unpack_bytes(fetched[row.blob], row._mapping["count"], dimensions)
        for row in rows
    ]
