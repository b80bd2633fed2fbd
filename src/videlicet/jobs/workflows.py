"""The durable workflow: one task is identify → observe → store → finish.

Every step can be run again at any time and ends in the same state, so the workflow survives being
killed between or inside steps. A step never raises what it means to report: its outcome, good or
bad, is JSON that the next run of the same workflow reads back instead of running the step again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dbos import DBOS
from sqlalchemy.exc import DBAPIError

from videlicet.analysis_jobs import analyses
from videlicet.errors import Cancelled, TaskError, VidelicetError, from_json
from videlicet.ingest import file_jobs
from videlicet.ingest.steps import Steps
from videlicet.jobs.context import Runtime
from videlicet.jobs.instrumentation import told, told_step, trace_of, trace_of_task
from videlicet.types import Kind
from videlicet.webhooks import delivery

#: Queues in which each tenant has a line of its own. What a program from before that left in a
#: queue of another name goes on from there.
QUEUE = "ingest-by-tenant"
WORKFLOW = "ingest"
#: Work that takes seconds has a queue of its own, so that it never waits behind whole films.
SHORT_QUEUE = "short-by-tenant"
PREPARE = "prepare"
EMBED = "embed"
#: Language models may be slow to answer.
ANALYSIS_QUEUE = "analyses-by-tenant"
ANALYZE = "analyze"
#: Addresses may be slow to answer, and nothing else is to wait for them.
DELIVERY_QUEUE = "deliveries"
DELIVER = "deliver"
#: Standing queries against what is there, and what could not be tried at once.
TRY = "try"

_runtime: Runtime | None = None


def host(runtime: Runtime | None) -> None:
    """Say in which runtime this process's workflows run."""
    global _runtime
    _runtime = runtime


def workflow_id(task_id: str, attempts: int) -> str:
    """One workflow for each time a task is tried."""
    return f"{task_id}.{attempts}"


def enqueue_try(tenant: str, delivery_id: str, tries: int, pause: float) -> None:
    """Have a delivery that was tried so many times tried again, in so many seconds. Once it is
    asked for, asking again changes nothing. What waits takes no place in the queue."""
    DBOS.enqueue_workflow_with_options(
        {
            "queue_name": DELIVERY_QUEUE,
            "workflow_name": DELIVER,
            "workflow_id": try_id(delivery_id, tries),
            "delay_seconds": pause,
        },
        tenant,
        delivery_id,
    )


def try_id(delivery_id: str, tries: int) -> str:
    """One workflow for each try of a delivery."""
    return f"{DELIVER}.{delivery_id}.{tries}"


@DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
def run_task(task_id: str) -> str:
    """Run one task to its end and return its status."""
    assert _runtime is not None
    with told("task", task_id, trace_of_task(_runtime, task_id)) as end:
        end.status = _run_task(_runtime, task_id)
        return end.status


def _run_task(runtime: Runtime, task_id: str) -> str:
    steps = Steps(runtime, task_id)
    plan: dict[str, Any] | None = None
    try:
        plan = _step("identify", steps.identify)
        with steps.alone(plan):
            return _run(steps, plan)
    except VidelicetError as error:
        return _give_up(steps, error, None)
    except DBAPIError as error:
        # The books cannot be written, so no step can be: as much as still goes is done without.
        from videlicet.jobs.workflow_engine import fault

        steps.break_off(fault(error, runtime), plan)
        raise
    finally:
        steps.leave()


def _run(steps: Steps, plan: dict[str, Any]) -> str:
    try:
        if not _step("admit", lambda: steps.admit(plan)):
            return "already"
        _step("observe", lambda: steps.observe(plan))
        notes = _step("store", lambda: steps.store(plan))
        _step("finish", lambda: steps.finish(plan, notes))
    except VidelicetError as error:
        # Still alone: what is taken back must not be what another task has just put there.
        return _give_up(steps, error, plan)
    return "ready"


def _give_up(steps: Steps, error: VidelicetError, plan: dict[str, Any] | None) -> str:
    _step("give up", lambda: steps.give_up(error, plan))
    return "cancelled" if isinstance(error, Cancelled) else "failed"


