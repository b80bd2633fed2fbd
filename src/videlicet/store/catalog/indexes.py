"""The indexes of each tenant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, insert, select, update

from videlicet.errors import Conflict, InvalidInput, NotFound
from videlicet.rights import IndexScope, Scope, authorize
from videlicet.store.catalog.repository import Repository
from videlicet.store.catalog.rows import index_of
from videlicet.store.catalog.schema import indexes
from videlicet.store.records import MANAGING, READING
from videlicet.types import Index, random_id


class Indexes(Repository):
    """The indexes' share of the catalog."""

    def create_index(
        self,
        scope: Scope,
        name: str,
        cards: Mapping[str, str],
        options: Mapping[str, Any] | None = None,
    ) -> Index:
        """A new, empty index of the scope's tenant. ``cards`` names the model card of each role.

        Raises:
            Conflict: ``index_exists``.
        """
        authorize(scope, MANAGING, "index")
        _check_name(name)
        now = datetime.now(UTC)
        made = Index(random_id(), name, dict(cards), now, scope.tenant, dict(options or {}), now)
        with self._write_transaction() as connection:
            _require_free(connection, scope.tenant, name)
            connection.execute(
                insert(indexes).values(
                    id=made.id, tenant=scope.tenant, name=name, cards=dict(cards),
                    options=dict(made.options), created_at=now, updated_at=now,
                )
            )  # fmt: skip
        return made

    def rename_index(self, scope: IndexScope, name: str) -> None:
        """Give an index another name.

        Raises:
            Conflict: ``index_exists``.
            NotFound: ``index_not_found``, if it was deleted meanwhile.
        """
        authorize(scope, MANAGING, "index")
        _check_name(name)
        index = self.index(scope, scope.index_id)
        with self._write_transaction() as connection:
            if index.name != name:
                _require_free(connection, index.tenant, name)
            connection.execute(
                update(indexes)
                .where(indexes.c.id == index.id)
                .values(name=name, updated_at=datetime.now(UTC))
            )

    def index(self, scope: Scope, id_or_name: str) -> Index:
        """An index by id or by name.

        Raises:
            NotFound: ``index_not_found``.
        """
        authorize(scope, READING, "index")
        with self._read_transaction() as connection:
            return find_index(connection, scope, id_or_name)

    def indexes(self, scope: Scope, *, hidden: bool = False) -> list[Index]:
        """The indexes of the scope's tenant, by name; with ``hidden`` all of them."""
        authorize(scope, READING, "index")
        query = select(indexes).where(*tenant_conditions(scope, indexes)).order_by("name")
        with self._read_transaction() as connection:
            found = [index_of(row) for row in connection.execute(query)]
        return [index for index in found if hidden or not index.hidden]


def find_index(connection: Connection, scope: Scope, id_or_name: str) -> Index:
    """An index within the scope's tenant by id or by name.

    Raises:
        NotFound: ``index_not_found``.
    """
    rows = connection.execute(
        select(indexes).where(
            (indexes.c.id == id_or_name) | (indexes.c.name == id_or_name),
            *tenant_conditions(scope, indexes),
        )
    ).all()
    for row in sorted(rows, key=lambda row: bool(row.id != id_or_name)):
        return index_of(row)
    raise NotFound("index_not_found", f"There is no index {id_or_name!r}.", subject=id_or_name)


def tenant_conditions(scope: Scope, table: Table) -> list[ColumnElement[bool]]:
    """What keeps a query inside the scope's tenant."""
    return [] if scope.every_tenant else [table.c.tenant == scope.tenant]


def _check_name(name: str) -> None:
    if not name or not name.isprintable() or len(name) > 200:
        raise InvalidInput(
            "invalid_argument", "An index name is 1 to 200 printable characters.", subject=name
        )


def _require_free(connection: Connection, tenant: str, name: str) -> None:
    taken = select(indexes.c.id).where(indexes.c.tenant == tenant, indexes.c.name == name)
    if connection.execute(taken).first():
        raise Conflict("index_exists", f"There is an index {name!r} already.", subject=name)
