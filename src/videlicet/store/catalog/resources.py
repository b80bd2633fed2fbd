"""Resources: uploads, entities, analyses and whatever else is kept beside assets and videos."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, select, update

from videlicet.errors import InvalidInput, NotFound
from videlicet.rights import Purpose, Scope, authorize
from videlicet.store.catalog.expressions import is_any_of, without_keys
from videlicet.store.catalog.owners import RESOURCE_FOLDERS
from videlicet.store.catalog.repository import Repository
from videlicet.store.catalog.schema import casefolded, erasures, resource_fields, resources
from videlicet.store.catalog.tasks import put_task
from videlicet.store.records import MANAGING, READING
from videlicet.types import Kind, Resource, Task

#: Condition on the body: a path of keys, an operator (``==``, ``>=``, ``<=``) and a value.
Condition = tuple[Sequence[str], str, str | int | float | bool]

#: Texts in bodies that resources of a kind are looked up by: conditions on these use an index.
INDEXED_FIELDS: Mapping[Kind, Sequence[tuple[str, ...]]] = {
    Kind.ANALYSIS: [("own",)],
    Kind.DELIVERY: [("event", "data", "id")],
}
#: Kinds that may be changed beside the process that has the writer's lock.
UNLOCKED_KINDS = (Kind.WEBHOOK, Kind.SAVED_SEARCH, Kind.SAVED_SEARCH_RUN)


#: What else than managing the resources of a kind are changed for, because it makes them.
_MADE_BY = {
    Kind.SEARCH: Purpose.SEARCH,
    Kind.ANALYSIS: Purpose.ANALYZE,
    Kind.BATCH: Purpose.ANALYZE,
    Kind.EMBEDDING: Purpose.EMBED_EXPORT,
}
#: What a resource keeps for as long as it lives.
_FIXED = frozenset({"row", "id", "kind", "tenant"})


@dataclass(frozen=True, slots=True)
class ResourceKey:
    """Which resource, its status, how often it was tried, and the video it waits for."""

    id: str
    tenant: str
    status: str
    attempts: int | None
    video_id: str | None


class Resources(Repository):
    """The resources' share of the catalog. Every call keeps to the scope's tenant.

    Webhooks and saved searches may be changed without the writer's lock, as keys may: while a
    server runs.
    """

    def put_resource(self, scope: Scope, one: Resource, task: Task | None = None) -> None:
        """Add a resource, or replace it as a whole; with the task that works on it, if given.

        Raises:
            NotFound: ``resource_not_found`` for a resource of another tenant.
        """
        authorize(scope, _changing(one.kind), one.kind)
        with self._writer_of(one.kind) as connection:
            put_resource_row(connection, scope, one)
            if task is not None:
                put_task(connection, scope, task)

    def resource(self, scope: Scope, kind: Kind, id: str) -> Resource:
        """A resource by id.

        Raises:
            NotFound: ``resource_not_found``.
        """
        authorize(scope, READING, kind)
        query = select(resources).where(*_one(scope, kind, id))
        with self._read_transaction() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise _unknown(kind, id)
        return resource_of(row)

    def find_resources(
        self,
        scope: Scope,
        kind: Kind,
        *,
        ids: Collection[str] | None = None,
        parent: str | None = None,
        status: Collection[str] = (),
        name: str | None = None,
        named_like: str | None = None,
        since: datetime | None = None,
        updated_since: datetime | None = None,
        until: datetime | None = None,
        body: Sequence[Condition] = (),
        sort: str = "created_at",
        by_number: str | None = None,
        omit: Collection[str] = (),
        ascending: bool = False,
        offset: int = 0,
        limit: int | None = None,
    ) -> tuple[list[Resource], int]:
        """A stretch of those that meet every condition, and how many do in all.

        ``named_like`` matches part of the name, whatever the case; ``since``, ``updated_since``
        and ``until`` are times, bounds included. ``by_number`` sorts by a number in the body (0
        where there is none) before ``sort``. Equal sort keys are in the order of making. The keys
        of bodies that ``omit`` names are not read: for lists of what has large bodies.
        """
        authorize(scope, READING, kind)
        conditions: list[ColumnElement[bool]] = [
            resources.c.kind == kind.value,
            *tenant_conditions(scope),
        ]
        if ids is not None:
            conditions.append(is_any_of(resources.c.id, ids))
        if parent is not None:
            conditions.append(resources.c.parent == parent)
        if status:
            conditions.append(is_any_of(resources.c.status, status))
        if name is not None:
            conditions.append(resources.c.name == name)
        if named_like is not None:
            conditions.append(
                resources.c.name_folded.contains(casefolded(named_like), autoescape=True)
            )
        if since is not None:
            conditions.append(resources.c.created_at >= since)
        if updated_since is not None:
            conditions.append(resources.c.updated_at >= updated_since)
        if until is not None:
            conditions.append(resources.c.created_at <= until)
        conditions += [_condition(kind, *one) for one in body]
        keys: list[ColumnElement[Any]] = [resources.c[sort], resources.c.row]
        if by_number is not None:
            keys.insert(0, func.coalesce(resources.c.body[by_number].as_float(), 0.0))
        order = [key.asc() if ascending else key.desc() for key in keys]
        columns = [column for column in resources.c if column.name != "body"]
        body_column = without_keys(resources.c.body, omit).label("body")
        query: Select[Any] = select(*columns, body_column).where(*conditions).order_by(*order)
        with self._read_transaction() as connection:
            total = connection.execute(
                select(func.count()).select_from(resources).where(*conditions)
            ).scalar_one()
            chosen = query.offset(offset).limit(limit)
            rows = [] if limit == 0 else connection.execute(chosen).all()
        return [resource_of(row) for row in rows], int(total)

    def resource_keys(
        self,
        scope: Scope,
        kind: Kind,
        *,
        ids: Collection[str] | None = None,
        status: Collection[str] = (),
    ) -> list[ResourceKey]:
        """What says which resources there are, oldest first, without their bodies."""
        authorize(scope, READING, kind)
        attempts = resources.c.body["attempts"].as_integer()
        video_id = resources.c.body["video_id"].as_string()
        query = select(
            resources.c.id, resources.c.tenant, resources.c.status, attempts, video_id
        ).where(resources.c.kind == kind.value, *tenant_conditions(scope))
        if ids is not None:
            query = query.where(resources.c.id.in_(list(ids)))
        if status:
            query = query.where(resources.c.status.in_(list(status)))
        with self._read_transaction() as connection:
            rows = connection.execute(query.order_by(resources.c.row)).all()
        return [ResourceKey(*row) for row in rows]

    def update_resource(
        self,
        scope: Scope,
        kind: Kind,
        id: str,
        *,
        when: Collection[str] = (),
        body: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> Resource:
        """Change fields in one transaction; ``body`` is merged into what is there, key by key.
        ``updated_at`` is set. With ``when``, one of another status stays as it is.

        Raises:
            NotFound: ``resource_not_found``.
        """
        authorize(scope, _changing(kind), kind)
        if fixed := _FIXED & set(changes):
            raise TypeError(f"update_resource cannot set {', '.join(sorted(fixed))}")
        query = select(resources).where(*_one(scope, kind, id))
        with self._writer_of(kind) as connection:
            row = connection.execute(query).first()
            if row is None:
                raise _unknown(kind, id)
            if when and row.status not in when:
                return resource_of(row)
            values = {"updated_at": datetime.now(UTC), **changes}
            if "name" in values:
                values["name_folded"] = casefolded(values["name"])
            if body is not None:
                values["body"] = {**row.body, **body}
            connection.execute(update(resources).where(resources.c.row == row.row).values(values))
            if body is not None:
                _write_fields(connection, row.row, kind, values["body"])
            return resource_of(connection.execute(query).one())

    def delete_resource(
        self, scope: Scope, kind: Kind, id: str, *, blobs: Sequence[str] = ()
    ) -> None:
        """Take a resource away. Its ``blobs``, if it has any, go with the next erasure
        (``Store.finish_erasures``), even if this process ends before.

        Raises:
            NotFound: ``resource_not_found``.
            InvalidInput: ``invalid_argument`` for blobs that are not the resource's.
        """
        authorize(scope, _changing(kind), kind)
        folders = tuple(f"{name}/{id}/" for name, one in RESOURCE_FOLDERS.items() if one is kind)
        for key in blobs:
            if not key.startswith(folders):
                raise InvalidInput(
                    "invalid_argument", f"Blob {key!r} does not belong to {kind} {id}.", subject=key
                )
        with self._writer_of(kind) as connection:
            if not connection.execute(delete(resources).where(*_one(scope, kind, id))).rowcount:
                raise _unknown(kind, id)
            if blobs:
                schedule_erasure(connection, "", id, blobs)

    def _writer_of(self, kind: Kind) -> AbstractContextManager[Connection]:
        return (
            self._database.write_transaction()
            if kind in UNLOCKED_KINDS
            else self._write_transaction()
        )

    def delete_resources(
        self,
        scope: Scope,
        kind: Kind,
        *,
        parent: str | None = None,
        expired: datetime | None = None,
    ) -> int:
        """Take all of a kind away that hang on ``parent``, or had expired at a time."""
        authorize(scope, _changing(kind), kind)
        conditions = [resources.c.kind == kind.value, *tenant_conditions(scope)]
        if parent is not None:
            conditions.append(resources.c.parent == parent)
        if expired is not None:
            conditions.append(resources.c.expires_at < expired)
        with self._write_transaction() as connection:
            return int(connection.execute(delete(resources).where(*conditions)).rowcount)


def _changing(kind: Kind) -> frozenset[Purpose]:
    """What resources of a kind may be changed for."""
    return MANAGING | {_MADE_BY[kind]} if kind in _MADE_BY else MANAGING


def put_resource_row(connection: Connection, scope: Scope, one: Resource) -> None:
    """Add a resource within a transaction, or replace it as a whole.

    Raises:
        NotFound: ``resource_not_found`` for a resource of another tenant.
    """
    row = _row(one)
    where = [resources.c.kind == one.kind.value, resources.c.id == one.id]
    there = connection.execute(select(resources.c.tenant).where(*where)).scalar()
    if not scope.covers(one.tenant) or there not in (None, one.tenant):
        raise _unknown(one.kind, one.id)
    if there is None:
        connection.execute(insert(resources).values(row))
    else:
        connection.execute(update(resources).where(*where).values(row))
    if one.kind in INDEXED_FIELDS:
        key = connection.execute(select(resources.c.row).where(*where)).scalar_one()
        _write_fields(connection, key, one.kind, one.body)


def _write_fields(connection: Connection, key: int, kind: Kind, body: Mapping[str, Any]) -> None:
    """Note what a resource is looked up by."""
    if kind not in INDEXED_FIELDS:
        return
    connection.execute(delete(resource_fields).where(resource_fields.c.resource == key))
    rows = []
    for path in INDEXED_FIELDS[kind]:
        value: Any = body
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        if isinstance(value, str):
            rows.append({"resource": key, "path": ".".join(path), "value": value})
    if rows:
        connection.execute(insert(resource_fields), rows)


def has_field(path: Sequence[str], values: Collection[str]) -> ColumnElement[bool]:
    """Whether a resource has one of these values where it is looked up by."""
    return resources.c.row.in_(
        select(resource_fields.c.resource).where(
            resource_fields.c.path == ".".join(path), is_any_of(resource_fields.c.value, values)
        )
    )


def schedule_erasure(connection: Connection, index_id: str, id: str, blobs: Sequence[str]) -> None:
    """Note within a transaction that blobs (and all under those ending in ``/``) are to go."""
    connection.execute(
        insert(erasures).values(
            index_id=index_id, asset_id=id, blobs=list(blobs), created_at=datetime.now(UTC)
        )
    )


def tenant_conditions(scope: Scope) -> list[ColumnElement[bool]]:
    """What keeps a query of resources inside the scope's tenant."""
    return [] if scope.every_tenant else [resources.c.tenant == scope.tenant]


