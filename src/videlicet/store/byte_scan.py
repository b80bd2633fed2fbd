"""Look for bytes wherever a store keeps any: the proof that something is gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import JSON, LargeBinary, Text, cast, select

from videlicet.errors import NotFound
from videlicet.store.blobs import BlobBackend
from videlicet.store.catalog.schema import metadata
from videlicet.store.database import Database
from videlicet.store.records import ByteMatch

_BLOCK = 16 * 1024 * 1024
_ROWS = 200


def scan_files(root: Path, needles: Sequence[bytes]) -> list[ByteMatch]:
    """Every match of a needle in a file under ``root``, logs and stale files included.

    Raises:
        ValueError: an empty needle.
    """
    if not all(needles):
        raise ValueError("a needle must not be empty")
    found: list[ByteMatch] = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                found += _find_in_chunks(str(path.relative_to(root)), _blocks(file), needles)
    return found


def scan_shared_store(
    database: Database, blobs: BlobBackend, needles: Sequence[bytes]
) -> list[ByteMatch]:
    """The same for the rows of a shared database (each named by table and column, its rows one
    after the other) and for the objects of an object store. What the database's server keeps in its
    own files of rows that are gone cannot be seen from here."""
    found: list[ByteMatch] = []
    with database.read_transaction() as connection:
        for table in metadata.sorted_tables:
            for column in table.c:
                wanted = cast(column, Text) if isinstance(column.type, JSON) else column
                query = select(wanted).where(column.is_not(None))
                rows = connection.execute(query.execution_options(yield_per=_ROWS))
                binary = isinstance(column.type, LargeBinary)
                chunks = (
                    bytes(row[0]) if binary else str(row[0]).encode("utf-8", "replace")
                    for row in rows
                )
                found += _find_in_chunks(f"{table.name}.{column.name}", chunks, needles)
    for key in blobs.list_keys(""):
        try:
            (data,) = blobs.get_many([key])
        except NotFound:
            continue  # it went meanwhile
        found += _find_in_chunks(f"blobs/{key}", [data], needles)
    return found


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block


def _find_in_chunks(
    name: str, chunks: Iterable[bytes], needles: Sequence[bytes]
) -> Iterator[ByteMatch]:
    """Matches of needles in consecutive chunks."""
    reach = max(map(len, needles), default=1) - 1
    start, tail = 0, b""
    for chunk in chunks:
        # Pieces overlap by what a needle may stick out.
        window = tail + chunk
        for needle in needles:
            at = window.find(needle)
            while at >= 0:
                if at + len(needle) > len(tail):
                    yield ByteMatch(needle, name, start - len(tail) + at)
                at = window.find(needle, at + 1)
        start += len(chunk)
        tail = window[-reach:] if reach else b""