def _step(name: str, work: Callable[[], Any]) -> Any:
    """Run ``work`` once, and remember how it ended."""
    assert _runtime is not None
    runtime = _runtime

    def attempt() -> dict[str, Any]:
        runtime.require_presence()
        ended = outcome(name, work)
        # Nothing that came of it counts if others may be at it by now.
        runtime.require_presence()
        return ended

    ended = DBOS.run_step({"name": name}, attempt)
    if "error" in ended:
        raise from_json(ended["error"])
    return ended["value"]


def outcome(name: str, work: Callable[[], Any]) -> dict[str, Any]:
    """What ``work`` returned, as ``value``, or how it failed, as ``error``."""
    try:
        with told_step(name):
            return {"value": work()}
    except VidelicetError as error:
        return {"error": error.to_json()}
    except Exception as error:
        # Nothing we know of, so a fault of ours: it fails this task alone, with its traceback in
        # the log.
        fault = TaskError("task_failed", f"{type(error).__name__} in step {name}: {error}")
        return {"error": fault.to_json()}


def _short(name: str, work: Callable[[], str], give_up: Callable[[VidelicetError], str]) -> str:
    """Work of a single step, which sees to faults of the caller's itself. One of ours fails it too,
    or it would be begun again for ever."""
    try:
        return str(_step(name, work))
    except VidelicetError as error:
        fault = error
    return str(_step("give up", lambda: give_up(fault)))


@DBOS.workflow(name=PREPARE, max_recovery_attempts=None)
def prepare_file(tenant: str, file_id: str) -> str:
    """Make an uploaded file ready, and return its status."""
    assert _runtime is not None
    runtime = _runtime
    with told("file", file_id, trace_of(runtime, Kind.FILE, tenant, file_id)) as end:
        end.status = _short(
            "prepare",
            lambda: file_jobs.prepare(runtime, tenant, file_id),
            lambda error: file_jobs.give_up_file(runtime, tenant, file_id, error),
        )
        return end.status


@DBOS.workflow(name=EMBED, max_recovery_attempts=None)
def embed_media(tenant: str, task_id: str) -> str:
    """Compute the vectors an embedding task asks for, and return its status."""
    assert _runtime is not None
    runtime = _runtime
    with told("embedding", task_id, trace_of(runtime, Kind.EMBEDDING, tenant, task_id)) as end:
        end.status = _short(
            "embed",
            lambda: file_jobs.embed(runtime, tenant, task_id),
            lambda error: file_jobs.give_up_embedding(runtime, tenant, task_id, error),
        )
        return end.status


@DBOS.workflow(name=ANALYZE, max_recovery_attempts=None)
def analyze_video(tenant: str, analysis_id: str) -> str:
    """Run one analysis, and return its status."""
    assert _runtime is not None
    runtime = _runtime
    with told(
        "analysis", analysis_id, trace_of(runtime, Kind.ANALYSIS, tenant, analysis_id)
    ) as end:
        end.status = _short(
            "analyze",
            lambda: analyses.run(runtime, tenant, analysis_id),
            lambda error: analyses.give_up(runtime, tenant, analysis_id, error),
        )
        return end.status


@DBOS.workflow(name=TRY, max_recovery_attempts=None)
def try_queries(tenant: str, trial_id: str) -> str:
    """Try standing queries, and return how that went."""
    assert _runtime is not None
    runtime = _runtime
    with told("trial", trial_id, None) as end:
        end.status = str(_step("try", lambda: _tried(runtime, tenant, trial_id)))
        return end.status


def _tried(runtime: Runtime, tenant: str, trial_id: str) -> str:
    try:
        return runtime.trials.run(runtime.store.scope(runtime.scope.within(tenant)), trial_id)
    finally:
        runtime.stirred.set()  # there may be news to deliver


@DBOS.workflow(name=DELIVER, max_recovery_attempts=None)
def deliver_event(tenant: str, delivery_id: str) -> str:
    """Try once to bring an event to an address, and see to the next try."""
    assert _runtime is not None
    runtime = _runtime
    assert DBOS.workflow_id is not None
    made = int(DBOS.workflow_id.rpartition(".")[2])
    with told("delivery", delivery_id, None) as end:
        tries = _step("try", lambda: delivery.attempt(runtime, tenant, delivery_id, made))
        end.status = "ended" if tries is None else "again"
    if tries is None:
        return "ended"
    enqueue_try(tenant, delivery_id, tries, delivery.pause_after(runtime.settings, tries))
    return "again"
