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

    def put_saved_search(
        self, scope: IndexScope, saved_search: Resource, first_run: Resource
    ) -> None:
        """Add a saved search of the scope's index together with its first run.

        Raises:
            NotFound: ``index_not_found``, if the index was deleted meanwhile or is another.
        """
        authorize(scope, MANAGING, Kind.SAVED_SEARCH)
        with self._database.write_transaction() as connection:
            require_index(connection, scope.index_id)
            if {saved_search.parent, first_run.parent} != {scope.index_id}:
                raise NotFound(
                    "index_not_found",
                    f"There is no index {saved_search.parent!r}.",
                    subject=saved_search.parent,
                )
            put_resource_row(connection, scope, saved_search)
            put_resource_row(connection, scope, first_run)

    def put_match(self, scope: IndexScope, match: Resource) -> Resource | None:
        """Add a match, unless its saved search and asset have one already: then that one is
        returned. ``None`` if the saved search or the asset was deleted."""
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

    def delete_saved_search(self, scope: Scope, saved_search_id: str) -> None:
        """Delete a saved search with its matches and their deliveries; the next erasure deletes its
        media.

        Raises:
            NotFound: ``resource_not_found``.
        """
        authorize(scope, MANAGING, Kind.SAVED_SEARCH)
        with self._database.write_transaction() as connection:
            found = connection.execute(
                select(resources.c.id, resources.c.parent).where(
                    *_has_id(Kind.SAVED_SEARCH, saved_search_id), *tenant_conditions(scope)
                )
            ).first()
            if found is None:
                raise NotFound(
                    "resource_not_found",
                    f"There is no saved search {saved_search_id!r}.",
                    subject=saved_search_id,
                )
            _delete_saved_search(connection, found.parent, saved_search_id)

    def delete_match_deliveries(self, scope: Scope, match_id: str) -> None:
        """Delete the deliveries of a match that was deleted."""
        authorize(scope, MANAGING, Kind.DELIVERY)
        with self._write_transaction() as connection:
            _delete_deliveries(connection, [match_id], tenant_conditions(scope))


def delete_matches_of_asset(connection: Connection, index_id: str, asset_id: str) -> None:
    """Delete the matches of an index's saved searches in an asset, and their deliveries."""
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
    """Delete the saved searches of an index and their pending runs."""
    connection.execute(
        delete(resources).where(
            resources.c.kind == Kind.SAVED_SEARCH_RUN.value, resources.c.parent == index_id
        )
    )
    for saved_search_id in _saved_search_ids(connection, index_id):
        _delete_saved_search(connection, index_id, saved_search_id)


def _delete_saved_search(connection: Connection, index_id: str, saved_search_id: str) -> None:
    ours = (resources.c.kind == Kind.MATCH.value) & (resources.c.parent == saved_search_id)
    matches = list(connection.execute(select(resources.c.id).where(ours)).scalars())
    _delete_deliveries(connection, matches)
    connection.execute(delete(resources).where(ours))
    runs = (resources.c.kind == Kind.SAVED_SEARCH_RUN.value) & (resources.c.name == saved_search_id)
    connection.execute(delete(resources).where(runs))
    connection.execute(delete(resources).where(*_has_id(Kind.SAVED_SEARCH, saved_search_id)))
    schedule_erasure(connection, index_id, saved_search_id, [f"queries/{saved_search_id}/"])


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
