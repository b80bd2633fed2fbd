"""The small number of one asset in one index."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TypeVar

from sqlalchemy import Connection, insert, select

from videlicet.errors import InvalidInput, NotFound
from videlicet.store.catalog.expressions import is_any_of
from videlicet.store.catalog.schema import indexes, memberships_table

_T = TypeVar("_T")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def slot_of(connection: Connection, index_id: str, asset_id: str) -> int | None:
    """The slot of the pair, ``None`` where nothing was ever put under it."""
    found = connection.execute(
        select(memberships_table.c.key).where(
            memberships_table.c.index_id == index_id, memberships_table.c.asset_id == asset_id
        )
    ).scalar()
    return None if found is None else int(found)


def ensure_slot(connection: Connection, index_id: str, asset_id: str) -> int:
    """The slot of the pair, made where there is none.

    Raises:
        NotFound: ``index_not_found``.
    """
    found = slot_of(connection, index_id, asset_id)
    if found is not None:
        return found
    require_index(connection, index_id)
    if not _NAME.fullmatch(asset_id):
        raise InvalidInput(
            "invalid_argument", f"{asset_id!r} is not an asset id.", subject=str(asset_id)
        )
    made = connection.execute(
        insert(memberships_table).values(index_id=index_id, asset_id=asset_id)
    )
    return int(made.inserted_primary_key[0])  # type: ignore[index]


def require_slot(connection: Connection, index_id: str, asset_id: str) -> int:
    """The slot of an asset that is entered in an index. What is put into one that was deleted
    meanwhile would never be found again, nor erased.

    Raises:
        NotFound: ``index_not_found`` or ``asset_not_found``.
    """
    found = slot_of(connection, index_id, asset_id)
    if found is None:
        require_index(connection, index_id)
        raise NotFound(
            "asset_not_found", f"Index {index_id} holds no asset {asset_id!r}.", subject=asset_id
        )
    return found


def require_index(connection: Connection, index_id: str) -> None:
    """Raise ``index_not_found`` unless the index is there."""
    if connection.execute(select(indexes.c.id).where(indexes.c.id == index_id)).first() is None:
        raise NotFound("index_not_found", f"There is no index {index_id!r}.", subject=index_id)


def find_slots(connection: Connection, index_id: str, asset_ids: Collection[str]) -> list[int]:
    """The slots of those assets that have one in this index."""
    rows = connection.execute(
        select(memberships_table.c.key).where(
            memberships_table.c.index_id == index_id,
            is_any_of(memberships_table.c.asset_id, sorted(asset_ids)),
        )
    )
    return [int(key) for key in rows.scalars()]


def batched(items: Iterable[_T], size: int = 500) -> Iterable[list[_T]]:
    """Lists short enough for one statement's parameters."""
    batch: list[_T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
