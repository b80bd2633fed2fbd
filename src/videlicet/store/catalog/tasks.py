"""Durable jobs as users see them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from videlicet.errors import NotFound
from videlicet.rights import Scope, authorize
from videlicet.store.catalog.repository import Repository
from videlicet.store.catalog.rows import task_of, task_row
from videlicet.store.catalog.schema import indexes, tasks
from videlicet.store.records import MANAGING, READING
from videlicet.types import Status, Task

#: What a task keeps for as long as it lives.
_FIXED = frozenset({"id", "tenant", "index_id"})


def put_task(connection: Connection, scope: Scope, task: Task) -> None:
    """Add a task within the scope's reach, or replace it, within a transaction."""
    there = connection.execute(select(tasks.c.tenant).where(tasks.c.id == task.id)).scalar()
    if not scope.covers(task.tenant) or there not in (None, task.tenant):
        raise _unknown(task.id)
    owner = connection.execute(
        select(indexes.c.tenant).where(indexes.c.id == task.index_id)
    ).scalar()
    if owner not in (None, task.tenant):
        raise NotFound(
            "index_not_found", f"There is no index {task.index_id!r}.", subject=task.index_id
        )
    row = task_row(task)
    if not connection.execute(update(tasks).where(tasks.c.id == task.id).values(row)).rowcount:
        connection.execute(insert(tasks).values(row))


@dataclass(frozen=True, slots=True)
class TaskKey:
    """Which task, and how often it was tried."""

    id: str
    tenant: str
    attempts: int


class Tasks(Repository):
    """The tasks' share of the catalog.

    Task rows are the one thing a process that does not hold the writer's lock may change: whoever
    asks for a task to be cancelled is rarely the process that runs it.
    """

    def put_task(self, scope: Scope, task: Task) -> None:
        """Add a task, or replace it as a whole.

        Raises:
            NotFound: ``task_not_found`` for a task of another tenant, ``index_not_found`` for one
                in an index of another tenant.
        """
        authorize(scope, MANAGING, "task")
        with self._database.write_transaction() as connection:
            put_task(connection, scope, task)

    def task(self, scope: Scope, task_id: str) -> Task:
        """A task by id.

        Raises:
            NotFound: ``task_not_found``.
        """
        authorize(scope, READING, "task")
        with self._read_transaction() as connection:
            row = connection.execute(select(tasks).where(tasks.c.id == task_id)).first()
        if row is None or not scope.covers(row.tenant):
            raise _unknown(task_id)
        return task_of(row)

    def tasks(
        self,
        scope: Scope,
        status: Status | None = None,
        source: str | None = None,
        video_id: str | None = None,
    ) -> list[Task]:
        """Tasks of the scope's index or else of its tenant (of one source or video, or of all),
        newest first."""
        authorize(scope, READING, "task")
        query = select(tasks).order_by(tasks.c.created_at.desc(), tasks.c.id)
        query = query.where(*self._mine(scope))
        if scope.index_id is not None:
            query = query.where(tasks.c.index_id == scope.index_id)
        if source is not None:
            query = query.where(tasks.c.source == source)
        if video_id is not None:
            query = query.where(tasks.c.video_id == video_id)
        if status is not None:
            query = query.where(tasks.c.status == status.value)
        with self._read_transaction() as connection:
            return [task_of(row) for row in connection.execute(query)]

    def task_keys(self, scope: Scope, *, status: Collection[Status]) -> list[TaskKey]:
        """What says which tasks are in some states, oldest first, without what else they hold."""
        authorize(scope, READING, "task")
        query = (
            select(tasks.c.id, tasks.c.tenant, tasks.c.attempts)
            .where(*self._mine(scope), tasks.c.status.in_([one.value for one in status]))
            .order_by(tasks.c.created_at, tasks.c.id)
        )
        with self._read_transaction() as connection:
            return [TaskKey(*row) for row in connection.execute(query)]

    def count_tasks(self, scope: Scope) -> dict[Status, int]:
        """How many tasks stand where."""
        authorize(scope, READING, "task")
        query = select(tasks.c.status, func.count()).where(*self._mine(scope))
        with self._read_transaction() as connection:
            found = {status: int(n) for status, n in connection.execute(query.group_by("status"))}
        return {status: found.get(status.value, 0) for status in Status}

    def update_task(
        self, scope: Scope, task_id: str, *, when: Collection[Status] = (), **changes: Any
    ) -> Task:
        """Change fields of a task in one transaction and return it; ``updated_at`` is set. With
        ``when``, a task in any other status stays as it is.

        Raises:
            NotFound: ``task_not_found``.
            TypeError: a name that is no field of a task.
        """
        authorize(scope, MANAGING, "task")
        if unknown := set(changes) - set(tasks.c.keys()) | (_FIXED & set(changes)):
            raise TypeError(f"update_task cannot set {', '.join(sorted(unknown))}")
        values = {"updated_at": datetime.now(UTC), **changes}
        if "status" in values:
            values["status"] = Status(values["status"]).value
        if values.get("error") is not None:
            values["error"] = dict(values["error"])
        with self._database.write_transaction() as connection:
            chosen = update(tasks).where(tasks.c.id == task_id, *self._mine(scope))
            if when:
                chosen = chosen.where(tasks.c.status.in_([Status(one).value for one in when]))
            connection.execute(chosen.values(values))
            row = connection.execute(
                select(tasks).where(tasks.c.id == task_id, *self._mine(scope))
            ).first()
        if row is None:
            raise _unknown(task_id)
        return task_of(row)

    def delete_task(self, scope: Scope, task_id: str) -> None:
        """Take a task out of the list; unknown ids are fine."""
        authorize(scope, MANAGING, "task")
        with self._database.write_transaction() as connection:
            connection.execute(delete(tasks).where(tasks.c.id == task_id, *self._mine(scope)))

    @staticmethod
    def _mine(scope: Scope) -> list[ColumnElement[bool]]:
        return [] if scope.every_tenant else [tasks.c.tenant == scope.tenant]


def _unknown(task_id: str) -> NotFound:
    return NotFound("task_not_found", f"There is no task {task_id!r}.", subject=task_id)
