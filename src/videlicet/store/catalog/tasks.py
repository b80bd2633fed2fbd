"""Durable jobs as users see them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from videlicet.errors import NotFound
from videlicet.rights import EVERY_TENANT, Grant, authorize
from videlicet.store.catalog.part import Part
from videlicet.store.catalog.rows import task_of, task_row
from videlicet.store.catalog.schema import tasks
from videlicet.store.records import MANAGING, READING
from videlicet.types import Status, Task


def write_task(connection: Connection, task: Task) -> None:
    """Add a task, or replace it, within a transaction."""
    row = task_row(task)
    if not connection.execute(update(tasks).where(tasks.c.id == task.id).values(row)).rowcount:
        connection.execute(insert(tasks).values(row))


@dataclass(frozen=True, slots=True)
class TaskKey:
    """Which task, and how often it was tried."""

    id: str
    tenant: str
    attempts: int


class Tasks(Part):
    """The tasks' share of the catalog.

    Task rows are the one thing a process that does not hold the writer's lock may change: whoever
    asks for a task to be cancelled is rarely the process that runs it.
    """

    def put_task(self, grant: Grant, task: Task) -> None:
        """Add a task, or replace it as a whole."""
        authorize(grant, MANAGING, "task")
        with self._database.writing() as connection:
            write_task(connection, task)

    def task(self, grant: Grant, task_id: str) -> Task:
        """A task by id.

        Raises:
            NotFound: ``task_not_found``.
        """
        authorize(grant, READING, "task")
        with self._reading() as connection:
            row = connection.execute(select(tasks).where(tasks.c.id == task_id)).first()
        if row is None or not grant.covers(row.tenant):
            raise _unknown(task_id)
        return task_of(row)

    def tasks(
        self,
        grant: Grant,
        index_id: str | None = None,
        status: Status | None = None,
        source: str | None = None,
    ) -> list[Task]:
        """Tasks of one index or of all (of one source or of all), newest first."""
        authorize(grant, READING, "task")
        query = select(tasks).order_by(tasks.c.created_at.desc(), tasks.c.id)
        if grant.tenant != EVERY_TENANT:
            query = query.where(tasks.c.tenant == grant.tenant)
        if index_id is not None:
            query = query.where(tasks.c.index_id == index_id)
        if source is not None:
            query = query.where(tasks.c.source == source)
        if status is not None:
            query = query.where(tasks.c.status == status.value)
        with self._reading() as connection:
            return [task_of(row) for row in connection.execute(query)]

    def task_keys(self, grant: Grant, *, status: Collection[Status]) -> list[TaskKey]:
        """What says which tasks are in some states, oldest first, without what else they hold."""
        authorize(grant, READING, "task")
        query = (
            select(tasks.c.id, tasks.c.tenant, tasks.c.attempts)
            .where(*self._mine(grant), tasks.c.status.in_([one.value for one in status]))
            .order_by(tasks.c.created_at, tasks.c.id)
        )
        with self._reading() as connection:
            return [TaskKey(*row) for row in connection.execute(query)]

    def count_tasks(self, grant: Grant) -> dict[Status, int]:
        """How many tasks stand where."""
        authorize(grant, READING, "task")
        query = select(tasks.c.status, func.count()).where(*self._mine(grant))
        with self._reading() as connection:
            found = {status: int(n) for status, n in connection.execute(query.group_by("status"))}
        return {status: found.get(status.value, 0) for status in Status}

    def update_task(
        self, grant: Grant, task_id: str, *, when: Collection[Status] = (), **changes: Any
    ) -> Task:
        """Change fields of a task in one transaction and return it; ``updated_at`` is set. With
        ``when``, a task in any other status stays as it is.

        Raises:
            NotFound: ``task_not_found``.
            TypeError: a name that is no field of a task.
        """
        authorize(grant, MANAGING, "task")
        if unknown := set(changes) - set(tasks.c.keys()) | ({"id"} & set(changes)):
            raise TypeError(f"update_task cannot set {', '.join(sorted(unknown))}")
        values = {"updated_at": datetime.now(UTC), **changes}
        if "status" in values:
            values["status"] = Status(values["status"]).value
        if values.get("error") is not None:
            values["error"] = dict(values["error"])
        with self._database.writing() as connection:
            chosen = update(tasks).where(tasks.c.id == task_id, *self._mine(grant))
            if when:
                chosen = chosen.where(tasks.c.status.in_([Status(one).value for one in when]))
            connection.execute(chosen.values(values))
            row = connection.execute(
                select(tasks).where(tasks.c.id == task_id, *self._mine(grant))
            ).first()
        if row is None:
            raise _unknown(task_id)
        return task_of(row)

    def delete_task(self, grant: Grant, task_id: str) -> None:
        """Take a task out of the list; unknown ids are fine."""
        authorize(grant, MANAGING, "task")
        with self._database.writing() as connection:
            connection.execute(delete(tasks).where(tasks.c.id == task_id, *self._mine(grant)))

    @staticmethod
    def _mine(grant: Grant) -> list[ColumnElement[bool]]:
        return [] if grant.tenant == EVERY_TENANT else [tasks.c.tenant == grant.tenant]


def _unknown(task_id: str) -> NotFound:
    return NotFound("task_not_found", f"There is no task {task_id!r}.", subject=task_id)
