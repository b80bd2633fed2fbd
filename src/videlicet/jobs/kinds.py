"""What a kind of background job is to the engine, which itself knows none.

A kind is the part of the product that accepts work and does it: it says which of its jobs have not
ended, and runs one as a durable workflow. The names of kinds and queues and the ids of workflows
are stored with what waits, so they never change.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from videlicet.errors import NotFound, VidelicetError

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError

    from videlicet.jobs.context import WorkerContext
    from videlicet.settings import Settings
    from videlicet.types import Kind, Resource


@dataclass(frozen=True, slots=True)
class JobQueue:
    """A durable queue. With ``slots`` one worker runs that many of its jobs at once; without, as
    many of each tenant as the settings say, and one more in all, so that no tenant has to wait for
    all jobs of another."""

    name: str
    slots: int | None = None

    @property
    def by_tenant(self) -> bool:
        """Whether each tenant has a line of its own."""
        return self.slots is None

    def limits(self, settings: Settings) -> tuple[int, int | None]:
        """How many jobs one worker runs at once: in all, and of one tenant."""
        if self.slots is not None:
            return self.slots, None
        return settings.max_tasks_per_tenant + 1, settings.max_tasks_per_tenant


#: For jobs of seconds, which must not wait behind whole videos.
SHORT_QUEUE = JobQueue("short-by-tenant")


@dataclass(frozen=True, slots=True)
class PendingJob:
    """A job that has not ended, and the workflow it needs: its id, its arguments, and the seconds
    until it is due."""

    workflow_id: str
    tenant: str
    args: tuple[str, ...]
    delay: float = 0.0


class JobRun(Protocol):
    """One run of a workflow, as the kind that does the work sees it."""

    @property
    def workflow_id(self) -> str: ...

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """Do ``work`` once and remember how it ended, as JSON: a workflow that is taken up again
        reads that instead. Raises the error that it ended with."""

    def single_step(
        self, name: str, work: Callable[[], str], give_up: Callable[[VidelicetError], str]
    ) -> str:
        """A job of one step, which handles the caller's faults itself. One of ours is handed to
        ``give_up``, or the job would be begun again for ever."""

    def enqueue(self, job: PendingJob) -> None:
        """Begin another workflow of the same kind. Asking again changes nothing."""

    def fault(self, error: DBAPIError) -> VidelicetError:
        """Our error for one that says that a step cannot be recorded."""


class JobKind(ABC):
    """One kind of job in one worker process; every method may be called from any thread."""

    #: Stored with each workflow.
    name: ClassVar[str]
    queue: ClassVar[JobQueue]

    def __init__(self, context: WorkerContext) -> None:
        self.context = context

    @abstractmethod
    def run(self, job: JobRun, *args: str) -> str:
        """Do one job, and say how it ended."""

    @abstractmethod
    def pending(self) -> Iterable[PendingJob]:
        """Every job that has not ended. Asked at every notification: it reads keys only."""

    @abstractmethod
    def refresh(self, job: PendingJob) -> PendingJob | None:
        """The job as it is now, ``None`` if it has ended since :meth:`pending`."""

    def restart(self, job: PendingJob) -> PendingJob:
        """What to begin for a job that has not ended although its workflow has, as where the disk
        was full. A job that keeps its workflow's id has that workflow erased first."""
        return job

    def warm_up(self) -> None:
        """Load what pending jobs will need, in a thread of its own while the engine starts."""
        return

    def recover(self) -> None:
        """Take back what killed workers left behind, before any workflow runs."""
        return

    def sweep(self) -> None:
        """Delete what nobody needs any more; now and then, while workflows run."""
        return

    def close(self) -> None:
        """Let go of what :meth:`run` needs. No workflow runs any more."""
        return


class ResourceJobKind(JobKind):
    """Jobs that are resources of the catalog: one workflow each, or with ``retries`` one for each
    attempt that the resource counts. Workflows have the arguments tenant and id."""

    resource: ClassVar[Kind]
    #: In these states a job has not ended.
    live: ClassVar[tuple[str, ...]] = ("processing",)
    retries: ClassVar[bool] = False

    def pending(self) -> Iterable[PendingJob]:
        keys = self.context.store.catalog.resource_keys(
            self.context.scope, self.resource, status=self.live
        )
        return [
            PendingJob(self.workflow_id(key.id, key.attempts), key.tenant, (key.tenant, key.id))
            for key in keys
        ]

    def refresh(self, job: PendingJob) -> PendingJob | None:
        tenant, id = job.args
        try:
            row = self.context.store.catalog.resource(
                self.context.tenant_scope(tenant), self.resource, id
            )
        except NotFound:
            return None
        now = self.workflow_id(row.id, row.body.get("attempts"))
        if row.status not in self.live or now != job.workflow_id:
            return None
        return replace(job, delay=self.due_in(row))

    def due_in(self, row: Resource) -> float:
        """Seconds until a job is due."""
        return 0.0

    def workflow_id(self, id: str, attempts: int | None) -> str:
        return f"{self.name}.{id}.{attempts or 0}" if self.retries else f"{self.name}.{id}"
