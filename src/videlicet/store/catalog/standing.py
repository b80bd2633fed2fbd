"""Standing queries and their matches, where several rows have to change together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Connection, delete, select

from videlicet.errors import NotFound
from videlicet.rights import IndexScope, Scope, authorize
from videlicet.store.catalog.expressions import one_of
from videlicet.store.catalog.part import Part
from videlicet.store.catalog.resources import erase_later, put, reach, resource_of, with_field
from videlicet.store.catalog.schema import resources
from videlicet.store.catalog.slots import require_index, slot_of
from videlicet.store.records import MANAGING
from videlicet.types import Kind, Resource, match_id


class Standing(Part):
    """The standing queries' share of the catalog."""

    def put_query(self, scope: IndexScope, query: Resource, trial: Resource) -> None:
        """Add a query of the scope's index together with its first trial.

        Raises:
            NotFound: ``index_not_found``, if the index was deleted meanwhile or is another.
        """
        authorize(scope, MANAGING, Kind.QUERY)
        with self._database.writing() as connection:
            require_index(connection, scope.index_id)
            if {query.parent, trial.parent} != {scope.index_id}:
                raise NotFound(
                    "index_not_found", f"There is no index {query.parent!r}.", subject=query.parent
                )
            put(connection, scope, query)
            put(connection, scope, trial)

    def put_match(self, scope: IndexScope, match: Resource) -> Resource | None:
        """Add a match, unless there is one of its query and asset already; the one that is there
        then, or ``None`` where the query or the asset has gone."""
        authorize(scope, MANAGING, Kind.MATCH)
        with self._writing() as connection:
            query = select(resources.c.row).where(
                *_is(Kind.QUERY, match.parent),
                resources.c.parent == scope.index_id,
                *reach(scope),
            )
            row = connection.execute(
                select(resources).where(*_is(Kind.MATCH, match.id), *reach(scope))
            ).first()
            if row is not None:
                return resource_of(row)
            if connection.execute(query).first() is None:
                return None
            if slot_of(connection, scope.index_id, match.name) is None:
                return None
            put(connection, scope, match)
        return match

    def delete_query(self, scope: Scope, query_id: str) -> None:
        """Take a query away with its matches and the news of them; the media that came with it go
        with the next erasure.

        Raises:
            NotFound: ``resource_not_found``.
        """
        authorize(scope, MANAGING, Kind.QUERY)
        with self._database.writing() as connection:
            found = connection.execute(
                select(resources.c.id, resources.c.parent).where(
                    *_is(Kind.QUERY, query_id), *reach(scope)
                )
            ).first()
            if found is None:
                raise NotFound(
                    "resource_not_found", f"There is no query {query_id!r}.", subject=query_id
                )
            _forget(connection, found.parent, query_id)

    def retract(self, scope: Scope, match_id: str) -> None:
        """Take back what was said of a match that has gone."""
        authorize(scope, MANAGING, Kind.DELIVERY)
        with self._writing() as connection:
            _hush(connection, [match_id], reach(scope))


def forget_asset(connection: Connection, index_id: str, asset_id: str) -> None:
    """Take away what the queries of an index found in an asset, and what was said of it."""
    connection.execute(
        delete(resources).where(
            resources.c.kind == Kind.TRIAL.value,
            resources.c.parent == index_id,
            resources.c.name == asset_id,
        )
    )
    matches = [match_id(query_id, asset_id) for query_id in _queries(connection, index_id)]
    gone = connection.execute(
        delete(resources).where(
            resources.c.kind == Kind.MATCH.value, one_of(resources.c.id, matches)
        )
    ).rowcount
    if gone:
        _hush(connection, matches)


def forget_index(connection: Connection, index_id: str) -> None:
    """Take the queries of an index away, and what is still to be tried of them."""
    connection.execute(
        delete(resources).where(
            resources.c.kind == Kind.TRIAL.value, resources.c.parent == index_id
        )
    )
    for query_id in _queries(connection, index_id):
        _forget(connection, index_id, query_id)


def _forget(connection: Connection, index_id: str, query_id: str) -> None:
    ours = (resources.c.kind == Kind.MATCH.value) & (resources.c.parent == query_id)
    matches = list(connection.execute(select(resources.c.id).where(ours)).scalars())
    _hush(connection, matches)
    connection.execute(delete(resources).where(ours))
    trials = (resources.c.kind == Kind.TRIAL.value) & (resources.c.name == query_id)
    connection.execute(delete(resources).where(trials))
    connection.execute(delete(resources).where(*_is(Kind.QUERY, query_id)))
    erase_later(connection, index_id, query_id, [f"queries/{query_id}/"])


def _hush(
    connection: Connection, matches: Collection[str], within: Sequence[ColumnElement[bool]] = ()
) -> None:
    connection.execute(
        delete(resources).where(
            resources.c.kind == Kind.DELIVERY.value,
            with_field(("event", "data", "id"), matches),
            *within,
        )
    )


def _queries(connection: Connection, index_id: str) -> list[str]:
    ours = (resources.c.kind == Kind.QUERY.value) & (resources.c.parent == index_id)
    return list(connection.execute(select(resources.c.id).where(ours)).scalars())


def _is(kind: Kind, id: str) -> list[ColumnElement[bool]]:
    return [resources.c.kind == kind.value, resources.c.id == id]
