"""Saved searches and their matches, where several rows have to change together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Connection, delete, select

from videlicet.errors import NotFound
from videlicet.rights import IndexScope, Scope, authorize
from videlicet.store.catalog.expressions import is_any_of
from videlicet.store.catalog.memberships import require_index, slot_of
from videlicet.store.catalog.repository import Repository
from videlicet.store.catalog.resources import (
    has_field,
    put_resource_row,
    resource_of,
    schedule_erasure,
    tenant_conditions,
)
from videlicet.store.catalog.schema import resources
from videlicet.store.records import MANAGING
from videlicet.types import Kind, Resource


class SavedSearches(Repository):
    """The saved searches' share of the catalog."""

    def put_saved_search(self, scope: IndexScope, query: Resource, trial: Resource) -> None:
        """Add a query of the scope's index together with its first trial.

        Raises:
            NotFound: ``index_not_found``, if the index was deleted meanwhile or is another.
        """
        authorize(scope, MANAGING, Kind.SAVED_SEARCH)
        with self._database.write_transaction() as connection:
            require_index(connection, scope.index_id)
            if {query.parent, trial.parent} != {scope.index_id}:
                raise NotFound(
                    "index_not_found", f"There is no index {query.parent!r}.", subject=query.parent
                )
            put_resource_row(connection, scope, query)
            put_resource_row(connection, scope, trial)

    def put_match(self, scope: IndexScope, match: Resource) -> Resource | None:
        """Add a match, unless there is one of its query and asset already; the one that is there
        then, or ``None`` where the query or the asset has gone."""
        authorize(scope, MANAGING, Kind.MATCH)
        with self._write_transaction() as connection:
            query = select(resources.c.row).where(
                *_has_id(Kind.SAVED_SEARCH, match.parent),
                resources.c.parent == scope.index_id,
                *tenant_conditions(scope),
            )
            row = connection.execute(
                select(resources).where(
                    resources.c.kind == Kind.MATCH.value,
                    resources.c.parent == match.parent,
                    resources.c.name == match.name,
                    *tenant_conditions(scope),
                )
            ).first()
            if row is not None:
                return resource_of(row)
            if connection.execute(query).first() is None:
                return None
            if slot_of(connection, scope.index_id, match.name) is None:
                return None
            put_resource_row(connection, scope, match)
        return match

    def delete_saved_search(self, scope: Scope, query_id: str) -> None:
        """Take a query away with its matches and the news of them; the media that came with it go
        with the next erasure.

        Raises:
            NotFound: ``resource_not_found``.
        """
        authorize(scope, MANAGING, Kind.SAVED_SEARCH)
        with self._database.write_transaction() as connection:
            found = connection.execute(
                select(resources.c.id, resources.c.parent).where(
                    *_has_id(Kind.SAVED_SEARCH, query_id), *tenant_conditions(scope)
                )
            ).first()
            if found is None:
                raise NotFound(
                    "resource_not_found", f"There is no query {query_id!r}.", subject=query_id
                )
            _delete_saved_search(connection, found.parent, query_id)

    def delete_match_deliveries(self, scope: Scope, match_id: str) -> None:
        """Take back what was said of a match that has gone."""
        authorize(scope, MANAGING, Kind.DELIVERY)
        with self._write_transaction() as connection:
            _delete_deliveries(connection, [match_id], tenant_conditions(scope))


def delete_matches_of_asset(connection: Connection, index_id: str, asset_id: str) -> None:
    """Take away what the queries of an index found in an asset, and what was said of it."""
    connection.execute(
        delete(resources).where(
            resources.c.kind == Kind.SAVED_SEARCH_RUN.value,
            resources.c.parent == index_id,
            resources.c.name == asset_id,
        )
    )
    found = (
        resources.c.kind == Kind.MATCH.value,
        is_any_of(resources.c.parent, _saved_search_ids(connection, index_id)),
        resources.c.name == asset_id,
    )
    gone = connection.execute(select(resources.c.id).where(*found)).scalars().all()
    if gone:
        connection.execute(delete(resources).where(*found))
        _delete_deliveries(connection, gone)


def delete_saved_searches_of_index(connection: Connection, index_id: str) -> None:
    """Take the queries of an index away, and what is still to be tried of them."""
    connection.execute(
        delete(resources).where(
            resources.c.kind == Kind.SAVED_SEARCH_RUN.value, resources.c.parent == index_id
        )
    )
    for query_id in _saved_search_ids(connection, index_id):
        _delete_saved_search(connection, index_id, query_id)


def _delete_saved_search(connection: Connection, index_id: str, query_id: str) -> None:
    ours = (resources.c.kind == Kind.MATCH.value) & (resources.c.parent == query_id)
    matches = list(connection.execute(select(resources.c.id).where(ours)).scalars())
    _delete_deliveries(connection, matches)
    connection.execute(delete(resources).where(ours))
    trials = (resources.c.kind == Kind.SAVED_SEARCH_RUN.value) & (resources.c.name == query_id)
    connection.execute(delete(resources).where(trials))
    connection.execute(delete(resources).where(*_has_id(Kind.SAVED_SEARCH, query_id)))
    schedule_erasure(connection, index_id, query_id, [f"queries/{query_id}/"])


def _delete_deliveries(
    connection: Connection, matches: Collection[str], within: Sequence[ColumnElement[bool]] = ()
) -> None:
    connection.execute(
        delete(resources).where(
            resources.c.kind == Kind.DELIVERY.value,
            has_field(("event", "data", "id"), matches),
            *within,
        )
    )


def _saved_search_ids(connection: Connection, index_id: str) -> list[str]:
    ours = (resources.c.kind == Kind.SAVED_SEARCH.value) & (resources.c.parent == index_id)
    return list(connection.execute(select(resources.c.id).where(ours)).scalars())


def _has_id(kind: Kind, id: str) -> list[ColumnElement[bool]]:
    return [resources.c.kind == kind.value, resources.c.id == id]
