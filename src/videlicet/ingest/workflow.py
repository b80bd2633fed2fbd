"""The durable workflow of one task: identify → admit → observe → store → finish.

Every step can be run again at any time and ends in the same state, so the workflow survives being
killed between or inside steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from videlicet.errors import Cancelled, VidelicetError
from videlicet.ingest.steps import IndexingSteps

if TYPE_CHECKING:
    from videlicet.ingest.context import IngestContext
    from videlicet.jobs.kinds import JobRun


def index_asset(context: IngestContext, job: JobRun, task_id: str) -> str:
    """Run one task to its end and return its status."""
    steps = IndexingSteps(context, task_id)
    plan: dict[str, Any] | None = None
    try:
        plan = job.step("identify", steps.identify)
        with steps.exclusive(plan):
            return _run(job, steps, plan)
    except VidelicetError as error:
        return _give_up(job, steps, error, None)
    except DBAPIError as error:
        # No step can be recorded: as much as still goes is done without.
        steps.fail_without_engine(job.fault(error), plan)
        raise
    finally:
        steps.close()


def _run(job: JobRun, steps: IndexingSteps, plan: dict[str, Any]) -> str:
    try:
        if not job.step("admit", lambda: steps.admit(plan)):
            return "already"
        job.step("observe", lambda: steps.observe(plan))
        notes = job.step("store", lambda: steps.store(plan))
        job.step("finish", lambda: steps.finish(plan, notes))
    except VidelicetError as error:
        # Still alone: what is taken back must not be what another task has just put there.
        return _give_up(job, steps, error, plan)
    return "ready"


def _give_up(
    job: JobRun, steps: IndexingSteps, error: VidelicetError, plan: dict[str, Any] | None
) -> str:
    job.step("give up", lambda: steps.fail(error, plan))
    return "cancelled" if isinstance(error, Cancelled) else "failed"