def _one(scope: Scope, kind: Kind, id: str) -> list[ColumnElement[bool]]:
    return [resources.c.kind == kind.value, resources.c.id == id, *tenant_conditions(scope)]


def _condition(
    kind: Kind, path: Sequence[str], operator: str, value: str | int | float | bool
) -> ColumnElement[bool]:
    if isinstance(value, str) and tuple(path) in INDEXED_FIELDS.get(kind, ()):
        return has_field(path, [value])
    found = resources.c.body[tuple(path)]
    wanted: ColumnElement[bool]
    match value:
        case bool():
            wanted = found.as_boolean() == value
        case str():
            wanted = found.as_string() == value
        case _:
            number = found.as_float()
            tests = {"==": number.__eq__, ">=": number.__ge__, "<=": number.__le__}
            wanted = tests[operator](float(value))
    return wanted


def _row(one: Resource) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind.value,
        "tenant": one.tenant,
        "parent": one.parent,
        "name": one.name,
        "name_folded": casefolded(one.name),
        "status": one.status,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "expires_at": one.expires_at,
        "body": dict(one.body),
    }


def resource_of(row: Row[Any]) -> Resource:
    """A row of the table as a record."""
    return Resource(
        id=row.id,
        kind=Kind(row.kind),
        tenant=row.tenant,
        created_at=row.created_at,
        updated_at=row.updated_at,
        status=row.status,
        parent=row.parent,
        name=row.name,
        expires_at=row.expires_at,
        body=dict(row.body),
    )


def _unknown(kind: Kind, id: str) -> NotFound:
    return NotFound("resource_not_found", f"There is no {kind} {id!r}.", subject=id)
