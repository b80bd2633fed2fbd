"""The job kind that sends events to webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videlicet.jobs.instrumentation import task_span
from videlicet.jobs.kinds import JobQueue, PendingJob, ResourceJobKind
from videlicet.types import Kind
from videlicet.webhooks import delivery

if TYPE_CHECKING:
    from videlicet.jobs.kinds import JobRun
    from videlicet.types import Resource

#: Addresses that events are sent to at once.
DELIVERIES = 32


class DeliveryJobs(ResourceJobKind):
    """Deliveries: one workflow for each attempt to send an event to one address."""

    name = "deliver"
    #: Addresses may be slow to answer, and nothing else is to wait for them.
    queue = JobQueue("deliveries", slots=DELIVERIES)
    resource = Kind.DELIVERY
    retries = True

    def run(self, job: JobRun, *args: str) -> str:
        """Try once to send an event, and see to the next try."""
        tenant, id = args
        before = int(job.workflow_id.rpartition(".")[2])
        with task_span("delivery", id, None) as outcome:
            attempts = job.step(
                "try", lambda: delivery.attempt_delivery(self.context, tenant, id, before)
            )
            outcome.status = "ended" if attempts is None else "again"
        if attempts is not None:
            pause = delivery.retry_delay(self.context.settings, attempts)
            job.enqueue(PendingJob(self.workflow_id(id, attempts), tenant, (tenant, id), pause))
        return outcome.status

    def due_in(self, row: Resource) -> float:
        return delivery.due_in(self.context.settings, row)
